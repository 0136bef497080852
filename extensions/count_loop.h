// The sum of range(n), one addition a step, in pieces short enough to look for signals between them. No
// Python here.
#pragma once

#include <chrono>
#include <cstdint>

namespace gilscope {

// The largest n whose sum, n (n - 1) / 2, fits in 64 unsigned bits.
inline constexpr std::int64_t kMaxCount = 6'074'001'000;

class CountLoop {
 public:
  // `steps` is at most kMaxCount: nothing can overflow.
  explicit CountLoop(std::uint64_t steps) noexcept : steps_(steps) {}

  // Goes on counting for about `at_most`; true when the sum is complete.
  bool run(std::chrono::nanoseconds at_most) noexcept;

  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

 private:
  std::uint64_t steps_;
  std::uint64_t next_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace gilscope
