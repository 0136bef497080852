// gilscope run --cost: the same command with tracing and without, in turns, and what the ratio of its times
// is.
#pragma once

#include "cli/cli.h"
#include "cli/run_recording.h"

namespace gilscope::cli {

// Throws Error (usage) where the options make no sense together, or with the program. `is_rounds_given`:
// --rounds.
void check_cost_options(const RunOptions& options, const Invocation& invocation, bool is_rounds_given);

// Runs the program some times over, each time in a child. Returns the exit code: of the program, where a run
// of it failed. Throws Error.
int measure_cost(const RunOptions& options, const Invocation& invocation);

}  // namespace gilscope::cli
