// One trial: the given tasks, in one mode, in this process.
#pragma once

#include <functional>
#include <string>

#include "run/trial_spec.h"
#include "run/work_watch.h"

namespace gilscope {

// Runs the trial in the interpreter of this process, whose GIL is held, and delivers its record as JSON
// (parse_trial_record() reads it), before that interpreter ends: a crash at its end does not take the record
// with it. What the tasks print goes wherever standard output goes.
void run_trial(const TrialSpec& spec, const WorkWatch& watch,
               const std::function<void(const std::string& json)>& deliver);

}  // namespace gilscope
