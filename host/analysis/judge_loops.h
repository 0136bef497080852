// Event loops that stood still by themselves: what they ran did not come back to them, whoever waited for the
// GIL. Pure; from the summary alone.
#pragma once

#include <vector>

#include "analysis/run_finding.h"
#include "analysis/run_summary.h"

namespace gilscope {

// Of each thread and function whose steps were long several times, or once for twice as long while something
// else waited for the loop. None where the thread waited for a GIL or a CPU for half of that time or more:
// then it is not the loop's own.
[[nodiscard]] std::vector<RunFinding> find_own_stalls(const ProcessSummary& process);

// The loop's thread hardly used a CPU meanwhile: what it ran waited for something.
[[nodiscard]] bool is_blocked(const RunFinding& stall, const ProcessSummary& process);

}  // namespace gilscope
