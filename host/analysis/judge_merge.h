// What is said in one sentence of several processes, and what kinds of findings have in common. Pure.
#pragma once

#include <vector>

#include "analysis/run_finding.h"

namespace gilscope {

// Nothing that comes after it is of any use.
[[nodiscard]] bool is_stuck(RunFinding::Kind kind) noexcept;

// A thread held the GIL at a line.
[[nodiscard]] bool has_culprit(RunFinding::Kind kind) noexcept;

// It is of waiting for something else than the GIL, at a line.
[[nodiscard]] bool is_beside_gil(RunFinding::Kind kind) noexcept;

// The same in several processes is one.
void merge_processes(std::vector<RunFinding>& found);

}  // namespace gilscope
