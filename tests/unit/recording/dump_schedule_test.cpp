// When dumps are written.
#include "recording/dump_schedule.h"

#include <chrono>

#include <gtest/gtest.h>

namespace gilscope {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr DumpSchedule::Time kBegin{};

Trigger slow_hold(std::uint64_t begin) {
  return {.kind = TriggerKind::Hold, .begin = begin, .end = begin + 1};
}

TEST(DumpSchedule, waits_for_what_comes_after) {
  DumpSchedule schedule(seconds(1), 12);
  EXPECT_FALSE(schedule.take(kBegin));
  schedule.add(slow_hold(5), kBegin);
  EXPECT_FALSE(schedule.take(kBegin + milliseconds(999)));
  const auto due = schedule.take(kBegin + seconds(1));
  ASSERT_TRUE(due);
  EXPECT_EQ(due->trigger, slow_hold(5));
  EXPECT_EQ(due->further, 0U);
  EXPECT_FALSE(schedule.take(kBegin + seconds(2)));
}

TEST(DumpSchedule, makes_one_dump_of_what_comes_meanwhile) {
  DumpSchedule schedule(seconds(1), 12);
  schedule.add(slow_hold(5), kBegin);
  schedule.add(slow_hold(6), kBegin + milliseconds(300));
  schedule.add(slow_hold(7), kBegin + milliseconds(999));
  const auto due = schedule.take(kBegin + seconds(1));
  ASSERT_TRUE(due);
  EXPECT_EQ(due->trigger, slow_hold(5));
  EXPECT_EQ(due->further, 2U);
}

TEST(DumpSchedule, makes_no_more_than_the_hour_may_have) {
  DumpSchedule schedule(seconds(1), 2);
  for (int i = 0; i < 5; ++i) {
    schedule.add(slow_hold(5), kBegin + minutes(10 * i));
    EXPECT_EQ(schedule.take(kBegin + minutes(10 * i + 1)).has_value(), i < 2) << i;
  }
  EXPECT_EQ(schedule.passed_over(), 3U);
  schedule.add(slow_hold(6), kBegin + minutes(40) + milliseconds(500));  // it would have been in the same one
  EXPECT_EQ(schedule.passed_over(), 3U);
  schedule.add(slow_hold(5), kBegin + hours(1));  // since the first one
  EXPECT_TRUE(schedule.take(kBegin + hours(1) + seconds(1)));
  schedule.add(slow_hold(5), kBegin + hours(1) + minutes(1));
  EXPECT_FALSE(schedule.take(kBegin + hours(1) + minutes(2)));
}

TEST(DumpSchedule, does_at_once_and_always_what_somebody_asks_for) {
  DumpSchedule schedule(seconds(1), 1);
  schedule.add(slow_hold(5), kBegin);
  schedule.add({.kind = TriggerKind::Signal}, kBegin + milliseconds(1));  // makes that one come now
  EXPECT_TRUE(schedule.take(kBegin + milliseconds(1)));
  schedule.add({.kind = TriggerKind::Signal}, kBegin + milliseconds(2));
  const auto due = schedule.take(kBegin + milliseconds(2));
  ASSERT_TRUE(due);
  EXPECT_EQ(due->trigger.kind, TriggerKind::Signal);
  EXPECT_EQ(schedule.passed_over(), 0U);
}

TEST(DumpSchedule, waits_for_nothing_in_the_end) {
  DumpSchedule schedule(seconds(1), 12);
  schedule.add(slow_hold(5), kBegin);
  EXPECT_TRUE(schedule.take(kBegin, true));
  EXPECT_FALSE(schedule.take(kBegin, true));
}

}  // namespace
}  // namespace gilscope
