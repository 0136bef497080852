#include "analysis/judge_world.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "support/sort_stably.h"

namespace gilscope {
namespace {

constexpr Nanoseconds kLeastStood{50'000'000};
constexpr std::string_view kCollect = "gc.collect";

// What those who stood lost by the stops at each place, until they went on: where a pause is short, to be
// woken takes longer than it, and the next one may come meanwhile.
class Losses {
 public:
  explicit Losses(const ProcessSummary& process) {
    for (const auto& row : process.stops) {
      if (!row.place) continue;
      Nanoseconds& stood = by_place_[*row.place].stood;
      stood = add(stood, row.lost_ns);
    }
    for (const auto& row : process.lock_waits) {
      if (!row.is_for_world() || !row.ended_at) continue;
      Nanoseconds& waited = by_place_[*row.ended_at].waited;
      waited = add(waited, row.total_ns);
    }
  }

  [[nodiscard]] Nanoseconds of(const WorldStopRow& row) const {
    if (!row.place) return row.lost_ns;
    const auto& [stood, waited] = by_place_.at(*row.place);
    const auto part = share_of(row.lost_ns, stood).value_or(0);
    return std::max(row.lost_ns, round_to_nanoseconds(part * count_ns(waited)));
  }

 private:
  struct Loss {
    Nanoseconds stood{};
    Nanoseconds waited{};
  };
  std::map<CodePlace, Loss> by_place_;
};

// At one line, or wherever Python collected by itself.
struct Stops {
  const WorldStopRow* worst = nullptr;
  std::uint64_t count = 0;
  Nanoseconds lost{};
  Nanoseconds longest{};

  void add(const WorldStopRow& row, Nanoseconds lost_by_it) {
    if (worst == nullptr || row.lost_ns > worst->lost_ns) worst = &row;
    count += row.count;
    lost = gilscope::add(lost, lost_by_it);
    longest = std::max(longest, row.max_ns);
  }
};

HeldWork work_of(const WorldStopRow& row) {
  if (!row.is_collection) return {WorkKind::Call, row.call};
  return {row.call == kCollect ? WorkKind::Collect : WorkKind::Collection, ""};
}

}  // namespace

std::vector<RunFinding> find_world_stops(const ProcessSummary& process) {
  const Losses losses(process);
  std::map<std::pair<HeldWork, CodePlace>, Stops> causes;
  for (const auto& row : process.stops) {
    auto work = work_of(row);
    const bool has_line = row.place && work.kind != WorkKind::Collection;
    causes[{std::move(work), has_line ? *row.place : CodePlace{}}].add(row, losses.of(row));
  }
  std::vector<RunFinding> found;
  for (const auto& [cause, stops] : causes) {
    const auto standing = share_of(stops.lost, process.wall_ns).value_or(0);
    if (standing < kStandingThreads || stops.lost < kLeastStood) continue;
    const auto& work = cause.first;
    RunFinding& finding = found.emplace_back(RunFinding{.kind = RunFinding::Kind::StoppedWorld,
                                                        .pid = process.pid,
                                                        .culprit = stops.worst->max_thread,
                                                        .work = work,
                                                        .count = stops.count,
                                                        .longest = stops.longest,
                                                        .lost = stops.lost});
    finding.culprits = {stops.worst->max_thread};
    if (work.kind == WorkKind::Collection || !stops.worst->place) continue;
    finding.place = stops.worst->place;
    finding.stack = {*finding.place};
  }
  sort_stably(found, [](const RunFinding& left, const RunFinding& right) { return left.lost > right.lost; });
  return found;
}

std::optional<RunFinding> find_gil_return(const ProcessSummary& process) {
  if (!process.gil_return || process.other_threads.size() < 2) return std::nullopt;
  const auto& gil = *process.gil_return;
  RunFinding finding{.kind = RunFinding::Kind::GilReturn, .pid = process.pid, .place = gil.place, .count = 1};
  if (gil.place) finding.stack = {*gil.place};
  finding.since = gil.since_ns;
  finding.module = gil.module;
  return finding;
}

}  // namespace gilscope
