#include "analysis/run_findings.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "support/sort_stably.h"

namespace gilscope {
namespace {

using Kind = RunFinding::Kind;

constexpr std::size_t kMostOfAKind = 3;
// A thread that lost its CPU keeps the GIL for long, too, but not again and again.
constexpr std::uint64_t kSeveral = 3;
constexpr auto kKeptTooLong = 4 * kSwitchInterval;
constexpr auto kKeptTooLongOnce = 10 * kSwitchInterval;
constexpr auto kStall = 10 * kSwitchInterval;
constexpr auto kKeptOnAverage = 2 * kSwitchInterval;
constexpr std::uint64_t kLeastWaits = 10;
constexpr std::uint64_t kMostForced = 10;  // a tenth of its waits: the others come after it gave the GIL up
constexpr auto kShortHold = kSwitchInterval / 5;
constexpr auto kMostOfAnInterval = kSwitchInterval / 2;

std::uint64_t size(Nanoseconds time) { return static_cast<std::uint64_t>(time.count()); }

Nanoseconds wait_of(const BlameRow& row, ThreadId thread) {
  const auto found = std::ranges::find(row.waiters, thread, &CausedWait::thread);
  return found == row.waiters.end() ? Nanoseconds{} : found->wait_ns;
}

std::optional<ThreadId> who_waited_most(const BlameRow& row) {
  const auto most = std::ranges::max_element(row.waiters, {}, &CausedWait::wait_ns);
  if (most == row.waiters.end() || most->thread == kFurtherThreads) return std::nullopt;
  return most->thread;
}

RunFinding blame(const ProcessSummary& process, const BlameRow& row) {
  return {.kind = Kind::KeptByC,
          .pid = process.pid,
          .gil = row.gil,
          .culprit = row.thread,
          .victim = who_waited_most(row),
          .place = row.to,
          .stack = row.stack,
          .count = row.holds,
          .longest = row.max_wait_ns,
          .lost = row.caused_wait_ns};
}

// The row that caused most of the victim's waits is the culprit's.
void name_culprit(RunFinding& finding, const ProcessSummary& process, const ThreadFigures& victim) {
  const BlameRow* worst = nullptr;
  for (const auto& row : *process.blame) {
    if (!row.thread || row.gil != victim.gil) continue;
    const auto wait = wait_of(row, *victim.id);
    if (wait > (worst != nullptr ? wait_of(*worst, *victim.id) : Nanoseconds{})) worst = &row;
  }
  if (worst == nullptr) return;
  finding.culprit = worst->thread;
  finding.place = worst->to;
  finding.stack = worst->stack;
}

RunFinding lament(const ProcessSummary& process, const ThreadFigures& victim) {
  RunFinding finding{.kind = Kind::Convoy,
                     .pid = process.pid,
                     .gil = victim.gil,
                     .victim = victim.id,
                     .count = victim.waits,
                     .longest = victim.wait->max_ns,
                     .lost = victim.wait_ns};
  name_culprit(finding, process, victim);
  return finding;
}

// A loop that waited, of whose longest waits some were stalls.
std::optional<RunFinding> find_waiting_loop(const ProcessSummary& process, const NamedThread& thread) {
  RunFinding finding{
      .kind = Kind::StalledLoop, .pid = process.pid, .gil = thread.figures.gil, .victim = thread.figures.id};
  for (const auto& wait : thread.longest_waits) {
    if (wait.wait_ns < kStall || !is_in_event_loop(wait.stack)) continue;
    ++finding.count;
    finding.longest = std::max(finding.longest, wait.wait_ns);
    finding.lost = add(finding.lost, wait.wait_ns);
  }
  if (finding.count == 0) return std::nullopt;
  name_culprit(finding, process, thread.figures);
  return finding;
}

// A loop that kept the GIL itself: what it ran did not come back to it.
std::optional<RunFinding> find_busy_loop(const ProcessSummary& process, const NamedThread& thread) {
  const BlameRow* worst = nullptr;
  for (const auto& row : *process.blame) {
    const bool is_its = row.thread == thread.figures.id && row.gil == thread.figures.gil;
    if (!is_its || row.max_hold_ns < kStall || !task_of(row.stack)) continue;
    if (worst == nullptr || row.max_hold_ns > worst->max_hold_ns) worst = &row;
  }
  if (worst == nullptr) return std::nullopt;
  return RunFinding{.kind = Kind::StalledLoop,
                    .pid = process.pid,
                    .gil = worst->gil,
                    .culprit = worst->thread,
                    .victim = worst->thread,
                    .place = worst->to,
                    .stack = worst->stack,
                    .count = worst->holds,
                    .longest = worst->max_hold_ns,
                    .lost = worst->caused_wait_ns};
}

// `convoys` are of one GIL.
RunFinding judge_interval(const ProcessSummary& process, const std::vector<RunFinding>& convoys) {
  RunFinding finding{.kind = Kind::SwitchInterval, .pid = process.pid, .gil = convoys.front().gil};
  for (const auto& convoy : convoys) {
    finding.lost = add(finding.lost, convoy.lost);
    finding.longest = std::max(finding.longest, convoy.longest);
  }
  const auto gil = std::ranges::find(process.gils, *finding.gil, &GilFigures::id);
  Nanoseconds wake{};
  if (gil != process.gils.end() && gil->handoffs > 0) {
    finding.count = gil->forced;
    for (const auto& row : *process.blame) {
      if (!row.thread && row.gil == gil->id) wake = add(wake, row.caused_wait_ns);
    }
    wake /= static_cast<std::int64_t>(gil->handoffs);
  }
  const auto change = shorten_interval(finding.lost, finding.count, wake);
  finding.gain = change.gain;
  finding.cost = change.cost;
  return finding;
}

// Holds of a thread that ended on one line, wherever they began.
struct Kept {
  RunFinding finding;
  std::uint64_t forced = 0;
  std::size_t waiters = 0;  // of the row with most of them
};

std::vector<Kept> merge_rows(const ProcessSummary& process) {
  std::map<std::tuple<GilId, std::optional<ThreadId>, std::optional<CodePlace>>, Kept> merged;
  for (const auto& row : *process.blame) {
    if (!row.thread) continue;
    const auto [known, is_new] = merged.try_emplace({row.gil, row.thread, row.to});
    Kept& kept = known->second;
    if (is_new) kept.finding = blame(process, row);
    kept.forced += row.forced;
    kept.waiters = std::max(kept.waiters, row.waiters.size());
    if (is_new) continue;
    kept.finding.count += row.holds;
    kept.finding.lost = add(kept.finding.lost, row.caused_wait_ns);
    kept.finding.longest = std::max(kept.finding.longest, row.max_wait_ns);
  }
  std::vector<Kept> list;
  for (auto& [key, kept] : merged) list.push_back(std::move(kept));
  return list;
}

bool is_kept_by_c(const Kept& kept) {
  const auto& [finding, forced, waiters] = kept;
  const auto too_long = finding.count >= kSeveral ? kKeptTooLong : kKeptTooLongOnce;
  return forced > 0 && waiters > 0 && finding.longest >= too_long &&
         size(finding.lost) >= size(kKeptOnAverage) * finding.count * waiters;
}

bool is_in_convoy(const ThreadFigures& thread) {
  if (!thread.id || !thread.wait || thread.waits < kLeastWaits) return false;
  const auto holds = static_cast<double>(thread.holds);
  return thread.forced * kMostForced <= thread.waits && thread.wait->p50_ns >= kMostOfAnInterval &&
         static_cast<double>(thread.hold_ns.count()) <= static_cast<double>(kShortHold.count()) * holds &&
         thread.wait_share.value_or(0) >= kBottleneckShare;
}

void find_in_process(const ProcessSummary& process, std::vector<RunFinding>& found,
                     std::vector<RunFinding>& intervals) {
  if (!process.blame) return;
  std::map<GilId, std::vector<RunFinding>> convoys;
  for (auto& kept : merge_rows(process)) {
    if (is_kept_by_c(kept)) found.push_back(std::move(kept.finding));
  }
  for (const auto& thread : process.threads) {
    const auto& figures = thread.figures;
    if (is_in_convoy(figures)) {
      found.push_back(lament(process, figures));
      convoys[figures.gil].push_back(found.back());
    }
    if (!figures.id) continue;
    if (auto stall = find_waiting_loop(process, thread)) found.push_back(std::move(*stall));
    if (auto stall = find_busy_loop(process, thread)) found.push_back(std::move(*stall));
  }
  for (const auto& [gil, of_gil] : convoys) intervals.push_back(judge_interval(process, of_gil));
}

bool is_of_asyncio(const CodePlace& place, std::string_view file, std::string_view function) {
  return place.file.ends_with(file) && place.function == function;
}

}  // namespace

IntervalChange shorten_interval(Nanoseconds lost, std::uint64_t forced, Nanoseconds wake) noexcept {
  constexpr double kMost = 9e18;  // a damaged capture may tell of any times
  const auto more = static_cast<double>(kShorterInterval - 1);
  const double gain = static_cast<double>(lost.count()) * more / kShorterInterval;
  const double cost = static_cast<double>(forced) * more * static_cast<double>(wake.count());
  return {.gain = Nanoseconds(std::llround(gain)), .cost = Nanoseconds(std::llround(std::min(cost, kMost)))};
}

const ProcessSummary* process_of(const RunFinding& finding, const RunSummary& run) {
  const auto process = std::ranges::find(run.processes, finding.pid,
                                         [](const auto& known) { return std::optional(known.pid); });
  return process == run.processes.end() ? nullptr : &*process;
}

std::optional<LackOfCpu> find_lack_of_cpu(const RunFinding& finding, const RunSummary& run) {
  const auto* const process = process_of(finding, run);
  const bool is_one_hold = finding.kind == Kind::KeptByC || finding.kind == Kind::StalledLoop;
  if (!is_one_hold || process == nullptr || !finding.culprit) return std::nullopt;
  LackOfCpu lack;
  std::optional<Nanoseconds> cpu;
  for (const auto& row : process->threads) {
    if (row.figures.id != finding.culprit) continue;
    lack.held = add(lack.held, row.figures.hold_ns);
    cpu = row.cpu_ns;  // in each of its rows, as it has one for each GIL
  }
  if (!cpu || lack.held <= *cpu || lack.held - *cpu < finding.longest / 2) return std::nullopt;
  lack.cpu = *cpu;
  return lack;
}

// With uvloop only asyncio.run() is in Python.
bool is_in_event_loop(const std::vector<CodePlace>& stack) {
  return std::ranges::any_of(stack, [](const CodePlace& place) {
    return is_of_asyncio(place, "/asyncio/base_events.py", "BaseEventLoop._run_once") ||
           is_of_asyncio(place, "/asyncio/runners.py", "Runner.run");
  });
}

std::optional<CodePlace> task_of(const std::vector<CodePlace>& stack) {
  const auto handle = std::ranges::find_if(stack, [](const CodePlace& place) {
    return is_of_asyncio(place, "/asyncio/events.py", "Handle._run");
  });
  if (handle == stack.end() || handle == stack.begin()) return std::nullopt;
  return *std::prev(handle);
}

std::vector<RunFinding> find_in_run(const RunSummary& run) {
  std::vector<RunFinding> found;
  std::vector<RunFinding> intervals;
  for (const auto& process : run.processes) find_in_process(process, found, intervals);
  sort_stably(found, [](const RunFinding& left, const RunFinding& right) {
    return std::pair(left.lost, left.longest) > std::pair(right.lost, right.longest);
  });
  const bool is_explained =
      std::ranges::any_of(found, [&](const RunFinding& finding) { return !find_lack_of_cpu(finding, run); });
  found.insert(found.end(), intervals.begin(), intervals.end());
  if (const auto judgement = judge_run(run, is_explained)) found.push_back(*judgement);
  std::map<Kind, std::size_t> told;
  std::erase_if(found, [&](const RunFinding& finding) { return ++told[finding.kind] > kMostOfAKind; });
  return found;
}

}  // namespace gilscope
