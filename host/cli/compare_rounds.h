// The trials of a comparison: every mode of every Python once a round, round after round, as noise drifts.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "analysis/comparison.h"
#include "cli/progress.h"
#include "run/python_choice.h"
#include "run/trial_spec.h"

namespace gilscope::cli {

struct Plan {
  TrialSpec spec;
  std::vector<Mode> modes;
  unsigned rounds = 0;
  Nanoseconds timeout{};
};

// One Python, and the trials that were made under it.
struct Subject {
  ChosenPython python;
  std::vector<ModeTrials> trials;
};

struct Outcome {
  unsigned rounds_done = 0;
  std::optional<int> interrupted_by;
};

// A subject with no trials yet, of the modes of the plan.
[[nodiscard]] Subject make_subject(const Plan& plan, ChosenPython python);

// The trials to come, each a step of the progress.
[[nodiscard]] std::size_t count_trials(const Plan& plan, const std::vector<Subject>& subjects);

// `what` begins what the progress shows. Throws Error (usage) where none of the Pythons can load the tasks.
[[nodiscard]] Outcome run_rounds(const Plan& plan, std::vector<Subject>& subjects, Progress& progress,
                                 const std::string& what = "");

}  // namespace gilscope::cli
