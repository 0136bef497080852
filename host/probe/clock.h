// The probe's clock: the processor's time-stamp counter where it is invariant, else CLOCK_MONOTONIC. Any
// thread; read() is on the hot path. Ticks become nanoseconds of CLOCK_MONOTONIC later, between two points
// sampled around them.
#pragma once

#include <cstdint>
#include <ctime>

#include "support/machine.h"
#include "support/time.h"

#ifdef __x86_64__
#include <x86intrin.h>
#endif

namespace gilscope {

// One instant in both clocks.
struct ClockPoint {
  std::uint64_t ticks = 0;
  Nanoseconds time{};  // CLOCK_MONOTONIC
};

class ProbeClock {
 public:
  // Tsc only where the processor says that it never stops or changes its pace (CPUID 0x80000007, EDX bit 8)
  // and the kernel, which watches it across cores, uses it too.
  static ProbeClock best();
  explicit constexpr ProbeClock(ClockKind kind = ClockKind::Monotonic) noexcept : kind_(kind) {}

  [[nodiscard]] constexpr ClockKind kind() const noexcept { return kind_; }

  // Not serialised: it may be taken some instructions early or late, which costs less than a fence.
  [[nodiscard]] std::uint64_t read() const noexcept {
#ifdef __x86_64__
    if (kind_ == ClockKind::Tsc) [[likely]]
      return __rdtsc();
#endif
    return static_cast<std::uint64_t>(read_monotonic().count());
  }

  // The tightest of several pairs of readings; costs some microseconds.
  [[nodiscard]] ClockPoint sample() const noexcept;

  [[nodiscard]] static Nanoseconds read_monotonic() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return to_nanoseconds(now);
  }

 private:
  ClockKind kind_;
};

// Ticks to CLOCK_MONOTONIC on the line through two points. Exact at both; sample the second one as late as
// you can.
class TickConversion {
 public:
  TickConversion(const ClockPoint& first, const ClockPoint& second) noexcept
      : first_(first), second_(second) {}

  [[nodiscard]] Nanoseconds to_time(std::uint64_t ticks) const noexcept;
  // How long a tick is; 1 where both points are one.
  [[nodiscard]] double tick_ns() const noexcept;

 private:
  ClockPoint first_;
  ClockPoint second_;
};

}  // namespace gilscope
