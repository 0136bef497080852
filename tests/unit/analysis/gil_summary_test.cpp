#include "analysis/gil_summary.h"

#include <gtest/gtest.h>

#include "analysis/event_lists.h"
#include "analysis/gil_machine.h"

namespace gilscope {
namespace {

using std::chrono::nanoseconds;
using test::acquire;
using test::release;
using test::request;
using test::timeout;

GilSummary summarize_list(std::initializer_list<Event> events, std::uint64_t now, double ns_per_tick = 0.5) {
  GilMachine machine({.rows = 8, .gils = 4});
  for (const auto& event : events) machine.apply(event);
  return summarize(machine.snapshot(now), TickLength{ns_per_tick}, TickLength{ns_per_tick}.of(now));
}

TEST(GilSummary, converts_ticks_and_sums_the_rows_of_each_gil) {
  const auto summary =
      summarize_list({acquire(100, 1), request(200, 2), timeout(300, 2), release(400, 1), acquire(420, 2),
                      release(500, 2), acquire(600, 2, 3), release(700, 2, 3)},
                     1000);
  ASSERT_EQ(summary.gils.size(), 2U);
  const auto& gil = summary.gils[0];
  EXPECT_EQ(gil.holds, 2U);
  EXPECT_EQ(gil.hold_ns, nanoseconds(190));
  EXPECT_EQ(gil.waits, 1U);
  EXPECT_EQ(gil.wait_ns, nanoseconds(110));
  EXPECT_EQ(gil.forced, 1U);
  EXPECT_EQ(gil.voluntary, 1U);
  EXPECT_EQ(gil.handoffs, 1U);
  EXPECT_EQ(gil.overlaps, 0U);
  EXPECT_EQ(gil.violations, 0U);
  EXPECT_DOUBLE_EQ(gil.hold_share.value(), 0.38);
  EXPECT_EQ(summary.gils[1].id, GilId{3});
  EXPECT_EQ(summary.gils[1].hold_ns, nanoseconds(50));

  ASSERT_EQ(summary.threads.size(), 3U);
  const auto& waiter = summary.threads[1];
  EXPECT_EQ(waiter.id, ThreadId{2});
  EXPECT_EQ(waiter.lifetime_ns, nanoseconds(150));
  EXPECT_DOUBLE_EQ(waiter.wait_share.value(), 110.0 / 150);
  EXPECT_EQ(waiter.wait.value().max_ns, nanoseconds(110));
  EXPECT_EQ(waiter.hold.value().p50_ns, nanoseconds(40));
  EXPECT_FALSE(summary.threads[0].wait.has_value()) << "no wait: unknown, not 0";
  EXPECT_DOUBLE_EQ(summary.wait_share.value(), 110.0 / (150 + 150 + 50));
}

TEST(GilSummary, counts_overlaps) {
  EXPECT_EQ(summarize_list({acquire(1, 1), acquire(2, 2)}, 3).gils.at(0).overlaps, 1U);
}

TEST(GilSummary, of_nothing_knows_nothing) {
  const auto summary = summarize_list({}, 0);
  EXPECT_TRUE(summary.gils.empty());
  EXPECT_EQ(summary.wait_share, std::nullopt);
  EXPECT_EQ(summarize_list({acquire(0, 1)}, 0).gils.at(0).hold_share, std::nullopt);
}

TEST(Ceiling, is_wall_over_hold) {
  EXPECT_DOUBLE_EQ(ceiling(nanoseconds(1000), nanoseconds(250)).value(), 4);
  EXPECT_DOUBLE_EQ(ceiling(nanoseconds(1000), nanoseconds(1000)).value(), 1);
  EXPECT_DOUBLE_EQ(ceiling(nanoseconds(1000), nanoseconds(1001)).value(), 1) << "clocks differ by a little";
}

TEST(Ceiling, is_unknown_without_a_hold) {
  EXPECT_EQ(ceiling(nanoseconds(1000), nanoseconds(0)), std::nullopt);
  EXPECT_EQ(ceiling(nanoseconds(0), nanoseconds(0)), std::nullopt);
}

}  // namespace
}  // namespace gilscope
