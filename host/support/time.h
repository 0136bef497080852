// The one type for times and durations; at a boundary (JSON, Python) they are integers with the suffix _ns.
#pragma once

#include <chrono>
#include <ctime>

namespace gilscope {

using Nanoseconds = std::chrono::nanoseconds;

[[nodiscard]] constexpr Nanoseconds to_nanoseconds(const timespec& time) noexcept {
  return std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec);
}

}  // namespace gilscope
