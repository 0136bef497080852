#include "analysis/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace gilscope {
namespace {

constexpr std::size_t kResamples = 10'000;
constexpr std::uint64_t kSeed = 20'240'607;  // any; fixed, so that a report can be made again

double median_in_place(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

class Resampler {
 public:
  double median_of(std::span<const double> samples) {
    std::uniform_int_distribution<std::size_t> index(0, samples.size() - 1);
    scratch_.resize(samples.size());
    for (auto& value : scratch_) value = samples[index(random_)];
    return median_in_place(scratch_);
  }

 private:
  std::mt19937_64 random_{kSeed};
  std::vector<double> scratch_;
};

template <typename Statistic>
void set_interval(Estimate& estimate, Statistic resampled) {
  std::vector<double> values(kResamples);
  std::ranges::generate(values, resampled);
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(std::lround(share * static_cast<double>(kResamples - 1)))];
  };
  estimate.low = at(0.025);
  estimate.high = at(0.975);
}

}  // namespace

double median(std::span<const double> samples) {
  std::vector<double> values(samples.begin(), samples.end());
  return median_in_place(values);
}

Estimate estimate_median(std::span<const double> samples) {
  Estimate estimate{median(samples), {}, {}};
  if (samples.size() < kMinSamples) return estimate;
  Resampler resampler;
  set_interval(estimate, [&] { return resampler.median_of(samples); });
  return estimate;
}

Estimate estimate_ratio(std::span<const double> numerator, std::span<const double> denominator) {
  Estimate estimate{median(numerator) / median(denominator), {}, {}};
  if (std::min(numerator.size(), denominator.size()) < kMinSamples) return estimate;
  Resampler resampler;
  set_interval(estimate, [&] {
    const double above = resampler.median_of(numerator);
    return above / resampler.median_of(denominator);
  });
  return estimate;
}

}  // namespace gilscope
