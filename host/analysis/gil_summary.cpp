#include "analysis/gil_summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gilscope {
namespace {

std::optional<DurationFigures> convert(const std::optional<Percentiles>& ticks, TickLength tick) {
  if (!ticks) return std::nullopt;
  return DurationFigures{.p50_ns = tick.of(ticks->p50),
                         .p90_ns = tick.of(ticks->p90),
                         .p99_ns = tick.of(ticks->p99),
                         .max_ns = tick.of(ticks->max)};
}

ThreadFigures summarize_thread(const ThreadSnapshot& row, TickLength tick, Nanoseconds wall) {
  ThreadFigures figures{.id = row.thread,
                        .folded = row.folded,
                        .gil = row.gil,
                        .holds = row.holds,
                        .hold_ns = tick.of(row.hold_ticks),
                        .waits = row.waits,
                        .wait_ns = tick.of(row.wait_ticks),
                        .forced = row.forced,
                        .voluntary = row.voluntary,
                        .open = row.open,
                        .lifetime_ns = tick.of(row.lifetime),
                        .hold = convert(row.hold, tick),
                        .wait = convert(row.wait, tick)};
  figures.hold_share = share_of(figures.hold_ns, wall);
  // Merged threads live side by side: the time from the first's begin to the last's end is nobody's lifetime.
  if (row.thread) figures.wait_share = share_of(figures.wait_ns, figures.lifetime_ns);
  return figures;
}

GilFigures summarize_gil(const GilSnapshot& gil, const MachineSnapshot& snapshot, TickLength tick,
                         Nanoseconds wall) {
  GilFigures figures{.id = gil.gil, .folded = gil.folded, .handoffs = gil.handoffs};
  if (gil.interpreter) figures.interpreters.push_back(*gil.interpreter);
  figures.overlaps = gil.violations[static_cast<std::size_t>(Violation::AcquireWhileHeld)];
  figures.violations = std::accumulate(gil.violations.begin(), gil.violations.end(), std::uint64_t{0});
  std::uint64_t hold_ticks = 0;
  std::uint64_t wait_ticks = 0;
  for (const auto& row : snapshot.threads) {
    if (row.gil != gil.gil) continue;
    figures.holds += row.holds;
    figures.waits += row.waits;
    figures.forced += row.forced;
    figures.voluntary += row.voluntary;
    hold_ticks += row.hold_ticks;
    wait_ticks += row.wait_ticks;
  }
  figures.hold_ns = tick.of(hold_ticks);
  figures.wait_ns = tick.of(wait_ticks);
  figures.hold_share = share_of(figures.hold_ns, wall);
  return figures;
}

}  // namespace

std::optional<double> share_of(Nanoseconds part, Nanoseconds whole) noexcept {
  if (whole <= Nanoseconds::zero()) return std::nullopt;
  return static_cast<double>(part.count()) / static_cast<double>(whole.count());
}

Nanoseconds TickLength::of(std::uint64_t ticks) const noexcept {
  return round_to_nanoseconds(static_cast<double>(ticks) * ns);
}

GilSummary summarize(const MachineSnapshot& snapshot, TickLength tick, Nanoseconds wall) {
  GilSummary summary{.wall_ns = wall, .lost_events = snapshot.lost_events};
  for (const auto& gil : snapshot.gils) summary.gils.push_back(summarize_gil(gil, snapshot, tick, wall));
  Nanoseconds waited{};
  Nanoseconds lived{};
  for (const auto& row : snapshot.threads) {
    summary.threads.push_back(summarize_thread(row, tick, wall));
    const auto& thread = summary.threads.back();
    if (!thread.wait_share) continue;
    waited = add(waited, thread.wait_ns);
    lived = add(lived, thread.lifetime_ns);
  }
  summary.wait_share = share_of(waited, lived);
  return summary;
}

std::optional<double> ceiling(Nanoseconds wall, Nanoseconds hold) noexcept {
  if (hold <= Nanoseconds::zero() || wall <= Nanoseconds::zero()) return std::nullopt;
  return std::max(1.0, static_cast<double>(wall.count()) / static_cast<double>(hold.count()));
}

}  // namespace gilscope
