#include "cli/trial_options.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "support/error.h"
#include "support/log.h"

namespace gilscope::cli {

std::vector<std::string> mode_names() {
  std::vector<std::string> names;
  for (const auto mode : kModes) names.emplace_back(name_of(mode));
  return names;
}

// CLI::Range would let "nan" through.
std::string check_timeout(const std::string& text) {
  double seconds = 0;
  const bool is_good = CLI::detail::lexical_cast(text, seconds) && seconds >= 0.001 && seconds <= 1e6;
  return is_good ? "" : fmt::format("{} is no number of seconds from 0.001 to 1000000", text);
}

void add_trial_options(CLI::App& command, TrialOptions& options) {
  command
      .add_option("TASK", options.tasks,
                  "FILE.py, FILE.py:FUNCTION or MODULE:FUNCTION; arguments after -- are sys.argv[1:]")
      ->required();
  command
      .add_option("--workers", options.workers,
                  "Workers of each concurrent mode [number of tasks, at least 2]")
      ->check(CLI::Range(1U, kMaxWorkers))
      ->type_name("N");
  command.add_option("--start-method", options.start_method, "Of processes [this Python's own]")
      ->check(CLI::IsMember({"fork", "spawn", "forkserver"}))
      ->type_name("M");
  command.add_flag("--no-probe", options.no_probe,
                   "Without tracing the GIL: the baseline of what that costs");
}

namespace {

// Python gets tasks and arguments as JSON, which is UTF-8.
void require_utf8(const std::vector<std::string>& texts) {
  try {
    static_cast<void>(nlohmann::json(texts).dump());
  } catch (const nlohmann::json::type_error&) {
    throw Error("a task or an argument of it is not UTF-8", "rename the file, or pass other arguments",
                ExitCode::Usage);
  }
}

}  // namespace

TrialSpec make_trial_spec(const TrialOptions& options, const std::vector<std::string>& arguments) {
  TrialSpec spec;
  require_utf8(options.tasks);
  require_utf8(arguments);
  for (const auto& task : options.tasks) spec.tasks.push_back(parse_task(task));
  const auto count = static_cast<unsigned>(spec.tasks.size());
  spec.workers = options.workers == 0 ? std::max(2U, count) : options.workers;
  if (count > 1 && spec.workers > count) {
    log_warning("{} tasks keep {} workers busy: --workers {} is more than that", count, count, spec.workers);
    spec.workers = count;
  }
  spec.start_method = options.start_method;
  spec.arguments = arguments;
  spec.is_traced = !options.no_probe;
  return spec;
}

}  // namespace gilscope::cli
