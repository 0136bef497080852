// The recording of a trial's timed work, in each process of the trial.
#pragma once

#include "run/work_watch.h"

namespace gilscope::cli {

// Gives the host's own Python the module `_gilscope_work`, of begin() and end(): host/run/trial_tasks.py uses
// it. Before Python starts.
void install_work_recording();

// The same for C++. What was recorded between the two is what Python's end() then gives.
[[nodiscard]] WorkWatch work_watch();

}  // namespace gilscope::cli
