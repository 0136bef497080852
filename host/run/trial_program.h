// By which program the trials of a Python are run.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "run/trial_spec.h"

namespace gilscope {

enum class Engine {
  Host,     // a gilscope host that embeds this Python
  Package,  // this Python itself, whose installed gilscope can run trials
  Timing,   // this Python itself, stock: nothing is known of its GIL, and it has no C API to offer
};

struct TrialProgram {
  Engine engine = Engine::Host;
  std::vector<std::string> command;                              // what the trial's own arguments follow
  std::vector<std::pair<std::string, std::string>> environment;  // set on top of this process's own
};

// The command line of one trial.
[[nodiscard]] std::vector<std::string> trial_command(const TrialProgram& program, const TrialSpec& spec);

// Why no trial of that mode can be made by this engine; "" where it can.
[[nodiscard]] std::string_view why_unavailable(Engine engine, Mode mode);

}  // namespace gilscope
