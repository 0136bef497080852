#include "probe/clock.h"

#include <limits>

#include <gtest/gtest.h>

#include "probe/switched_off_tsc.h"
#include "recording/in_child.h"
#include "sanitizers.h"

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

// However long the machine takes between two readings: each lies between those around it.
TEST(ProbeClock, SamplesBothClocksAtOneInstant) {
  for (const ProbeClock clock : {ProbeClock::best(), ProbeClock(ClockKind::Monotonic)}) {
    const std::uint64_t ticks_before = clock.read();
    const Nanoseconds time_before = ProbeClock::read_monotonic();
    const ClockPoint point = clock.sample();
    EXPECT_GE(point.ticks, ticks_before);
    EXPECT_LE(point.ticks, clock.read());
    EXPECT_GE(point.time, time_before);
    EXPECT_LE(point.time, ProbeClock::read_monotonic());
  }
}

TEST(ProbeClock, TicksBecomeTheTimeOfClockMonotonic) {
  for (const ProbeClock clock : {ProbeClock::best(), ProbeClock(ClockKind::Monotonic)}) {
    const ClockPoint first = clock.sample();
    const std::uint64_t between = clock.read();
    while (ProbeClock::read_monotonic() - first.time < 5ms) {
    }
    const ClockPoint last = clock.sample();
    const TickConversion conversion(first, last);
    EXPECT_EQ(conversion.to_time(first.ticks), first.time);
    EXPECT_EQ(conversion.to_time(last.ticks), last.time);
    EXPECT_GE(conversion.to_time(between), first.time);
    EXPECT_LT(conversion.to_time(between), last.time);
  }
}

// Where the kernel keeps time by the counter, the C library's clock reads it as well.
TEST(ProbeClock, IsTheKernelsWhereThisProcessMayNotReadTheCounter) {
  if (test::is_sanitized_by("address") || test::is_sanitized_by("thread"))
    GTEST_SKIP() << "its library asks for the time";
  const int code = test::run_in_child([] {
    test::switch_tsc_off();
    const ProbeClock clock = ProbeClock::best();
    const ClockPoint first = clock.sample();
    const std::uint64_t ticks = clock.read();
    const ClockPoint last = clock.sample();
    return clock.kind() == ClockKind::Monotonic && first.ticks <= ticks && ticks <= last.ticks &&
           static_cast<std::uint64_t>(last.time.count()) == last.ticks;
  });
  EXPECT_EQ(code, 0);
}

TEST(ProbeClock, OfAKindIsRefusedWhereThisProcessMayNotReadIt) {
  EXPECT_EQ(ProbeClock::of(ClockKind::Monotonic)->kind(), ClockKind::Monotonic);
  EXPECT_EQ(ProbeClock::of(ClockKind::Tsc)->kind(), ClockKind::Tsc);
  const int code = test::run_in_child([] {
    const bool is_off = test::switch_tsc_off();
    return ProbeClock::of(ClockKind::Monotonic) && ProbeClock::of(ClockKind::Tsc).has_value() != is_off;
  });
  EXPECT_EQ(code, 0);
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
