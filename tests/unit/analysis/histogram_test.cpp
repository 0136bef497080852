#include "analysis/histogram.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace gilscope {
namespace {

std::uint64_t nearest_rank(const std::vector<std::uint64_t>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

void expect_near(std::uint64_t found, std::uint64_t truth) {
  const double error = std::abs(static_cast<double>(found) - static_cast<double>(truth));
  EXPECT_LE(error, Histogram::kMaxRelativeError * static_cast<double>(truth)) << found << " for " << truth;
}

std::vector<std::uint64_t> values_of_every_magnitude(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> values(count);
  for (auto& value : values) value = random() >> (random() % 64);
  return values;
}

TEST(Histogram, of_nothing_has_no_percentiles) {
  const Histogram histogram{};
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.percentile(0.5), std::nullopt);
  EXPECT_EQ(histogram.percentiles(), std::nullopt);
}

TEST(Histogram, of_one_value_is_exact_even_if_it_is_zero_or_the_greatest) {
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{12'345'678}, ~std::uint64_t{0}}) {
    Histogram histogram{};
    histogram.record(value);
    EXPECT_EQ(histogram.percentiles(), (Percentiles{value, value, value, value}));
    EXPECT_EQ(histogram.min(), value);
    EXPECT_EQ(histogram.max(), value);
    EXPECT_EQ(histogram.sum(), value);
  }
}

TEST(Histogram, buckets_follow_one_another_without_gap_and_within_the_error) {
  for (std::size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    const auto lowest = Histogram::lowest_of(bucket);
    const auto highest =
        bucket + 1 == Histogram::kBuckets ? ~std::uint64_t{0} : Histogram::lowest_of(bucket + 1) - 1;
    ASSERT_EQ(Histogram::bucket_of(lowest), bucket);
    ASSERT_EQ(Histogram::bucket_of(highest), bucket);
    expect_near(Histogram::middle_of(bucket), lowest);
    expect_near(Histogram::middle_of(bucket), highest);
  }
}

TEST(Histogram, percentiles_of_random_lists_are_within_the_error_at_every_magnitude) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    auto values = values_of_every_magnitude(seed, 1 + seed * 7);
    Histogram histogram{};
    std::uint64_t sum = 0;
    for (const auto value : values) {
      histogram.record(value);
      sum += value;
    }
    std::ranges::sort(values);
    EXPECT_EQ(histogram.count(), values.size());
    EXPECT_EQ(histogram.sum(), sum);
    EXPECT_EQ(histogram.min(), values.front());
    EXPECT_EQ(histogram.max(), values.back());
    for (const double share : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      expect_near(*histogram.percentile(share), nearest_rank(values, share));
    }
  }
}

TEST(Histogram, merged_is_the_histogram_of_all_values) {
  Histogram left{};
  Histogram right{};
  Histogram all{};
  for (const auto value : values_of_every_magnitude(1, 1000)) {
    left.record(value);
    all.record(value);
  }
  for (const auto value : values_of_every_magnitude(2, 10)) {
    right.record(value);
    all.record(value);
  }
  left.merge(right);
  left.merge(Histogram{});
  EXPECT_EQ(left.count(), all.count());
  EXPECT_EQ(left.sum(), all.sum());
  EXPECT_EQ(left.min(), all.min());
  EXPECT_EQ(left.percentiles(), all.percentiles());
}

TEST(Histogram, has_the_percentiles_of_two_without_merging_them) {
  const auto values = values_of_every_magnitude(9, 2000);
  for (const std::size_t first : {0U, 1U, 700U, 2000U}) {
    Histogram left{};
    Histogram right{};
    for (std::size_t i = 0; i < values.size(); ++i) (i < first ? left : right).record(values[i]);
    Histogram both{};
    both.merge(left);
    both.merge(right);
    for (const std::vector<std::uint64_t>& more : {std::vector<std::uint64_t>{}, {5, 1U << 20U}}) {
      EXPECT_EQ(left.percentiles(more, &right), both.percentiles(more));
      EXPECT_EQ(right.percentiles(more, &left), both.percentiles(more));
    }
  }
}

TEST(Histogram, values_that_are_not_recorded_yet_count_in_its_percentiles) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto recorded = values_of_every_magnitude(seed, seed);
    const auto more = values_of_every_magnitude(seed + 1000, 1 + seed % 5);
    Histogram with{};
    Histogram without{};
    for (const auto value : recorded) {
      with.record(value);
      without.record(value);
    }
    for (const auto value : more) with.record(value);
    EXPECT_EQ(without.percentiles(more), with.percentiles());
  }
}

}  // namespace
}  // namespace gilscope
