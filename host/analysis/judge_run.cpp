#include "analysis/judge_run.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "analysis/judge_cpu.h"
#include "analysis/judge_deadlocks.h"
#include "analysis/judge_locks.h"
#include "analysis/judge_loops.h"
#include "analysis/judge_merge.h"
#include "analysis/judge_parts.h"
#include "analysis/judge_world.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

using Kind = RunFinding::Kind;

constexpr std::size_t kMostOfAKind = 3;
constexpr double kHalf = 0.5;
constexpr double kWorthTelling = 0.05;  // of all waiting, with a line that keeps the GIL
constexpr double kMuch = 0.1;           // likewise, of what all do a little
constexpr double kOften = 0.2;          // likewise, of what every program does now and then

// No verdict rests on a single wait, which may be the machine's, unless it was long: that much is left out.
Nanoseconds longest_by_chance(const ThreadFigures& thread) {
  const auto longest = thread.wait ? std::min(thread.wait->max_ns, thread.wait_ns) : Nanoseconds{};
  return longest < kStall ? longest : Nanoseconds{};
}

// How long those waited that waited for much of their lives.
Nanoseconds hurt_of(const GilFacts& facts) {
  Nanoseconds hurt{};
  for (const auto& thread : facts.process->threads) {
    const auto& figures = thread.figures;
    if (figures.gil != facts.gil->id) continue;
    const auto waited = figures.wait_ns - longest_by_chance(figures);
    if (share_of(waited, figures.lifetime_ns).value_or(0) >= kHurtShare) hurt = add(hurt, waited);
  }
  return hurt;
}

bool is_bottleneck(const GilFacts& facts) {
  Nanoseconds by_chance{};
  for (const auto& thread : facts.process->threads) {
    if (thread.figures.gil == facts.gil->id)
      by_chance = std::max(by_chance, longest_by_chance(thread.figures));
  }
  const auto waited = facts.gil->wait_ns - std::min(by_chance, facts.gil->wait_ns);
  const bool is_held = facts.gil->hold_share.value_or(1) >= kLeastHeld;
  return (is_held && share_of(waited, facts.process->wall_ns).value_or(0) >= kBottleneckWaiters) ||
         share_of(hurt_of(facts), facts.process->wall_ns).value_or(0) >= kLeastHurt;
}

// As RunVerdict has it.
double wait_share_of(const std::vector<ProcessSummary>& processes) {
  Nanoseconds waited{};
  Nanoseconds lived{};
  for (const auto& process : processes) {
    for (const auto& thread : process.threads) {
      if (!is_busy(thread, process.wall_ns)) continue;
      waited = add(waited, thread.figures.wait_ns);
      lived = add(lived, thread.figures.lifetime_ns);
    }
  }
  return share_of(waited, lived).value_or(0);
}

// The only thread that used a GIL, in its process; nullptr where there are more, or none.
const NamedThread* only_thread(const std::vector<ProcessSummary>& processes, const ProcessSummary*& its) {
  const NamedThread* only = nullptr;
  for (const auto& process : processes) {
    if (is_helper(process)) continue;
    for (const auto& thread : process.threads) {
      if (thread.figures.holds == 0 && thread.figures.waits == 0) continue;
      if (only != nullptr || !thread.figures.id) return nullptr;
      only = &thread;
      its = &process;
    }
  }
  return only;
}

// It is the machine's, and no fault of the program's.
bool is_for_want_of_cpu(const RunFinding& finding, const RunSummary& run) {
  const auto* const process = process_of(finding, run);
  const auto lack = process == nullptr ? std::nullopt : find_lack_of_cpu(finding, *process);
  return lack && !is_sleep(*lack);
}

// Threads that compute at once have the GIL or wait for it, for most of their lives.
bool are_mostly_there(const RunFinding& finding, const RunSummary& run) {
  const auto* const process = process_of(finding, run);
  if (process == nullptr) return true;
  Nanoseconds there{};
  Nanoseconds lived{};
  for (const auto& thread : process->threads) {
    const auto& figures = thread.figures;
    if (!figures.id || figures.gil != finding.gil ||
        std::ranges::find(finding.culprits, *figures.id) == finding.culprits.end())
      continue;
    there = add(there, add(figures.hold_ns, figures.wait_ns));
    lived = add(lived, figures.lifetime_ns);
  }
  return share_of(there, lived).value_or(1) >= kHalf;
}

// Of a run that lacked CPU: what comes of it alone, or may.
bool is_doubtful(const RunFinding& finding, const RunSummary& run) {
  switch (finding.kind) {
    case Kind::SwitchInterval:  // what it would save is not known
    case Kind::FrequentReleases:
      return true;
    case Kind::ComputingThreads:
      return !are_mostly_there(finding, run);
    default:
      return is_for_want_of_cpu(finding, run);
  }
}

// What the machine explains is told as one cause, by the process that it starved most.
void tell_machine_apart(RunFinding& starved, std::vector<RunFinding>& found, const RunSummary& run) {
  std::erase_if(found, [&](const RunFinding& finding) {
    if (!is_doubtful(finding, run)) return false;
    if (finding.kind != Kind::SwitchInterval) starved.lost = add(starved.lost, finding.lost);
    return true;
  });
}

bool is_worth_telling(const RunFinding& finding, bool is_bad) {
  if (finding.kind == Kind::LackOfCpu || finding.kind == Kind::Deadlock || is_beside_gil(finding.kind))
    return true;
  // A collection now and then is every program's.
  if (finding.kind == Kind::GarbageCollection && finding.count < kSeveral && finding.longest < kStall)
    return false;
  if (has_culprit(finding.kind)) return finding.share.value_or(1) >= kWorthTelling || finding.loop_stall;
  // Who computes does so again and again.
  const bool computes = finding.kind == Kind::Convoy || finding.kind == Kind::ComputingThreads;
  if (computes && finding.count < kSeveral && finding.longest < kStall) return false;
  return is_bad && finding.share.value_or(0) >= (finding.kind == Kind::FrequentReleases ? kOften : kMuch);
}

struct Totals {
  double hold_share = 0;  // of the GIL that was held most
  std::uint64_t handoffs = 0;
};

Totals sum_up(const RunSummary& run) {
  Totals totals;
  for (const auto& process : run.processes) {
    if (is_helper(process)) continue;
    for (const auto& gil : process.gils) {
      totals.hold_share = std::max(totals.hold_share, gil.hold_share.value_or(0));
      totals.handoffs += gil.handoffs;
    }
  }
  return totals;
}

Nanoseconds held_by(const ProcessSummary& process) {
  Nanoseconds held{};
  for (const auto& gil : process.gils) held = add(held, gil.hold_ns);
  return held;
}

// Each process's CPU time against its own GILs: where one used a CPU for half of its time or more, whether
// most of that went on without one.
std::optional<Kind> find_work(const RunSummary& run) {
  Nanoseconds cpu{};
  Nanoseconds without{};
  bool is_busy = false;
  for (const auto& process : run.processes) {
    const auto wanted = wanted_cpu(process);  // on an idle machine it would have had that
    if (!wanted) continue;
    const auto held = held_by(process);
    cpu = add(cpu, *wanted);
    if (*wanted > held) without = add(without, *wanted - held);
    is_busy = is_busy || share_of(*wanted, process.wall_ns).value_or(0) >= kHalf;
  }
  if (!is_busy) return Kind::IoBound;
  if (share_of(without, cpu).value_or(0) >= kHalf) return Kind::ReleasedByC;
  return std::nullopt;
}

// What threads waited for, by the time of it: of a short run the hand-offs of start() and join() outvote
// those of threads that compute. Empty where it was not that, or nobody knows.
std::optional<Kind> find_what_was_waited_for(const RunSummary& run) {
  WhatWasWaitedFor all;
  for (const auto& facts : gather_facts(run.processes)) {
    const auto of_it = find_what_was_waited_for(facts);
    all.computing = add(all.computing, of_it.computing);
    all.brief = add(all.brief, of_it.brief);
    all.do_several_compute = all.do_several_compute || of_it.do_several_compute;
  }
  const auto most = std::max({all.computing, waits_of(run.processes) / 2, Nanoseconds(1)});
  if (all.brief >= most) return Kind::FrequentReleases;
  return all.do_several_compute ? std::optional(Kind::ComputingThreads) : std::nullopt;
}

// Of the process's holds: for half of their time or more no CPU was wanted. False where that is not known.
bool is_held_asleep(const ProcessSummary& process) {
  const auto wanted = wanted_cpu(process);
  return wanted && share_of(*wanted, held_by(process)).value_or(1) < kHalf;
}

Kind find_whole(const RunSummary& run, const Totals& totals) {
  if (totals.hold_share < kHalf) return find_work(run).value_or(Kind::NoBottleneck);
  if (run.verdict.kind != RunVerdict::Kind::OneThread) return Kind::NoBottleneck;
  const auto process = std::ranges::find(run.processes, run.verdict.pid,
                                         [](const auto& known) { return std::optional(known.pid); });
  const bool is_asleep = process != run.processes.end() && is_held_asleep(*process);
  return is_asleep ? Kind::HeldAsleep : Kind::LittleToGain;
}

std::optional<RunFinding> judge_whole(const RunSummary& run) {
  const Totals totals = sum_up(run);
  RunFinding finding{
      .count = totals.handoffs, .lost = waits_of(run.processes), .hold_share = totals.hold_share};
  if (totals.hold_share > 0) finding.at_most = std::max(1.0, 1 / totals.hold_share);
  switch (run.verdict.kind) {
    case RunVerdict::Kind::Bottleneck:
      if (run.verdict.explained.value_or(0) >= kHalf) return std::nullopt;
      if (const auto kind = find_what_was_waited_for(run)) {
        finding.kind = *kind;
        return finding;
      }
      return std::nullopt;
    case RunVerdict::Kind::NoBottleneck:
    case RunVerdict::Kind::OneThread:
      if (run.wall_ns.value_or(Nanoseconds{}) < kLeastRun) return std::nullopt;
      finding.kind = find_whole(run, totals);
      return finding;
    case RunVerdict::Kind::NothingRecorded:
    case RunVerdict::Kind::NoGil:
      break;
  }
  return std::nullopt;
}

// Loops that stood still by themselves, but for those of which a line is told already.
void add_own_stalls(const ProcessSummary& process, std::vector<RunFinding>& found) {
  for (auto& stall : find_own_stalls(process)) {
    const bool is_told = std::ranges::any_of(found, [&](const RunFinding& finding) {
      return finding.kind == Kind::StalledLoop && finding.pid == stall.pid && !finding.stood_still &&
             finding.culprit == stall.culprit;
    });
    if (!is_told) found.push_back(std::move(stall));
  }
}

// What the finding explains, of waiting for GILs or for a lock, or of a loop's time.
Nanoseconds weight_of(const RunFinding& finding) {
  return std::max(
      {finding.lost, finding.stood_still.value_or(Nanoseconds{}), finding.lock_wait.value_or(Nanoseconds{})});
}

// Of waiting for a GIL.
bool is_of_gil(const RunFinding& finding) {
  return finding.kind != Kind::SwitchInterval && !is_beside_gil(finding.kind) &&
         finding.kind != Kind::Deadlock && !finding.stood_still;
}

}  // namespace

Nanoseconds waits_of(const std::vector<ProcessSummary>& processes) {
  Nanoseconds waited{};
  for (const auto& process : processes) {
    for (const auto& gil : process.gils) waited = add(waited, gil.wait_ns);
  }
  return waited;
}

RunVerdict judge(const std::vector<ProcessSummary>& processes) {
  using Verdict = RunVerdict::Kind;
  if (processes.empty()) return {.kind = Verdict::NothingRecorded};
  const auto all = gather_facts(processes);
  // The GIL that is a bottleneck and cost most, or else the one that was held most.
  const auto most = std::ranges::max_element(all, {}, [](const GilFacts& facts) {
    const bool is_bad = is_bottleneck(facts);
    return std::tuple(!is_helper(*facts.process), is_bad, is_bad ? facts.gil->wait_ns : Nanoseconds{},
                      facts.gil->hold_share.value_or(0));
  });
  RunVerdict verdict{.kind = Verdict::NoBottleneck, .wait_share = wait_share_of(processes)};
  if (most != all.end()) {
    verdict.pid = most->process->pid;
    verdict.gil = most->gil->id;
    verdict.hold_share = most->gil->hold_share;
    verdict.waiters = most->waiters();
    if (is_bottleneck(*most)) verdict.kind = Verdict::Bottleneck;
  }
  const ProcessSummary* process = nullptr;
  const auto* const only = only_thread(processes, process);
  if (verdict.kind == Verdict::Bottleneck || only == nullptr) return verdict;
  verdict.kind = Verdict::OneThread;
  const auto cpu = process->cpu_ns ? share_of(*process->cpu_ns, process->wall_ns) : std::nullopt;
  if (cpu.value_or(0) >= kHalf) verdict.ceiling = ceiling(process->wall_ns, only->figures.hold_ns);
  return verdict;
}

const ProcessSummary* process_of(const RunFinding& finding, const RunSummary& run) {
  const auto process = std::ranges::find(run.processes, finding.pid,
                                         [](const auto& known) { return std::optional(known.pid); });
  return process == run.processes.end() ? nullptr : &*process;
}

std::vector<RunFinding> find_in_run(RunSummary& run) {
  std::vector<RunFinding> found;
  for (const auto& facts : gather_facts(run.processes)) {
    auto causes = find_causes(facts);
    std::ranges::move(causes, std::back_inserter(found));
  }
  for (const auto& process : run.processes) {
    add_own_stalls(process, found);
    for (auto& finding : find_lock_turns(process)) found.push_back(std::move(finding));
    for (auto& finding : find_world_stops(process)) found.push_back(std::move(finding));
    if (auto finding = find_gil_return(process)) found.push_back(std::move(*finding));
    for (auto& finding : find_deadlocks(process, run.exit_code.has_value()))
      found.push_back(std::move(finding));
  }
  merge_processes(found);
  auto starved = find_starved(run.processes);
  const bool is_starved = starved.has_value();
  if (starved) tell_machine_apart(*starved, found, run);
  const auto waited = waits_of(run.processes);
  const bool is_bad = run.verdict.kind == RunVerdict::Kind::Bottleneck;
  const auto is_change = [](const RunFinding& finding) { return finding.kind == Kind::SwitchInterval; };
  if (starved) found.push_back(std::move(*starved));
  for (auto& finding : found) {
    if (is_of_gil(finding)) finding.share = share_of(std::min(finding.lost, waited), waited);
  }
  sort_stably(found, [&](const RunFinding& left, const RunFinding& right) {
    const auto rank = [&](const RunFinding& finding) {
      return std::tuple(!is_stuck(finding.kind), finding.kind != Kind::LackOfCpu,
                        finding.kind != Kind::GilReturn, is_change(finding), is_for_want_of_cpu(finding, run),
                        -weight_of(finding), -finding.longest);
    };
    return rank(left) < rank(right);
  });
  std::erase_if(found, [&](const RunFinding& finding) {
    return is_change(finding) ? !is_bad : !is_worth_telling(finding, is_bad);
  });
  std::map<Kind, std::size_t> told;
  std::erase_if(found, [&](const RunFinding& finding) { return ++told[finding.kind] > kMostOfAKind; });
  Nanoseconds explained{};
  for (const auto& finding : found) {
    if (is_of_gil(finding)) explained = add(explained, finding.lost);
  }
  run.verdict.explained = share_of(std::min(explained, waited), waited);
  if (is_starved) return found;  // the rest would be of the machine
  // That threads and asyncio are fine is not said where a loop stood still, or threads take turns at a lock.
  const bool has_stalled = std::ranges::any_of(
      found, [](const auto& finding) { return finding.stood_still || finding.lock_wait; });
  // Nor that the GIL is to be left as it is where somebody keeps it, or a lock stands before it.
  const bool has_kept = std::ranges::any_of(
      found, [](const auto& finding) { return has_culprit(finding.kind) || finding.lock_wait; });
  // Nor anything of threads that wait for one another for ever.
  const bool is_dead =
      std::ranges::any_of(found, [](const auto& finding) { return finding.kind == Kind::Deadlock; });
  auto whole = is_dead ? std::nullopt : judge_whole(run);
  const bool is_contradicted = whole && ((has_stalled && whole->kind == Kind::IoBound) ||
                                         (has_kept && whole->kind == Kind::NoBottleneck));
  if (whole && !is_contradicted) found.push_back(std::move(*whole));
  return found;
}

}  // namespace gilscope
