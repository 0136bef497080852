#include "analysis/run_summary.h"

#include <algorithm>

namespace gilscope {
namespace {

ProcessSummary summarize_process(const ProcessRecord& record) {
  const GilSummary figures = summarize(record.figures, record.tick, record.wall);
  ProcessSummary summary{.pid = record.pid,
                         .parent_pid = record.parent_pid,
                         .role = record.role,
                         .wall_ns = record.wall,
                         .cpu_ns = record.cpu,
                         .gils = figures.gils};
  for (const auto& row : figures.threads) {
    NamedThread thread{.figures = row};
    const auto known =
        std::ranges::find_if(record.threads, [&](const auto& candidate) { return candidate.id == row.id; });
    if (row.id && known != record.threads.end()) {
      thread.name = known->name;
      thread.cpu_ns = known->cpu;
    }
    summary.threads.push_back(std::move(thread));
  }
  return summary;
}

// An acquire for each hold, a release for each that ended, a request for each wait, and the timeouts.
std::uint64_t count_events(const MachineSnapshot& figures) {
  std::uint64_t events = 0;
  for (const auto& row : figures.threads) {
    events += 2 * row.holds + row.waits - (row.open == OpenInterval::Hold ? 1 : 0);
  }
  for (const auto& gil : figures.gils) events += gil.timeouts;
  return events;
}

ProbeCost sum_cost(const std::vector<ProcessRecord>& records, std::optional<double> pair_cost_ns) {
  ProbeCost cost{.pair_cost_ns = pair_cost_ns};
  double pairs = 0;
  double wall_ns = 0;
  for (const auto& record : records) {
    cost.events += count_events(record.figures);
    cost.dropped += record.figures.lost_events;
    for (const auto& row : record.figures.threads) pairs += static_cast<double>(row.holds);
    wall_ns += static_cast<double>(record.wall.count());
  }
  if (pair_cost_ns && wall_ns > 0) cost.cost_share = pairs * *pair_cost_ns / wall_ns;
  return cost;
}

RunVerdict judge(const std::vector<ProcessSummary>& processes) {
  if (processes.empty()) return {};
  Nanoseconds waited{};
  Nanoseconds lived{};
  std::size_t busy = 0;
  const NamedThread* only = nullptr;
  Nanoseconds wall{};
  for (const auto& process : processes) {
    for (const auto& thread : process.threads) {
      const auto used = thread.figures.hold_ns + thread.figures.wait_ns;
      if (static_cast<double>(used.count()) < kBusyShare * static_cast<double>(process.wall_ns.count()))
        continue;
      ++busy;
      only = &thread;
      wall = process.wall_ns;
      waited += thread.figures.wait_ns;
      lived += thread.figures.lifetime_ns;
    }
  }
  RunVerdict verdict{.kind = RunVerdict::Kind::NoBottleneck, .wait_share = 0.0};
  if (lived > Nanoseconds::zero()) {
    verdict.wait_share = static_cast<double>(waited.count()) / static_cast<double>(lived.count());
  }
  if (*verdict.wait_share >= kBottleneckShare) {
    verdict.kind = RunVerdict::Kind::Bottleneck;
  } else if (busy == 1) {
    verdict.kind = RunVerdict::Kind::OneThread;
    verdict.ceiling = ceiling(wall, only->figures.hold_ns);
  }
  return verdict;
}

}  // namespace

RunSummary summarize_run(const std::vector<ProcessRecord>& records, std::optional<double> pair_cost_ns) {
  RunSummary summary{.probe = sum_cost(records, pair_cost_ns)};
  for (const auto& record : records) summary.processes.push_back(summarize_process(record));
  if (!records.empty()) {
    summary.wall_ns = records.front().wall;
    summary.cpu_ns = Nanoseconds{};
  }
  for (const auto& record : records) {
    if (!record.cpu) summary.cpu_ns.reset();
    if (summary.cpu_ns) *summary.cpu_ns += *record.cpu;
  }
  summary.verdict = judge(summary.processes);
  return summary;
}

}  // namespace gilscope
