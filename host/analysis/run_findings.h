// The rules by which findings are made. Pure; from the summary alone.
#pragma once

#include <optional>
#include <vector>

#include "analysis/run_finding.h"
#include "analysis/run_summary.h"

namespace gilscope {

// CPython's own, which sys.setswitchinterval() changes: after this time a thread that waits asks for the GIL,
// and Python code gives it up.
inline constexpr Nanoseconds kSwitchInterval{5'000'000};

// Of a run that was shorter only a bottleneck is said.
inline constexpr Nanoseconds kLeastRun{100'000'000};

// What a switch interval of a tenth changes, for threads that lost `lost` in a convoy: their waits take a
// tenth, and who computes is interrupted ten times as often (`forced` times now), for `wake` each: until the
// system has woken who waits. An upper bound of both.
struct IntervalChange {
  Nanoseconds gain{};
  Nanoseconds cost{};
};
inline constexpr int kShorterInterval = 10;
[[nodiscard]] IntervalChange shorten_interval(Nanoseconds lost, std::uint64_t forced,
                                              Nanoseconds wake) noexcept;

// First those that have a culprit, those that cost most first, of a kind at most three.
[[nodiscard]] std::vector<RunFinding> find_in_run(const RunSummary& run);

// The last one of them: of the run as a whole; empty where there is nothing to say.
[[nodiscard]] std::optional<RunFinding> judge_run(const RunSummary& run, bool is_explained);

// Which process it is about; nullptr where that is the whole run.
[[nodiscard]] const ProcessSummary* process_of(const RunFinding& finding, const RunSummary& run);

// Of a KeptByC or StalledLoop whose culprit had so much less CPU time than it held GILs that this, too,
// explains half of the longest: a call that sleeps, or a machine that had no CPU for it.
struct LackOfCpu {
  Nanoseconds held{};
  Nanoseconds cpu{};
};
[[nodiscard]] std::optional<LackOfCpu> find_lack_of_cpu(const RunFinding& finding, const RunSummary& run);

// Whether a stack is that of a callback or task of an asyncio loop, or of the loop itself.
[[nodiscard]] bool is_in_event_loop(const std::vector<CodePlace>& stack);

// What the loop runs: the outermost function of a task, or of a callback. Empty where no loop runs anything.
[[nodiscard]] std::optional<CodePlace> task_of(const std::vector<CodePlace>& stack);

}  // namespace gilscope
