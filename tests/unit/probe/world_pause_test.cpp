#include "probe/world_pause.h"

#include <gtest/gtest.h>

namespace gilscope {
namespace {

TEST(WorldPause, lasts_from_the_first_that_stood_to_the_last_that_is_woken) {
  WorldPause pause;
  const auto first = pause.wake(100, 200);
  EXPECT_TRUE(first.is_first);
  EXPECT_EQ(first.ticks, 100U);
  EXPECT_EQ(first.lost, 100U);
  EXPECT_EQ(first.until_stood, 0U) << "nobody had to be waited for";
  const auto second = pause.wake(90, 205);
  EXPECT_FALSE(second.is_first);
  EXPECT_EQ(second.ticks, 15U) << "10 earlier, 5 later";
  EXPECT_EQ(second.lost, 115U);
  EXPECT_EQ(second.begin, 90U);
  EXPECT_EQ(second.length, 115U);
}

TEST(WorldPause, begins_when_the_others_are_waited_for_in_rounds_until_the_last_one_stands) {
  WorldPause pause;
  pause.wait(50, 60, false);
  pause.wait(61, 75, true);
  const auto step = pause.wake(70, 100);
  EXPECT_EQ(step.begin, 50U);
  EXPECT_EQ(step.length, 50U);
  EXPECT_EQ(step.until_stood, 25U);
}

TEST(WorldPause, is_another_one_for_whoever_has_stood_since) {
  WorldPause pause;
  pause.wake(100, 200);
  const auto next = pause.wake(300, 310);
  EXPECT_TRUE(next.is_first);
  EXPECT_EQ(next.ticks, 10U);
  pause.wait(400, 410, true);
  const auto third = pause.wake(405, 420);
  EXPECT_TRUE(third.is_first);
  EXPECT_EQ(third.ticks, 20U);
  EXPECT_EQ(third.until_stood, 10U);
}

TEST(WorldPause, of_which_nobody_was_seen_to_stand_is_not_taken_for_the_next) {
  WorldPause pause;
  pause.wait(50, 60, true);
  pause.wait(500, 510, true);
  EXPECT_EQ(pause.wake(505, 520).begin, 500U);
  pause.wait(600, 610, true);
  pause.forget();
  EXPECT_EQ(pause.wake(700, 720).begin, 700U);
}

TEST(WorldPause, makes_no_negative_time_of_clocks_that_differ) {
  WorldPause pause;
  const auto step = pause.wake(210, 200);
  EXPECT_EQ(step.lost, 0U);
  EXPECT_EQ(step.length, 0U);
}

}  // namespace
}  // namespace gilscope
