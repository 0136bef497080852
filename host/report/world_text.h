// When the world of a free-threaded Python was stopped, in words.
#pragma once

#include <string>

#include "analysis/run_summary.h"
#include "report/text.h"

namespace gilscope {

// Who asked for the pauses, and who stood; "" where nobody lost anything.
[[nodiscard]] std::string format_stops(const ProcessSummary& process, const TextStyle& style);

}  // namespace gilscope
