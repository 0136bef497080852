#include "analysis/histogram.h"

#include <algorithm>
#include <cmath>

namespace gilscope {

bool Histogram::find_shares(std::span<const double> shares, std::span<std::uint64_t> found,
                            std::span<const std::uint64_t> more, const Histogram* also) const noexcept {
  std::uint64_t least = also == nullptr ? min() : std::min(min(), also->min());
  std::uint64_t greatest = also == nullptr ? max() : std::max(max(), also->max());
  for (const auto value : more) {
    least = std::min(least, value);
    greatest = std::max(greatest, value);
  }
  if (least > greatest) return false;

  // Counts only grow: what the first pass counted, the second one finds.
  const auto count_in = [&](std::size_t bucket) {
    return buckets_[bucket].read() + (also == nullptr ? 0 : also->buckets_[bucket].read());
  };
  const auto first = bucket_of(least);
  const auto last = bucket_of(greatest);
  std::uint64_t total = more.size();
  for (auto bucket = first; bucket <= last; ++bucket) total += count_in(bucket);
  if (total == 0) return false;

  std::size_t next = 0;
  std::uint64_t seen = 0;
  for (auto bucket = first; bucket <= last && next < shares.size(); ++bucket) {
    seen += count_in(bucket);
    for (const auto value : more) seen += bucket_of(value) == bucket ? 1U : 0U;
    const auto value = std::clamp(middle_of(bucket), least, greatest);
    while (next < shares.size() && static_cast<double>(seen) >= shares[next] * static_cast<double>(total)) {
      if (seen == 0) break;  // a share of 0 is the least value
      found[next++] = value;
    }
  }
  return true;
}

std::optional<std::uint64_t> Histogram::percentile(double share) const noexcept {
  std::uint64_t found = max();
  if (!find_shares(std::span(&share, 1), std::span(&found, 1), {}, nullptr)) return std::nullopt;
  return found;
}

std::optional<Percentiles> Histogram::percentiles(std::span<const std::uint64_t> more,
                                                  const Histogram* also) const noexcept {
  constexpr std::array kShares = {0.5, 0.9, 0.99, 1.0};
  std::array<std::uint64_t, kShares.size()> found{};
  if (!find_shares(kShares, found, more, also)) return std::nullopt;
  std::uint64_t greatest = also == nullptr ? max() : std::max(max(), also->max());
  for (const auto value : more) greatest = std::max(greatest, value);
  return Percentiles{.p50 = found[0], .p90 = found[1], .p99 = found[2], .max = greatest};
}

}  // namespace gilscope
