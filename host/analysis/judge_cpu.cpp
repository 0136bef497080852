#include "analysis/judge_cpu.h"

#include <algorithm>
#include <cstddef>

#include "analysis/judge_parts.h"

namespace gilscope {
namespace {

using Kind = RunFinding::Kind;

constexpr double kGivenEnough = 0.75;       // of the time for which a CPU was wanted
constexpr double kLeastWaited = 0.1;        // of the process's time, for a CPU
constexpr Nanoseconds kShort{100'000'000};  // of a process: to be scheduled now and then takes milliseconds

// Of the time for which it wanted a CPU. Empty where the system did not tell.
std::optional<double> given_share(const ProcessSummary& process) noexcept {
  const auto wanted = process.cpu_wait_ns ? wanted_cpu(process) : std::nullopt;
  return wanted ? share_of(*process.cpu_ns, *wanted) : std::nullopt;
}

// Of all GILs. A thread of which the system did not tell had what its process had. Empty: not told either.
std::optional<CpuOfHolds> cpu_of_holds(const ProcessSummary& process, ThreadId thread) {
  CpuOfHolds known;
  std::optional<Nanoseconds> cpu;
  for (const auto& row : process.threads) {
    if (row.figures.id != thread) continue;
    known.held = add(known.held, row.figures.hold_ns);
    cpu = row.cpu_ns;  // in each of its rows, as it has one for each GIL
    known.cpu_wait = row.cpu_wait_ns;
  }
  const auto given = cpu ? std::nullopt : given_share(process);
  if (given) {
    cpu = round_to_nanoseconds(static_cast<double>(known.held.count()) * *given);
    known.cpu_wait = known.held - *cpu;
  }
  if (!cpu) return std::nullopt;
  known.cpu = *cpu;
  return known;
}

std::optional<CpuOfHolds> cpu_of_culprits(const RunFinding& finding, const ProcessSummary& process) {
  CpuOfHolds all{.cpu_wait = Nanoseconds{}};
  for (const auto culprit : finding.culprits) {
    const auto known = cpu_of_holds(process, culprit);
    if (!known) return std::nullopt;
    all.held = add(all.held, known->held);
    all.cpu = add(all.cpu, known->cpu);
    if (!known->cpu_wait) all.cpu_wait.reset();
    if (all.cpu_wait) *all.cpu_wait = add(*all.cpu_wait, *known->cpu_wait);
  }
  return all;
}

// Of the time for which they wanted a CPU while they held GILs. They may have had more of it at other times.
double given_share(const CpuOfHolds& holds) {
  const auto wanted = add(holds.cpu, holds.cpu_wait.value_or(Nanoseconds{}));
  return std::min(ratio(holds.cpu, holds.held), ratio(holds.cpu, wanted));
}

// Late holds that took as much CPU time as theirs do on average would be late on an idle machine, too; one as
// well that is long even if all waiting for a CPU was in it.
bool are_late_anyway(const RunFinding& finding, Nanoseconds each, const CpuOfHolds& holds) {
  if (finding.longest - *holds.cpu_wait >= kStall) return true;
  const auto late = static_cast<double>(mean(each, finding.count).count());
  return finding.count >= kSeveral && round_to_nanoseconds(late * given_share(holds)) >= kKept;
}

}  // namespace

// Seen: a thread that computed had a CPU for a sixth of its time, with twenty others on two cores. To begin
// takes some milliseconds in any case.
bool is_sleep(const CpuOfHolds& holds) noexcept {
  constexpr Nanoseconds kToBegin{10'000'000};
  if (holds.cpu_wait) return *holds.cpu_wait < (holds.held - holds.cpu) / 2;
  return holds.cpu - kToBegin <= holds.held / 20;
}

std::optional<CpuOfHolds> find_lack_of_cpu(const RunFinding& finding, const ProcessSummary& process) {
  if (finding.kind != Kind::KeptByC && finding.kind != Kind::StalledLoop &&
      finding.kind != Kind::GarbageCollection)
    return std::nullopt;
  if (finding.stood_still) return std::nullopt;  // nobody waited for it
  const auto all = cpu_of_culprits(finding, process);
  if (!all) return std::nullopt;
  const auto each =
      finding.lost / static_cast<std::int64_t>(std::max<std::size_t>(finding.victims.size(), 1));
  const auto lacked = std::max(all->held - all->cpu, all->cpu_wait.value_or(Nanoseconds{}));
  if (lacked <= Nanoseconds::zero() || lacked < each / 2) return std::nullopt;
  if (is_sleep(*all) || !all->cpu_wait) return all;
  return are_late_anyway(finding, each, *all) ? std::nullopt : all;
}

std::optional<Nanoseconds> wanted_cpu(const ProcessSummary& process) noexcept {
  if (!process.cpu_ns) return std::nullopt;
  return add(*process.cpu_ns, process.cpu_wait_ns.value_or(Nanoseconds{}));
}

bool may_have_lacked_cpu(const ProcessSummary& process, ThreadId thread, Nanoseconds time) {
  const auto known = cpu_of_holds(process, thread);
  return !known || known->cpu_wait.value_or(Nanoseconds{}) >= time / 2;
}

std::optional<RunFinding> find_starved(const std::vector<ProcessSummary>& processes) {
  std::optional<RunFinding> found;
  for (const auto& process : processes) {
    const auto given = given_share(process);
    if (!given || *given >= kGivenEnough || process.wall_ns < kShort) continue;
    if (ratio(*process.cpu_wait_ns, process.wall_ns) < kLeastWaited) continue;
    const auto others = found ? found->processes : 0;
    if (!found || found->longest < *process.cpu_wait_ns) {
      found = RunFinding{.kind = Kind::LackOfCpu, .pid = process.pid, .longest = *process.cpu_wait_ns};
      found->cpu_share = given;
    }
    found->processes = others + 1;
  }
  return found;
}

}  // namespace gilscope
