// gilscope compare: the same tasks in every mode, each trial in a fresh child host, the rounds interleaved.
#include <algorithm>

#include <spdlog/spdlog.h>

#include "analysis/comparison.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/trial_options.h"
#include "report/compare_report.h"
#include "run/child.h"
#include "run/trial_runner.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

constexpr const char* kDescription =
    "Runs tasks in every concurrency mode and says which one pays.\n\n"
    "Example: gilscope compare app.py:parse\n"
    "         gilscope compare app.py:parse app.py:load --modes sequential,threads --rounds 9\n"
    "         gilscope compare script.py -- --its-own option     (sys.argv of the tasks)\n";

struct CompareOptions {
  CommonOptions common;
  TrialOptions trial;
  std::vector<std::string> modes;
  unsigned rounds = 5;
  double timeout_s = 60;
};

struct Plan {
  TrialSpec spec;
  std::vector<Mode> modes;
  unsigned rounds;
  Nanoseconds timeout;
};

// The modes once each, in the order of kModes: the table reads the same whatever the order was on the command
// line.
std::vector<Mode> chosen_modes(const std::vector<std::string>& names) {
  std::vector<Mode> modes;
  for (const auto mode : kModes) {
    if (names.empty() || std::ranges::find(names, name_of(mode)) != names.end()) modes.push_back(mode);
  }
  return modes;
}

// A task that cannot be loaded where nothing is special about the mode is a mistake in the command line.
void check_loaded(const TrialSpec& spec, const TrialRecord& record) {
  if (!record.failure || record.failure->kind != TrialFailure::Kind::Load) return;
  if (spec.mode == Mode::Subinterpreters) return;  // an extension may refuse them: that is a row of the table
  const auto& failure = *record.failure;
  // A LoadError's words say all; what an import raised is better understood with its traceback.
  const bool is_own = failure.traceback.find("LoadError") != std::string::npos;
  throw Error(
      fmt::format("a task cannot be loaded: {}{}", failure.message, is_own ? "" : "\n" + failure.traceback),
      "a task is FILE.py, FILE.py:FUNCTION or MODULE:FUNCTION", ExitCode::Usage);
}

struct Outcome {
  std::vector<ModeTrials> trials;
  unsigned rounds_done = 0;
  std::optional<int> interrupted_by;
};

bool has_failed(const ModeTrials& trials) { return !trials.records.empty() && trials.records.back().failure; }

// Runs one round of the modes that have not failed yet.
void run_round(const Plan& plan, unsigned round, Progress& progress, std::vector<ModeTrials>& trials) {
  for (auto& mode : trials) {
    if (has_failed(mode)) continue;
    progress.show(fmt::format("round {} of {}, {}", round + 1, plan.rounds, name_of(mode.mode)));
    auto spec = plan.spec;
    spec.mode = mode.mode;
    mode.records.push_back(run_trial_in_child(spec, plan.timeout, round + 1));
    check_loaded(spec, mode.records.back());
    progress.step();
  }
}

Outcome run_trials(const Plan& plan, int python_minor, bool free_threaded, Progress& progress) {
  Outcome outcome;
  for (const auto mode : plan.modes)
    outcome.trials.push_back({mode, gil_of(mode, python_minor, !free_threaded), {}});
  try {
    for (; outcome.rounds_done < plan.rounds; ++outcome.rounds_done) {
      run_round(plan, outcome.rounds_done, progress, outcome.trials);
    }
  } catch (const Interrupted& interrupted) {
    outcome.interrupted_by = interrupted.signal;
  }
  for (auto& mode : outcome.trials) {
    // An import may have turned the GIL of a free-threaded build on.
    const bool turned_on = std::ranges::any_of(
        mode.records, [](const auto& record) { return !record.failure && record.gil_enabled; });
    if (free_threaded && turned_on) mode.gil = gil_of(mode.mode, python_minor, true);
  }
  return outcome;
}

int run(const CompareOptions& options, const Invocation& invocation) {
  set_up_logging(options.common.verbosity());
  const Plan plan{make_trial_spec(options.trial, invocation.tail), chosen_modes(options.modes),
                  options.rounds,
                  std::chrono::duration_cast<Nanoseconds>(std::chrono::duration<double>(options.timeout_s))};
  ResultOutput output(options.common);

  const InterruptGuard guard;
  Outcome outcome;
  CompareContext context{.command = invocation.command,
                         .tasks = options.trial.tasks,
                         .workers = plan.spec.workers,
                         .rounds = plan.rounds};
  try {
    auto [python, machine] = examine_in_child();
    context.python = std::move(python);
    context.machine = std::move(machine);
    Progress progress(plan.modes.size() * plan.rounds, options.common.quiet);
    const auto version = context.python.at("version").get<std::string>();
    outcome = run_trials(plan, std::stoi(version.substr(version.find('.') + 1)),
                         context.python.at("free_threaded").get<bool>(), progress);
  } catch (const Interrupted& interrupted) {
    outcome.interrupted_by = interrupted.signal;
  }
  context.rounds_done = outcome.rounds_done;

  const auto comparison = compare_modes(outcome.trials);
  if (outcome.interrupted_by) {
    print_error(
        fmt::format("gilscope: interrupted after {} of {} rounds\n", outcome.rounds_done, plan.rounds));
  }
  const bool has_figures =
      std::ranges::any_of(comparison.modes, [](const auto& mode) { return mode.work_ns.has_value(); });
  if (!outcome.interrupted_by || has_figures) {
    output.deliver([&] { return comparison_json(comparison, context); },
                   [&](const TextStyle& style) { return format_comparison(comparison, context, style); });
  }
  if (outcome.interrupted_by) return 128 + *outcome.interrupted_by;
  return static_cast<int>(comparison.all_good() ? ExitCode::Done : ExitCode::AnswerIsNo);
}

}  // namespace

void setup_compare(CLI::App& app, const Invocation& invocation, Action& action) {
  const auto options = std::make_shared<CompareOptions>();
  auto* command = app.add_subcommand("compare", kDescription);
  set_usage(*command, "gilscope compare [options] TASK... [-- ARG...]");
  add_trial_options(*command, options->trial);
  command
      ->add_option("--modes", options->modes, "Of sequential,threads,subinterpreters,processes,asyncio [all]")
      ->delimiter(',')
      ->check(CLI::IsMember(mode_names()))
      ->type_name("A,B");
  command->add_option("--rounds", options->rounds, "Interleaved rounds [5]")
      ->check(CLI::Range(1U, 10'000U))
      ->type_name("N");
  command->add_option("--timeout", options->timeout_s, "Time limit of one trial in seconds [60]")
      ->check(check_timeout)
      ->type_name("S");
  add_json(*command, options->common);
  add_verbosity(*command, options->common);
  command->callback([options, &invocation, &action] {
    action = [options, &invocation] { return run(*options, invocation); };
  });
}

}  // namespace gilscope::cli
