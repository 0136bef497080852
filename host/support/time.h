// The one type for times and durations; at a boundary (JSON, Python) they are integers with the suffix _ns.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

namespace gilscope {

using Nanoseconds = std::chrono::nanoseconds;

[[nodiscard]] constexpr Nanoseconds to_nanoseconds(const timespec& time) noexcept {
  return std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec);
}

[[nodiscard]] constexpr double to_seconds(Nanoseconds time) noexcept {
  return std::chrono::duration<double>(time).count();
}

[[nodiscard]] constexpr Nanoseconds from_seconds(double seconds) noexcept {
  return std::chrono::duration_cast<Nanoseconds>(std::chrono::duration<double>(seconds));
}

[[nodiscard]] constexpr double count_ns(Nanoseconds time) noexcept {
  return static_cast<double>(time.count());
}

// The nearest one, or the largest of those that a double tells apart from more: a damaged capture may tell of
// any times.
[[nodiscard]] inline Nanoseconds round_to_nanoseconds(double ns) noexcept {
  constexpr double kLongest = 9e18;
  return Nanoseconds(std::llround(std::min(ns, kLongest)));
}

// The largest there is instead of more: a damaged capture may tell of any times.
[[nodiscard]] constexpr Nanoseconds add(Nanoseconds a, Nanoseconds b) noexcept {
  Nanoseconds::rep sum{};
  return __builtin_add_overflow(a.count(), b.count(), &sum) ? Nanoseconds::max() : Nanoseconds(sum);
}

}  // namespace gilscope
