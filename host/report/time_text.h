// Where the time of each thread went, as text.
#pragma once

#include <string>

#include "analysis/run_summary.h"
#include "report/text.h"

namespace gilscope {

// "" where no thread is known.
[[nodiscard]] std::string format_thread_times(const ProcessSummary& process, const TextStyle& style);

}  // namespace gilscope
