#include "analysis/statistics.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace gilscope {
namespace {

// Draws from a normal distribution; the same ones for the same seed.
std::vector<double> normal_samples(std::size_t count, double mean, double deviation, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> distribution(mean, deviation);
  std::vector<double> samples(count);
  std::ranges::generate(samples, [&] { return distribution(random); });
  return samples;
}

double width(const Estimate& estimate) { return *estimate.high - *estimate.low; }

// The share of 200 draws of `count` normal samples whose interval holds the true median.
double coverage(std::size_t count) {
  constexpr unsigned kDraws = 200;
  constexpr double kTrueMedian = 100;
  unsigned hits = 0;
  for (unsigned draw = 0; draw < kDraws; ++draw) {
    const auto estimate = estimate_median(normal_samples(count, kTrueMedian, 5, draw));
    if (*estimate.low <= kTrueMedian && kTrueMedian <= *estimate.high) ++hits;
  }
  return static_cast<double>(hits) / kDraws;
}

TEST(Median, of_an_odd_number_is_the_middle_one_whatever_the_order) {
  EXPECT_EQ(median(std::vector<double>{9, 1, 5}), 5);
  EXPECT_EQ(median(std::vector<double>{1, 2, 3, 4, 1000}), 3);
  EXPECT_EQ(median(std::vector<double>{1000, 4, 3, 2, 1}), 3);
}

TEST(Median, of_an_even_number_is_the_mean_of_the_two_middle_ones) {
  EXPECT_EQ(median(std::vector<double>{1, 2}), 1.5);
  EXPECT_EQ(median(std::vector<double>{4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median(std::vector<double>{4, 4, 8, 1, 100, 2}), 4);
}

TEST(Median, of_one_is_that_one) { EXPECT_EQ(median(std::vector<double>{7}), 7); }

TEST(Median, leaves_the_samples_in_their_order) {
  const std::vector<double> samples{3, 1, 2};
  static_cast<void>(median(samples));
  EXPECT_EQ(samples, (std::vector<double>{3, 1, 2}));
}

TEST(MedianEstimate, has_an_interval_that_contains_the_median) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto samples = normal_samples(5 + seed, 50, 10, seed);
    const auto estimate = estimate_median(samples);
    EXPECT_EQ(estimate.median, median(samples));
    EXPECT_LE(*estimate.low, estimate.median) << seed;
    EXPECT_GE(*estimate.high, estimate.median) << seed;
    EXPECT_GE(*estimate.low, *std::ranges::min_element(samples));
    EXPECT_LE(*estimate.high, *std::ranges::max_element(samples));
  }
}

TEST(MedianEstimate, of_the_same_samples_is_the_same_every_time) {
  const auto samples = normal_samples(9, 1, 0.2, 1);
  const auto first = estimate_median(samples);
  const auto second = estimate_median(samples);
  EXPECT_EQ(first.low, second.low);
  EXPECT_EQ(first.high, second.high);
}

TEST(MedianEstimate, has_no_interval_below_five_samples) {
  for (std::size_t count = 1; count < kMinSamples; ++count) {
    const auto estimate = estimate_median(normal_samples(count, 10, 1, 1));
    EXPECT_FALSE(estimate.low.has_value()) << count;
    EXPECT_FALSE(estimate.high.has_value()) << count;
  }
  EXPECT_EQ(kMinSamples, 5U);
  EXPECT_TRUE(estimate_median(normal_samples(kMinSamples, 10, 1, 1)).low.has_value());
}

TEST(MedianEstimate, of_five_samples_spans_all_of_them) {
  // The least of five is the median of a resample with a probability of 5.8 %, more than the 2.5 % that are
  // cut off.
  const auto estimate = estimate_median(std::vector<double>{5, 1, 4, 2, 3});
  EXPECT_EQ(*estimate.low, 1);
  EXPECT_EQ(*estimate.high, 5);
}

TEST(MedianEstimate, of_equal_samples_is_that_value_with_an_interval_of_no_width) {
  const auto estimate = estimate_median(std::vector<double>(7, 42));
  EXPECT_EQ(estimate.median, 42);
  EXPECT_EQ(*estimate.low, 42);
  EXPECT_EQ(*estimate.high, 42);
}

TEST(MedianEstimate, narrows_with_the_number_of_samples) {
  // A median's standard error falls with the root of n: from 10 to 250 samples to a fifth.
  double few = 0;
  double many = 0;
  for (unsigned seed = 0; seed < 10; ++seed) {
    few += width(estimate_median(normal_samples(10, 0, 1, seed)));
    many += width(estimate_median(normal_samples(250, 0, 1, seed)));
  }
  EXPECT_NEAR(few / many, 5, 1.5);
}

TEST(MedianEstimate, covers_the_true_median_in_about_95_of_100_draws_of_20_samples) {
  // Three standard errors of a share of 0.95 in 200 draws are 0.046.
  EXPECT_GE(coverage(20), 0.90);
  EXPECT_LE(coverage(20), 0.995);  // an interval that is always right says too little
}

TEST(MedianEstimate, covers_the_true_median_in_more_than_90_of_100_draws_of_five_samples) {
  EXPECT_GE(coverage(5), 0.90);  // 1 - 2^-4 is 0.9375
  EXPECT_LE(coverage(5), 0.98);
}

TEST(RatioEstimate, is_the_ratio_of_the_medians_and_its_interval_contains_it) {
  const auto above = normal_samples(9, 200, 5, 1);
  const auto below = normal_samples(7, 100, 5, 2);
  const auto estimate = estimate_ratio(above, below);
  EXPECT_DOUBLE_EQ(estimate.median, median(above) / median(below));
  EXPECT_LT(*estimate.low, estimate.median);
  EXPECT_GT(*estimate.high, estimate.median);
  EXPECT_NEAR(estimate.median, 2, 0.2);
}

TEST(RatioEstimate, is_less_certain_than_either_of_its_parts) {
  const auto above = normal_samples(20, 100, 5, 3);
  const auto below = normal_samples(20, 100, 5, 4);
  const std::vector<double> exact(20, 100);
  EXPECT_GT(width(estimate_ratio(above, below)), width(estimate_ratio(above, exact)));
  EXPECT_GT(width(estimate_ratio(above, below)), width(estimate_ratio(exact, below)));
}

TEST(RatioEstimate, resamples_numerator_and_denominator_independently) {
  // Were they drawn in step, the ratio of samples with themselves would always be exactly 1.
  const auto samples = normal_samples(9, 100, 10, 5);
  const auto estimate = estimate_ratio(samples, samples);
  EXPECT_EQ(estimate.median, 1);
  EXPECT_LT(*estimate.low, 1);
  EXPECT_GT(*estimate.high, 1);
}

TEST(RatioEstimate, has_no_interval_where_either_side_has_too_few_samples) {
  const auto enough = normal_samples(5, 100, 1, 1);
  const auto too_few = normal_samples(4, 100, 1, 1);
  EXPECT_FALSE(estimate_ratio(enough, too_few).low.has_value());
  EXPECT_FALSE(estimate_ratio(too_few, enough).high.has_value());
  EXPECT_TRUE(estimate_ratio(enough, enough).low.has_value());
}

TEST(RatioEstimate, is_the_same_every_time) {
  const auto above = normal_samples(6, 3, 1, 8);
  const auto below = normal_samples(6, 30, 1, 9);
  EXPECT_EQ(estimate_ratio(above, below).low, estimate_ratio(above, below).low);
}

}  // namespace
}  // namespace gilscope
