// How long the machine was suspended while something ran. CLOCK_MONOTONIC stands still then, CLOCK_BOOTTIME
// goes on, and the time-stamp counter goes on, or begins anew.
#pragma once

#include "support/time.h"

namespace gilscope {

// By how much CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC: as the two cannot be read at once, it lies between
// these.
struct BootOffset {
  Nanoseconds least{};
  Nanoseconds most{};
};

[[nodiscard]] BootOffset read_boot_offset() noexcept;

// What it was at least; zero where it may be none, and below a millisecond.
[[nodiscard]] Nanoseconds suspended_between(const BootOffset& begin, const BootOffset& end) noexcept;

}  // namespace gilscope
