// Words for where the time of a comparison's workers went.
#pragma once

#include <string>
#include <vector>

#include "analysis/comparison.h"
#include "report/pythons_report.h"
#include "report/text.h"

namespace gilscope {

// A row for each mode of which it is known, below a table of its own; "" where it is of none.
[[nodiscard]] std::string format_worker_times(const Comparison& comparison, const TextStyle& style);

// For what the workers waited most, of their time: "waiting for the GIL 48 %"; "" where that is little.
[[nodiscard]] std::string describe_main_wait(const WorkerTime& time);

// "threads: 1 lost 51 % (the GIL 48 %, no CPU 2.1 %); 2 lost 8.3 % (locks 5.0 %, the rest 3.1 %)", against
// ideal scaling: a line for each mode of which it is known of two Pythons or more. They are numbered from 1.
[[nodiscard]] std::vector<std::string> list_lost_time(const std::vector<PythonComparison>& pythons);

}  // namespace gilscope
