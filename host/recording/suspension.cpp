#include "recording/suspension.h"

#include <ctime>

#include "support/machine.h"

namespace gilscope {

// Of the kernel itself: the C library reads the time-stamp counter for it, which may be switched off
// (may_read_tsc). The tightest of some tries: another thread may run between two readings.
BootOffset read_boot_offset() noexcept {
  BootOffset best{.least = Nanoseconds::min() / 4, .most = Nanoseconds::max() / 4};
  for (int i = 0; i < 5; ++i) {
    const Nanoseconds before = ask_kernel_for_time(CLOCK_MONOTONIC);
    const Nanoseconds boot = ask_kernel_for_time(CLOCK_BOOTTIME);
    const Nanoseconds after = ask_kernel_for_time(CLOCK_MONOTONIC);
    const BootOffset offset{.least = boot - after, .most = boot - before};
    if (offset.most - offset.least < best.most - best.least) best = offset;
  }
  return best;
}

Nanoseconds suspended_between(const BootOffset& begin, const BootOffset& end) noexcept {
  constexpr Nanoseconds kLeast = std::chrono::milliseconds(1);
  const Nanoseconds suspended = end.least - begin.most;
  return suspended < kLeast ? Nanoseconds{} : suspended;
}

}  // namespace gilscope
