// Where threads waited for Python's locks, in words.
#pragma once

#include <string>

#include "analysis/run_summary.h"
#include "report/text.h"

namespace gilscope {

// Those that took most; "" where hardly anybody waited for a turn, or it was not recorded.
[[nodiscard]] std::string format_lock_waits(const ProcessSummary& process, const TextStyle& style);

}  // namespace gilscope
