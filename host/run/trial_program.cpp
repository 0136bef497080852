#include "run/trial_program.h"

namespace gilscope {
namespace {

std::vector<std::string> options_of(const TrialSpec& spec) {
  std::vector<std::string> options{"trial", "--mode", std::string(name_of(spec.mode)), "--workers",
                                   std::to_string(spec.workers)};
  if (!spec.start_method.empty()) options.insert(options.end(), {"--start-method", spec.start_method});
  if (!spec.is_traced) options.emplace_back("--no-probe");
  for (const auto& task : spec.tasks) options.push_back(task.text);
  if (!spec.arguments.empty()) {
    options.emplace_back("--");
    options.insert(options.end(), spec.arguments.begin(), spec.arguments.end());
  }
  return options;
}

// As host/run/stock_main.py takes it. There is nothing there that could trace.
std::vector<std::string> stock_arguments(TrialSpec spec) {
  spec.is_traced = false;
  return {"trial", to_json(spec)};
}

}  // namespace

std::vector<std::string> trial_command(const TrialProgram& program, const TrialSpec& spec) {
  auto command = program.command;
  const auto arguments = program.engine == Engine::Timing ? stock_arguments(spec) : options_of(spec);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

std::string_view why_unavailable(Engine engine, Mode mode) {
  if (engine != Engine::Timing || mode != Mode::Subinterpreters) return "";
  return "sub-interpreters are made through the C API, which needs a gilscope host for this Python";
}

}  // namespace gilscope
