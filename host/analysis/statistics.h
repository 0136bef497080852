// Medians and how far they can be trusted.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace gilscope {

// Fewer samples give no interval: the bootstrap's then spans the samples at most, and those of n draws hold
// the true median with a probability of 1 - 2^(1-n), which is 94 % for 5 and 75 % for 3.
inline constexpr std::size_t kMinSamples = 5;

// A median with its bootstrap 95 % interval; empty bounds below kMinSamples.
struct Estimate {
  double median = 0;
  std::optional<double> low;
  std::optional<double> high;
};

// The middle value; the mean of the two middle ones of an even number. `samples` must not be empty.
double median(std::span<const double> samples);

// Percentile bootstrap (Efron & Tibshirani, "An Introduction to the Bootstrap", ch. 13): the median of 10,000
// resamples with replacement, 2.5 % and 97.5 % points. The same samples give the same interval on every run.
Estimate estimate_median(std::span<const double> samples);

// median(numerator) / median(denominator), both resampled independently. The denominators must be > 0.
Estimate estimate_ratio(std::span<const double> numerator, std::span<const double> denominator);

}  // namespace gilscope
