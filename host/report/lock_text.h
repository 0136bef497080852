// Where threads waited for Python's locks, in words.
#pragma once

#include <string>

#include "analysis/run_summary.h"
#include "report/text.h"

namespace gilscope {

// Those that took most; "" where hardly anybody waited for a turn, or it was not recorded.
[[nodiscard]] std::string format_lock_waits(const ProcessSummary& process, const TextStyle& style);

// Waits for a turn that had not ended, the oldest first; "" where there are none.
[[nodiscard]] std::string format_open_waits(const ProcessSummary& process, const TextStyle& style);

// Of RunFinding::Kind::Deadlock.
[[nodiscard]] std::string describe_deadlock(const RunFinding& finding, const ProcessSummary& process);

// Of RunFinding::Kind::LockTurns; `process` is nullptr where it is not known.
[[nodiscard]] std::string describe_turns(const RunFinding& finding, const ProcessSummary* process);

// Of RunFinding::Kind::SharedObject, likewise.
[[nodiscard]] std::string describe_shared_object(const RunFinding& finding, const ProcessSummary* process);

// " (in 3 processes)"; "" of one.
[[nodiscard]] std::string describe_processes(const RunFinding& finding);

// ", 2.8 threads at any time": for which `time` threads were kept in all. "" where that is not of one
// process.
[[nodiscard]] std::string describe_crowd(const RunFinding& finding, const ProcessSummary* process,
                                         Nanoseconds time);

}  // namespace gilscope
