#include "probe/spin_series.h"

#include <gtest/gtest.h>

namespace gilscope {
namespace {

constexpr std::uint64_t kGap = SpinSeries::kGap;

TEST(SpinSeries, lasts_from_its_first_call_to_the_end_of_its_last) {
  SpinSeries tries;
  EXPECT_FALSE(tries.has_begun());
  EXPECT_EQ(tries.ticks(), 0U);
  tries.yield(100, 110);
  EXPECT_FALSE(tries.is_before(110 + kGap));
  tries.yield(112, 190);
  EXPECT_EQ(tries.begin(), 100U);
  EXPECT_EQ(tries.ticks(), 90U);
}

TEST(SpinSeries, is_over_where_the_next_call_comes_later_or_cpython_makes_no_more) {
  SpinSeries tries;
  EXPECT_FALSE(tries.is_before(100)) << "there is none";
  tries.yield(100, 110);
  EXPECT_TRUE(tries.is_before(111 + kGap));
  tries.forget();
  EXPECT_FALSE(tries.is_before(500 + kGap));
  std::uint64_t now = 1000;
  for (int i = 0; i < 40; ++i, now += 10) {
    EXPECT_FALSE(tries.is_before(now));
    tries.yield(now, now + 9);
  }
  EXPECT_TRUE(tries.is_before(now));
}

TEST(SpinSeries, is_of_the_sleep_that_comes_right_after_it) {
  SpinSeries tries;
  EXPECT_FALSE(tries.is_right_before(100));
  tries.yield(100, 110);
  EXPECT_TRUE(tries.is_right_before(110 + kGap));
  EXPECT_FALSE(tries.is_right_before(111 + kGap)) << "that one is for something else";
}

}  // namespace
}  // namespace gilscope
