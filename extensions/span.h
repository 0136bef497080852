// A span of time of known length, waited out to within microseconds. No Python here.
#pragma once

#include <chrono>
#include <optional>

namespace gilscope {

class Span {
 public:
  explicit Span(std::chrono::nanoseconds length) noexcept : length_(length) {}

  // Waits until the span ends: true. False when `at_most` went by before, or when a signal came. The span
  // begins at the first call. Sleeps, then spins for the last half of a millisecond.
  bool wait(std::chrono::nanoseconds at_most) noexcept;

 private:
  std::chrono::nanoseconds length_;
  std::optional<std::chrono::nanoseconds> end_;  // on CLOCK_MONOTONIC
};

}  // namespace gilscope
