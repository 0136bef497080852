#include "count_loop.h"

#include <algorithm>

namespace gilscope {
namespace {

// About 0.1 ms of additions: a clock read between two blocks costs nothing beside them.
constexpr std::uint64_t kBlockSteps = std::uint64_t{1} << 18U;

std::uint64_t add_range(std::uint64_t total, std::uint64_t first, std::uint64_t last) noexcept {
  for (std::uint64_t step = first; step != last; ++step) {
    total += step;
    // Hides the total from the compiler at each step: else it would write n (n - 1) / 2, or add vectors.
    // tests/python/test_native.py and tests/bench/bench_native.py would tell.
    asm volatile("" : "+r"(total));
  }
  return total;
}

}  // namespace

bool CountLoop::run(std::chrono::nanoseconds at_most) noexcept {
  const auto start = std::chrono::steady_clock::now();
  while (next_ < steps_) {
    const std::uint64_t block_end = next_ + std::min(kBlockSteps, steps_ - next_);
    total_ = add_range(total_, next_, block_end);
    next_ = block_end;
    if (std::chrono::steady_clock::now() - start >= at_most) {
      break;
    }
  }
  return next_ == steps_;
}

}  // namespace gilscope
