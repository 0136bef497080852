// What is said of a run: its verdict, then findings, that which explains most first. Pure; from the summary
// alone.
//
// Facts of each GIL (judge_facts.h) -> its waiting in parts (judge_parts.h) -> causes (judge_causes.h) ->
// ranking, here -> words (report/finding_text.h).
#pragma once

#include <vector>

#include "analysis/judge_causes.h"
#include "analysis/run_finding.h"
#include "analysis/run_summary.h"

namespace gilscope {

// Of a run that was shorter only a bottleneck is said.
inline constexpr Nanoseconds kLeastRun{100'000'000};

// Of a GIL that is a bottleneck: the mean number of threads that wait for it, which is held for a tenth of
// the time or more: many threads that wake at once wait for a moment, all of them.
inline constexpr double kBottleneckWaiters = 0.1;
inline constexpr double kLeastHeld = 0.1;
// Or it hurts threads, that wait for this share of their lives, for this share of its process's time in all.
inline constexpr double kHurtShare = 0.1;
inline constexpr double kLeastHurt = 0.02;

// For all GILs, of all threads.
[[nodiscard]] Nanoseconds waits_of(const std::vector<ProcessSummary>& processes);

[[nodiscard]] RunVerdict judge(const std::vector<ProcessSummary>& processes);

// Causes, those that explain most first, of a kind at most three; then what is to be said of a GIL, and of
// the run as a whole. By the run's verdict, whose `explained` it fills in.
[[nodiscard]] std::vector<RunFinding> find_in_run(RunSummary& run);

// Which process it is about; nullptr where that is the whole run.
[[nodiscard]] const ProcessSummary* process_of(const RunFinding& finding, const RunSummary& run);

}  // namespace gilscope
