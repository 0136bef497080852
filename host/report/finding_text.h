// The findings of a run in words: one sentence each, with its evidence and what to do.
#pragma once

#include <string>
#include <string_view>

#include "analysis/run_summary.h"

namespace gilscope {

// "kept_by_c", "convoy", … as the JSON has it.
[[nodiscard]] std::string_view name_of(RunFinding::Kind kind) noexcept;

[[nodiscard]] std::string describe_finding(const RunFinding& finding, const RunSummary& summary);

}  // namespace gilscope
