// Who got the GIL after whom, in a table.
#pragma once

#include <string>

#include "analysis/run_summary.h"
#include "report/text.h"

namespace gilscope {

// The hand-offs of each GIL that three threads or more passed on, from row to column; two just take turns.
[[nodiscard]] std::string format_handoffs(const ProcessSummary& process, const TextStyle& style);

}  // namespace gilscope
