// The probe's clock: the processor's time-stamp counter where it is invariant and may be read, else
// CLOCK_MONOTONIC. Any thread; read() is on the hot path. Ticks become nanoseconds of CLOCK_MONOTONIC later,
// between two points sampled around them.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>

#include "support/machine.h"
#include "support/time.h"

namespace gilscope {

// One instant in both clocks.
struct ClockPoint {
  std::uint64_t ticks = 0;
  Nanoseconds time{};  // CLOCK_MONOTONIC
};

class ProbeClock {
 public:
  // Tsc only where the processor says that it never stops or changes its pace (CPUID 0x80000007, EDX bit 8)
  // and the kernel, which watches it across cores, uses it too; and never where this process has it switched
  // off. (Who switches it off while a clock is in use is ended by the next reading.)
  static ProbeClock best();

  // Of that kind, which another process of this machine has chosen; empty where this one may not read it.
  static std::optional<ProbeClock> of(ClockKind kind) noexcept;

  explicit constexpr ProbeClock(ClockKind kind = ClockKind::Monotonic) noexcept : kind_(kind) {}

  [[nodiscard]] constexpr ClockKind kind() const noexcept { return kind_; }

  // Not serialised: it may be taken some instructions early or late, which costs less than a fence.
  [[nodiscard]] std::uint64_t read() const noexcept {
#ifdef __x86_64__
    if (kind_ == ClockKind::Tsc) [[likely]]
      return __builtin_ia32_rdtsc();  // <x86intrin.h> is half of what a file would be
#endif
    return static_cast<std::uint64_t>(read_time().count());
  }

  // CLOCK_MONOTONIC, whichever the kind.
  [[nodiscard]] Nanoseconds read_time() const noexcept {
    if (asks_kernel_) [[unlikely]]
      return ask_kernel_for_time();
    return read_monotonic();
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
  bool asks_kernel_ = false;  // see may_read_tsc()
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
