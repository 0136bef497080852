#include "analysis/run_findings.h"

#include <algorithm>
#include <map>
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
constexpr auto kKeptOnAverage = 2 * kSwitchInterval;
constexpr std::uint64_t kLeastWaits = 10;
constexpr double kGivenUpByItself = 0.9;  // of its holds
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

// Of a thread that suffers: its waits, and the row that caused most of them.
RunFinding lament(const ProcessSummary& process, const ThreadFigures& victim) {
  RunFinding finding{.kind = Kind::Convoy,
                     .pid = process.pid,
                     .gil = victim.gil,
                     .victim = victim.id,
                     .count = victim.waits,
                     .longest = victim.wait->max_ns,
                     .lost = victim.wait_ns};
  const BlameRow* worst = nullptr;
  for (const auto& row : *process.blame) {
    if (!row.thread || row.gil != victim.gil) continue;
    const auto wait = wait_of(row, *victim.id);
    if (wait > (worst != nullptr ? wait_of(*worst, *victim.id) : Nanoseconds{})) worst = &row;
  }
  if (worst != nullptr) {
    finding.culprit = worst->thread;
    finding.place = worst->to;
    finding.stack = worst->stack;
  }
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
  return static_cast<double>(thread.voluntary) >= kGivenUpByItself * holds &&
         thread.wait->p50_ns >= kMostOfAnInterval &&
         static_cast<double>(thread.hold_ns.count()) <= static_cast<double>(kShortHold.count()) * holds &&
         thread.wait_share.value_or(0) >= kBottleneckShare;
}

void find_in_process(const ProcessSummary& process, std::vector<RunFinding>& found) {
  if (!process.blame) return;
  for (auto& kept : merge_rows(process)) {
    if (is_kept_by_c(kept)) found.push_back(std::move(kept.finding));
  }
  for (const auto& thread : process.threads) {
    const auto& figures = thread.figures;
    if (is_in_convoy(figures)) found.push_back(lament(process, figures));
  }
}

}  // namespace

std::vector<RunFinding> find_in_run(const RunSummary& run) {
  std::vector<RunFinding> found;
  for (const auto& process : run.processes) find_in_process(process, found);
  sort_stably(found, [](const RunFinding& left, const RunFinding& right) {
    return std::pair(left.lost, left.longest) > std::pair(right.lost, right.longest);
  });
  std::map<Kind, std::size_t> told;
  std::erase_if(found, [&](const RunFinding& finding) { return ++told[finding.kind] > kMostOfAKind; });
  return found;
}

}  // namespace gilscope
