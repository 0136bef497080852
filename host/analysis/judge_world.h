// What a free-threaded Python loses all the same: while all of its threads are stopped, and where an import
// turns its GIL on. Pure; from the summary alone.
#pragma once

#include <optional>
#include <vector>

#include "analysis/run_finding.h"
#include "analysis/run_summary.h"

namespace gilscope {

// So many threads stand in a stopped world at any time, on average: as of a GIL that is a bottleneck.
inline constexpr double kStandingThreads = 0.1;

// Of each call that stops the world, by its line, and of the collections that come by themselves, together:
// what others lost most by first.
[[nodiscard]] std::vector<RunFinding> find_world_stops(const ProcessSummary& process);

// Empty where the process had no second thread, which could lose anything by it.
[[nodiscard]] std::optional<RunFinding> find_gil_return(const ProcessSummary& process);

}  // namespace gilscope
