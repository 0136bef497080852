#include "probe/clock.h"

#include <limits>

#include <gtest/gtest.h>

namespace gilscope {
namespace {

using namespace std::chrono_literals;

TEST(ProbeClock, NeverRunsBackwardsInOneThread) {
  const ProbeClock clock = ProbeClock::best();
  std::uint64_t last = clock.read();
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t now = clock.read();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(ProbeClock, TicksBecomeTheTimeOfClockMonotonic) {
  for (const ProbeClock clock : {ProbeClock::best(), ProbeClock(ClockKind::Monotonic)}) {
    const ClockPoint first = clock.sample();
    while (ProbeClock::read_monotonic() - first.time < 5ms) {
    }
    const ClockPoint between = clock.sample();
    while (ProbeClock::read_monotonic() - between.time < 5ms) {
    }
    const TickConversion conversion(first, clock.sample());
    EXPECT_EQ(conversion.to_time(first.ticks), first.time);
    EXPECT_LT(std::chrono::abs(conversion.to_time(between.ticks) - between.time), 2us);
  }
}

TEST(TickConversion, IsExactOverDaysAndBeforeTheFirstPoint) {
  const TickConversion three_per_ns({.ticks = 1'000, .time = 50ns}, {.ticks = 1'000 + 3 * 864'000'000'000'000,
                                                                     .time = 864'000'000'000'050ns});
  EXPECT_EQ(three_per_ns.to_time(1'000 + 3 * 432'000'000'000'001), 432'000'000'000'051ns);
  EXPECT_EQ(three_per_ns.to_time(1'000 - 30), 40ns);
}

TEST(TickConversion, WithoutASpanEverythingIsTheFirstPoint) {
  const ClockPoint point{.ticks = 5, .time = 9ns};
  EXPECT_EQ(TickConversion(point, point).to_time(1'000), 9ns);
}

}  // namespace
}  // namespace gilscope
