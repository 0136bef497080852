// The recording of a trial's timed work, in each process of the trial.
#pragma once

#include "run/work_watch.h"

namespace gilscope::cli {

// Gives this interpreter the module `_gilscope_work`, of begin() and end(): host/run/trial_tasks.py uses it.
void install_work_recording();

// The same for C++. What was recorded between the two is what Python's end() then gives.
[[nodiscard]] WorkWatch work_watch();

}  // namespace gilscope::cli
