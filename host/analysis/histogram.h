// A log-linear histogram of 64-bit values in fixed memory: count, sum, least and greatest are exact,
// percentiles are within kMaxRelativeError. One thread at a time records; any thread may read meanwhile
// (cell.h).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "analysis/cell.h"

namespace gilscope {

struct Percentiles {
  std::uint64_t p50 = 0;
  std::uint64_t p90 = 0;
  std::uint64_t p99 = 0;
  std::uint64_t max = 0;  // exact

  bool operator==(const Percentiles&) const = default;
};

// Every octave [2^e, 2^(e+1)) is cut into 2^kSubBucketBits buckets of equal width w = 2^(e - kSubBucketBits),
// and the values below 2^(kSubBucketBits + 1) have a bucket each (as in HdrHistogram, and DDSketch's relation
// of width to error). A bucket reports its middle, lowest + (w - 1) / 2, which is off by less than w / 2 from
// any value in it; each value in it is at least 2^kSubBucketBits * w: the relative error is below 1 /
// 2^(kSubBucketBits + 1) = 0.78 %. Zeroed memory is an empty histogram. 30,240 bytes, of which only the pages
// of the octaves in use are ever touched.
class Histogram {
 public:
  static constexpr unsigned kSubBucketBits = 6;
  static constexpr double kMaxRelativeError = 1.0 / (2U << kSubBucketBits);
  static constexpr std::size_t kSubBuckets = std::size_t{1} << kSubBucketBits;
  static constexpr std::size_t kBuckets = kSubBuckets * (64 - kSubBucketBits + 1);
  static_assert(kMaxRelativeError <= 0.01);

  static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    const auto highest_bit = 63U - static_cast<unsigned>(std::countl_zero(value | kSubBuckets));
    const auto octave = highest_bit - kSubBucketBits;
    return octave * kSubBuckets + static_cast<std::size_t>(value >> octave);
  }
  static constexpr std::uint64_t lowest_of(std::size_t bucket) noexcept {
    return bucket < 2 * kSubBuckets ? bucket : (kSubBuckets + bucket % kSubBuckets) << octave_of(bucket);
  }
  static constexpr std::uint64_t middle_of(std::size_t bucket) noexcept {
    const std::uint64_t width = bucket < 2 * kSubBuckets ? 1 : std::uint64_t{1} << octave_of(bucket);
    return lowest_of(bucket) + (width - 1) / 2;
  }

  void record(std::uint64_t value) noexcept {
    buckets_[bucket_of(value)].add(1);
    count_.add(1);
    sum_.add(value);
    if (value > max_.get()) max_.set(value);
    if (~value > complement_of_min_.get()) complement_of_min_.set(~value);
  }

  // Looks only at the buckets that have values: another process's pages would come with the reading of the
  // rest.
  void merge(const Histogram& other) noexcept {
    if (other.count() == 0) return;
    for (std::size_t bucket = bucket_of(other.min()); bucket <= bucket_of(other.max()); ++bucket) {
      if (const auto count = other.buckets_[bucket].read(); count != 0) buckets_[bucket].add(count);
    }
    count_.add(other.count_.read());
    sum_.add(other.sum_.read());
    if (other.max() > max_.get()) max_.set(other.max());
    if (const auto least = other.complement_of_min_.read(); least > complement_of_min_.get()) {
      complement_of_min_.set(least);
    }
  }

  // By who records. The least and the greatest value go last: where this was broken off, it can be done
  // again.
  void clear() noexcept {
    if (max_.get() == 0 && complement_of_min_.get() == 0) return;
    for (std::size_t bucket = bucket_of(min()); bucket <= bucket_of(max()); ++bucket) {
      if (buckets_[bucket].get() != 0) buckets_[bucket].set(0);
    }
    count_.set(0);
    sum_.set(0);
    max_.set(0);
    complement_of_min_.set(0);
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_.read(); }
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_.read(); }  // modulo 2^64
  [[nodiscard]] std::uint64_t max() const noexcept { return max_.read(); }  // 0 where it is empty
  [[nodiscard]] std::uint64_t min() const noexcept { return ~complement_of_min_.read(); }

  // Nearest rank: the least value that at least `share` (0 to 1) of all values do not exceed. Empty where
  // there is none.
  [[nodiscard]] std::optional<std::uint64_t> percentile(double share) const noexcept;

  // As if `more` had been recorded too: intervals that have not ended yet. Values that are recorded meanwhile
  // may be in or not; each figure stays within the error of a value that is. `also`: as if merged with that
  // one.
  [[nodiscard]] std::optional<Percentiles> percentiles(std::span<const std::uint64_t> more = {},
                                                       const Histogram* also = nullptr) const noexcept;

 private:
  static constexpr unsigned octave_of(std::size_t bucket) noexcept {
    return static_cast<unsigned>(bucket / kSubBuckets) - 1;
  }

  // Sets found[i] to the value at shares[i]; shares ascend. False where there is no value.
  [[nodiscard]] bool find_shares(std::span<const double> shares, std::span<std::uint64_t> found,
                                 std::span<const std::uint64_t> more, const Histogram* also) const noexcept;

  Cell count_;
  Cell sum_;
  Cell max_;
  Cell complement_of_min_;  // so that zero is no value yet
  std::array<Cell, kBuckets> buckets_;
};
static_assert(Histogram::kBuckets == 3776 && sizeof(Histogram) == 30'240);
static_assert(Histogram::bucket_of(~std::uint64_t{0}) == Histogram::kBuckets - 1);

}  // namespace gilscope
