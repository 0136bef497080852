#include "analysis/judge_locks.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "support/sort_stably.h"

namespace gilscope {
namespace {

constexpr Nanoseconds kLeastLockWait{50'000'000};

using Function = std::tuple<std::string, std::string>;

Function function_of(const CodePlace& place) { return {place.file, place.function}; }

// At one line.
struct Turns {
  const LockWaitRow* worst = nullptr;
  std::uint64_t threads = 0;  // at least
  std::uint64_t count = 0;
  Nanoseconds total{};
  Nanoseconds longest{};
  Nanoseconds ended_by_peers{};

  void add(const LockWaitRow& row, bool is_ended_by_peer) {
    if (worst == nullptr || row.total_ns > worst->total_ns) worst = &row;
    threads = std::max(threads, row.threads);
    count += row.count;
    total = gilscope::add(total, row.total_ns);
    longest = std::max(longest, row.max_ns);
    if (is_ended_by_peer) ended_by_peers = gilscope::add(ended_by_peers, row.total_ns);
  }
};

}  // namespace

std::vector<RunFinding> find_lock_turns(const ProcessSummary& process) {
  std::set<Function> takes_turns;
  for (const auto& row : process.lock_waits) {
    if (!row.is_for_work && row.place) takes_turns.insert(function_of(*row.place));
  }
  std::map<std::tuple<std::string, std::string, std::uint32_t, std::string>, Turns> lines;
  for (const auto& row : process.lock_waits) {
    if (row.is_for_work || !row.place) continue;
    const bool is_ended_by_peer = row.ended_at && takes_turns.contains(function_of(*row.ended_at));
    lines[{row.place->file, row.place->function, row.place->line, row.within}].add(row, is_ended_by_peer);
  }
  std::vector<RunFinding> found;
  for (const auto& [line, turns] : lines) {
    const auto waiters = share_of(turns.total, process.wall_ns).value_or(0);
    const bool is_signal = turns.threads < 2 || turns.ended_by_peers < turns.total / 2;
    if (waiters < kLockWaiters || turns.total < kLeastLockWait || is_signal) continue;
    RunFinding& finding = found.emplace_back(RunFinding{.kind = RunFinding::Kind::LockTurns,
                                                        .pid = process.pid,
                                                        .place = turns.worst->place,
                                                        .stack = {*turns.worst->place},
                                                        .count = turns.count,
                                                        .longest = turns.longest});
    finding.lock_wait = turns.total;
    finding.threads = turns.threads;
    finding.within = turns.worst->within;
    finding.ended_at = turns.worst->ended_at;
  }
  sort_stably(found, [](const RunFinding& left, const RunFinding& right) {
    return *left.lock_wait > *right.lock_wait;
  });
  return found;
}

}  // namespace gilscope
