// A span of time of known length, waited out to within microseconds. No Python here.
#pragma once

#include <chrono>
#include <csignal>
#include <optional>

namespace gilscope {

class Span {
 public:
  explicit Span(std::chrono::nanoseconds length) noexcept : length_(length) {}

  // Waits until the span ends: true. False when `at_most` went by before, or when a signal came. The span
  // begins at the first call. Sleeps, then spins for the last half of a millisecond. `mask`: the thread's
  // signal mask while it sleeps, as of ppoll(); nullptr leaves the one it has.
  bool wait(std::chrono::nanoseconds at_most, const sigset_t* mask = nullptr) noexcept;

 private:
  std::chrono::nanoseconds length_;
  std::optional<std::chrono::nanoseconds> end_;  // on CLOCK_MONOTONIC
};

}  // namespace gilscope
