// The options that `compare` and `trial` share: the tasks, and how they are run.
#pragma once

#include <string>
#include <vector>

#include "run/trial_spec.h"

namespace CLI {
class App;
}

namespace gilscope::cli {

struct TrialOptions {
  std::vector<std::string> tasks;
  unsigned workers = 0;      // 0: not given
  std::string start_method;  // "": this Python's own
  bool no_probe = false;
};

void add_trial_options(CLI::App& command, TrialOptions& options);

// For a number of seconds; "" where it is one, else what is wrong.
std::string check_timeout(const std::string& text);

// Every mode's name, as the options take it.
std::vector<std::string> mode_names();

// The spec for the sequential mode; `arguments` become sys.argv[1:] of the tasks. Throws Error (usage) for
// tasks that are none.
TrialSpec make_trial_spec(const TrialOptions& options, const std::vector<std::string>& arguments);

}  // namespace gilscope::cli
