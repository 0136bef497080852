#include "probe/clock.h"

#include <algorithm>
#include <limits>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "support/system_files.h"

namespace gilscope {
namespace {

bool has_invariant_tsc() {
#ifdef __x86_64__
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) != 0 && (edx & (1U << 8U)) != 0;
#else
  return false;
#endif
}

}  // namespace

ProbeClock ProbeClock::best() {
  const auto source = read_text("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  const bool is_good = has_invariant_tsc() && source && trim(*source) == "tsc";
  const auto tsc = is_good ? of(ClockKind::Tsc) : std::nullopt;
  return tsc ? *tsc : *of(ClockKind::Monotonic);
}

std::optional<ProbeClock> ProbeClock::of(ClockKind kind) noexcept {
  ProbeClock clock(kind);
  clock.asks_kernel_ = !may_read_tsc();
  if (clock.asks_kernel_ && kind == ClockKind::Tsc) return std::nullopt;
  return clock;
}

ClockPoint ProbeClock::sample() const noexcept {
  if (kind_ == ClockKind::Monotonic) {
    const Nanoseconds now = read_time();
    return {.ticks = static_cast<std::uint64_t>(now.count()), .time = now};
  }
  ClockPoint tightest;
  std::uint64_t smallest = std::numeric_limits<std::uint64_t>::max();
  for (int i = 0; i < 16; ++i) {
    const std::uint64_t before = read();
    const Nanoseconds time = read_time();
    const std::uint64_t width = read() - before;
    if (width < smallest) {
      smallest = width;
      tightest = {.ticks = before + width / 2, .time = time};
    }
  }
  return tightest;
}

double TickConversion::tick_ns() const noexcept {
  if (second_.ticks <= first_.ticks) return 1;
  return static_cast<double>((second_.time - first_.time).count()) /
         static_cast<double>(second_.ticks - first_.ticks);
}

Nanoseconds TickConversion::to_time(std::uint64_t ticks) const noexcept {
  const auto width = static_cast<std::int64_t>(second_.ticks - first_.ticks);
  if (width <= 0) return first_.time;
  // ticks * nanoseconds needs more than 64 bits after some seconds.
  __extension__ using Wide = __int128;
  const auto offset = static_cast<std::int64_t>(ticks - first_.ticks);
  const auto span = (second_.time - first_.time).count();
  const Wide time = Wide{first_.time.count()} + Wide{offset} * span / width;
  // A damaged capture may have any points.
  return Nanoseconds(static_cast<std::int64_t>(std::clamp(time, Wide{0}, Wide{Nanoseconds::max().count()})));
}

}  // namespace gilscope
