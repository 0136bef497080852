#include "analysis/judge_locks.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "support/sort_stably.h"

namespace gilscope {
namespace {

constexpr Nanoseconds kLeastLockWait{50'000'000};

// Who waits for an import of another thread's, waits once: nobody can hold that lock for less. Nor those that
// Python has around its table of modules, at lines of its own.
bool is_import(const LockWaitRow& row) {
  constexpr std::array<std::string_view, 3> kImporters{"_ModuleLock.", "_ImportLockContext.",
                                                       "_get_module_lock"};
  return row.place->file.starts_with("<frozen importlib") ||
         std::ranges::any_of(kImporters, [&](std::string_view name) { return row.within.starts_with(name); });
}

// At one line.
struct Turns {
  const LockWaitRow* worst = nullptr;
  std::uint64_t threads = 0;  // at least
  std::uint64_t count = 0;
  Nanoseconds total{};
  Nanoseconds longest{};
  Nanoseconds by_peers{};

  void add(const LockWaitRow& row) {
    if (worst == nullptr || row.total_ns > worst->total_ns) worst = &row;
    threads = std::max(threads, row.threads);
    count += row.count;
    total = gilscope::add(total, row.total_ns);
    longest = std::max(longest, row.max_ns);
    by_peers = gilscope::add(by_peers, row.by_peers_ns);
  }
};

}  // namespace

std::vector<RunFinding> find_lock_turns(const ProcessSummary& process) {
  std::map<std::tuple<std::string, std::string, std::uint32_t, std::string>, Turns> lines;
  for (const auto& row : process.lock_waits) {
    if (!row.is_for_turn() || !row.place || is_import(row)) continue;
    lines[{row.place->file, row.place->function, row.place->line, row.within}].add(row);
  }
  std::vector<RunFinding> found;
  for (const auto& [line, turns] : lines) {
    const auto waiters = share_of(turns.total, process.wall_ns).value_or(0);
    const bool is_signal = turns.threads < 2 || turns.by_peers < turns.total / 2;
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
    finding.hold_share = 0.0;
    for (const auto& gil : process.gils)
      finding.hold_share = std::max(*finding.hold_share, gil.hold_share.value_or(0));
  }
  sort_stably(found, [](const RunFinding& left, const RunFinding& right) {
    return *left.lock_wait > *right.lock_wait;
  });
  return found;
}

}  // namespace gilscope
