#include "analysis/judge_loops.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "analysis/judge_cpu.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

// Of all its GILs.
struct LoopThread {
  std::optional<GilId> gil;
  Nanoseconds waited{};  // for GILs and CPUs
  std::optional<Nanoseconds> cpu;
};

LoopThread find_loop_thread(const ProcessSummary& process, ThreadId id) {
  LoopThread thread;
  for (const auto& row : process.threads) {
    if (row.figures.id != id) continue;
    if (!thread.gil) thread.waited = row.cpu_wait_ns.value_or(Nanoseconds{});  // in each of its rows
    if (!thread.gil) thread.gil = row.figures.gil;
    thread.waited = add(thread.waited, row.figures.wait_ns);
    thread.cpu = row.cpu_ns;
  }
  return thread;
}

// Of one function.
struct Stalls {
  const LoopStall* worst = nullptr;  // the place that took most of it
  const LoopStall* longest = nullptr;
  std::uint64_t count = 0;
  Nanoseconds total{};
  Nanoseconds longest_beside_others{};

  void add(const LoopStall& stall) {
    if (worst == nullptr || stall.total_ns > worst->total_ns) worst = &stall;
    if (longest == nullptr || stall.max_ns > longest->max_ns) longest = &stall;
    count += stall.count;
    total = gilscope::add(total, stall.total_ns);
    if (stall.alone < stall.count) longest_beside_others = std::max(longest_beside_others, stall.max_ns);
  }
  [[nodiscard]] bool is_worth_telling() const {
    return count >= kSeveral || longest_beside_others >= 2 * kStall;
  }
};

}  // namespace

std::vector<RunFinding> find_own_stalls(const ProcessSummary& process) {
  std::map<std::tuple<ThreadId, std::string, std::string>, Stalls> functions;
  std::map<ThreadId, Nanoseconds> totals;
  for (const auto& stall : process.loop_stalls) {
    functions[{stall.thread, stall.place.file, stall.place.function}].add(stall);
    totals[stall.thread] = add(totals[stall.thread], stall.total_ns);
  }
  std::vector<RunFinding> found;
  for (const auto& [key, stalls] : functions) {
    const ThreadId id = std::get<ThreadId>(key);
    const auto thread = find_loop_thread(process, id);
    if (!stalls.is_worth_telling() || thread.waited >= totals[id] / 2) continue;
    RunFinding& finding = found.emplace_back(RunFinding{.kind = RunFinding::Kind::StalledLoop,
                                                        .pid = process.pid,
                                                        .gil = thread.gil,
                                                        .culprit = id,
                                                        .victim = id,
                                                        .count = stalls.count,
                                                        .longest = stalls.longest->max_ns,
                                                        .culprits = {id},
                                                        .victims = {id}});
    finding.loop_stall = finding.longest;
    finding.stood_still = stalls.total;
    if (stalls.longest->max_begin_ns != Nanoseconds{}) finding.since = stalls.longest->max_begin_ns;
    finding.work = work_of(stalls.worst->place);
    if (finding.work) continue;
    finding.place = stalls.worst->place;
    finding.stack = {stalls.worst->place};
  }
  sort_stably(found, [](const RunFinding& left, const RunFinding& right) {
    return *left.stood_still > *right.stood_still;
  });
  return found;
}

bool is_blocked(const RunFinding& stall, const ProcessSummary& process) {
  const auto cpu = stall.culprit ? find_loop_thread(process, *stall.culprit).cpu : std::nullopt;
  return cpu && stall.stood_still && *cpu < *stall.stood_still / 2;
}

}  // namespace gilscope
