// Which steps of event loops took long, in words.
#pragma once

#include <string>

#include "analysis/run_summary.h"
#include "report/text.h"

namespace gilscope {

// Those that took most; "" where none was long, or it was not recorded.
[[nodiscard]] std::string format_loop_stalls(const ProcessSummary& process, const TextStyle& style);

}  // namespace gilscope
