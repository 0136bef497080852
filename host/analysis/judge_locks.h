// Threads that take turns at a lock of Python's: threading.Lock, and what is built on it, or without a GIL
// the one that each object has. Pure; from the summary alone.
#pragma once

#include <vector>

#include "analysis/run_finding.h"
#include "analysis/run_summary.h"

namespace gilscope {

// So many threads wait for their turn at any time, on average: then it is worth telling.
inline constexpr double kLockWaiters = 0.25;

// Of each line of the user's where threads waited for their turn, what they waited most for first. None where
// most of that was ended by who never waited for the lock himself: a lock that one thread gives up so that
// another one goes on is a signal. What several threads use at once without a GIL is told as a SharedObject.
[[nodiscard]] std::vector<RunFinding> find_lock_turns(const ProcessSummary& process);

}  // namespace gilscope
