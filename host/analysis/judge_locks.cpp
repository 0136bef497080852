#include "analysis/judge_locks.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

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

// Over before anybody slept, as happens without a GIL: nobody knows at which lock, nor who ended it.
bool was_spun(const LockWaitRow& row, const ProcessSummary& process) {
  return process.gils.empty() && row.lock == LockKind::Unknown && !row.ended_at && !row.max_ender;
}

// At one line.
struct Turns {
  const LockWaitRow* worst = nullptr;  // of those whose lock is known, if there are such
  std::uint64_t threads = 0;           // at least: a row has the number of its own, and names one
  std::set<ThreadId> longest_of;
  std::uint64_t count = 0;
  Nanoseconds total{};
  Nanoseconds longest{};
  Nanoseconds ended{};  // of `total`: by somebody
  Nanoseconds by_peers{};

  void add(const LockWaitRow& row, bool is_spun) {
    const auto rank = [](const LockWaitRow& of) {
      return std::pair(of.lock != LockKind::Unknown, of.total_ns);
    };
    if (worst == nullptr || rank(row) > rank(*worst)) worst = &row;
    longest_of.insert(row.max_thread);
    threads = std::max({threads, row.threads, static_cast<std::uint64_t>(longest_of.size())});
    count += row.count;
    total = gilscope::add(total, row.total_ns);
    longest = std::max(longest, row.max_ns);
    if (!is_spun) ended = gilscope::add(ended, row.total_ns);
    by_peers = gilscope::add(by_peers, row.by_peers_ns);
  }

  // Nobody means anything by the lock of an object, or by one of CPython's own: these are for turns alone.
  [[nodiscard]] bool is_shared() const {
    return worst->lock == LockKind::Object || worst->lock == LockKind::Python;
  }
  [[nodiscard]] bool is_signal() const {
    return threads < 2 || (!is_shared() && (ended == Nanoseconds{} || by_peers < ended / 2));
  }
};

}  // namespace

std::vector<RunFinding> find_lock_turns(const ProcessSummary& process) {
  std::map<std::pair<CodePlace, std::string>, Turns> lines;
  for (const auto& row : process.lock_waits) {
    if (!row.is_for_turn() || !row.place || is_import(row)) continue;
    lines[{*row.place, row.within}].add(row, was_spun(row, process));
  }
  std::vector<RunFinding> found;
  for (const auto& [line, turns] : lines) {
    const auto waiters = share_of(turns.total, process.wall_ns).value_or(0);
    if (waiters < kLockWaiters || turns.total < kLeastLockWait || turns.is_signal()) continue;
    using Kind = RunFinding::Kind;
    RunFinding& finding =
        found.emplace_back(RunFinding{.kind = turns.is_shared() ? Kind::SharedObject : Kind::LockTurns,
                                      .pid = process.pid,
                                      .place = turns.worst->place,
                                      .stack = {*turns.worst->place},
                                      .count = turns.count,
                                      .longest = turns.longest});
    finding.lock_wait = turns.total;
    finding.threads = turns.threads;
    finding.within = turns.worst->within;
    finding.ended_at = turns.worst->ended_at;
    if (turns.is_shared()) {
      finding.object_type = turns.worst->lock_type;
      continue;
    }
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
