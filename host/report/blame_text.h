// Which lines made others wait, in words.
#pragma once

#include <string>

#include "analysis/run_summary.h"
#include "report/text.h"

namespace gilscope {

// The spans that caused most, threads together; "" where nobody waited, or it was not recorded.
[[nodiscard]] std::string format_blame(const ProcessSummary& process, const TextStyle& style);

// "worker-1", or "thread 4711" where nobody named it.
[[nodiscard]] std::string name_of(const ProcessSummary& process, ThreadId thread);

}  // namespace gilscope
