// Threads that wait for one another's locks, and never stop. Pure; from the summary alone.
#pragma once

#include <vector>

#include "analysis/run_finding.h"
#include "analysis/run_summary.h"

namespace gilscope {

// Each circle of threads that wait for a lock that the next one has: a deadlock, whoever looks. Where there
// is none, probable ones: all threads that live wait, none of them for what could come from outside, and
// somebody for a lock of one that waits for a thread to end, or two for locks. `has_ended`: the main thread
// need not wait, as it ends the run. `victims` are the threads, in the order of the chain.
[[nodiscard]] std::vector<RunFinding> find_deadlocks(const ProcessSummary& process, bool has_ended);

}  // namespace gilscope
