// Where the time of each thread went, as text.
#pragma once

#include <string>
#include <vector>

#include "analysis/run_summary.h"
#include "report/text.h"

namespace gilscope {

// Its rows, from the first on: threads whose names differ in their numbers alone are one, where there are
// many of them. Those that come last may have no place in it.
[[nodiscard]] std::vector<ThreadTimes> arrange_thread_times(const std::vector<ThreadTimes>& threads);

// What a row is called.
[[nodiscard]] std::string name_of(const ThreadTimes& row);

// "" where no thread is known.
[[nodiscard]] std::string format_thread_times(const ProcessSummary& process, const TextStyle& style);

}  // namespace gilscope
