// The one type for times and durations; at a boundary (JSON, Python) they are integers with the suffix _ns.
#pragma once

#include <chrono>
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

// The largest there is instead of more: a damaged capture may tell of any times.
[[nodiscard]] constexpr Nanoseconds add(Nanoseconds a, Nanoseconds b) noexcept {
  Nanoseconds::rep sum{};
  return __builtin_add_overflow(a.count(), b.count(), &sum) ? Nanoseconds::max() : Nanoseconds(sum);
}

}  // namespace gilscope
