// When the world of a free-threaded Python was stopped, and when its GIL came back, in words.
#pragma once

#include <string>

#include "analysis/run_summary.h"
#include "report/text.h"

namespace gilscope {

// Who asked for the pauses, and who stood; "" where nobody lost anything.
[[nodiscard]] std::string format_stops(const ProcessSummary& process, const TextStyle& style);

// Of RunFinding::Kind::StoppedWorld; `process` is nullptr where it is not known.
[[nodiscard]] std::string describe_world_stops(const RunFinding& finding, const ProcessSummary* process);

// Of RunFinding::Kind::GilReturn, likewise.
[[nodiscard]] std::string describe_gil_import(const RunFinding& finding, const ProcessSummary* process);

}  // namespace gilscope
