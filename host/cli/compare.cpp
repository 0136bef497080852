// gilscope compare: the same tasks in every mode, under one Python or several, each trial in a fresh child
// process.
#include <algorithm>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "analysis/comparison.h"
#include "cli/cli.h"
#include "cli/compare_rounds.h"
#include "cli/html_page.h"
#include "cli/trial_options.h"
#include "report/page.h"
#include "report/pythons_report.h"
#include "run/child.h"
#include "run/python_choice.h"
#include "run/trial_runner.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

constexpr const char* kCompareDescription =
    "Runs tasks in every concurrency mode and says which one pays.\n\n"
    "Example: gilscope compare app.py:parse\n"
    "         gilscope compare app.py:parse app.py:load --modes sequential,threads --rounds 9\n"
    "         gilscope compare app.py:parse --python python3.13 --python python3.13t\n"
    "         gilscope compare app.py:parse --html page.html     (opens in a browser)\n"
    "         gilscope compare script.py -- --its-own option     (sys.argv of the tasks)\n";

struct CompareOptions {
  CommonOptions common;
  TrialOptions trial;
  std::vector<std::string> modes;
  std::vector<std::string> pythons;
  unsigned rounds = 5;
  double timeout_s = 60;
  std::string html;
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

// The Pythons that were asked for, else the host's own.
std::vector<ChosenPython> find_pythons(const CompareOptions& options, const PythonHost& host,
                                       std::optional<StockTrialFolder>& stock) {
  auto program = host.program();
  if (!options.pythons.empty()) return choose_pythons(options.pythons, program, stock.emplace());
  auto surroundings = examine_in_child(program);
  return {
      {.path = "", .identity = "", .program = std::move(program), .surroundings = std::move(surroundings)}};
}

std::vector<PythonComparison> compare_all(const std::vector<Subject>& subjects,
                                          const CompareContext& common) {
  std::vector<PythonComparison> comparisons;
  for (const auto& [python, trials] : subjects) {
    auto context = common;
    context.python = python.surroundings.python;
    context.machine = python.surroundings.machine;
    context.engine = python.program.engine;
    comparisons.push_back({python.path, compare_modes(trials), std::move(context)});
  }
  return comparisons;
}

bool has_figures(const PythonComparison& python) {
  return std::ranges::any_of(python.comparison.modes,
                             [](const auto& mode) { return mode.work_ns.has_value(); });
}

void deliver(ResultOutput& output, const std::vector<PythonComparison>& pythons) {
  const auto& first = pythons.front();
  const bool several = pythons.size() > 1;
  output.deliver(
      [&] { return several ? pythons_json(pythons) : comparison_json(first.comparison, first.context); },
      [&](const TextStyle& style) {
        return several ? format_pythons(pythons, style)
                       : format_comparison(first.comparison, first.context, style);
      },
      [&] { return compare_page(pythons); });
}

int run(const CompareOptions& options, const Invocation& invocation) {
  set_up_logging(options.common.verbosity());
  const Plan plan{make_trial_spec(options.trial, invocation.tail), chosen_modes(options.modes),
                  options.rounds, from_seconds(options.timeout_s)};
  ResultOutput output(options.common, options.html);

  const InterruptGuard guard;
  std::optional<StockTrialFolder> stock;  // for as long as trials may need it
  std::vector<Subject> subjects;
  Outcome outcome;
  try {
    for (auto& python : find_pythons(options, invocation.host, stock))
      subjects.push_back(make_subject(plan, std::move(python)));
    Progress progress(count_trials(plan, subjects), options.common.quiet);
    outcome = run_rounds(plan, subjects, progress);
  } catch (const Interrupted& interrupted) {
    outcome.interrupted_by = interrupted.signal;
  }

  const auto pythons = compare_all(subjects, {.command = invocation.command,
                                              .tasks = options.trial.tasks,
                                              .workers = plan.spec.workers,
                                              .rounds = plan.rounds,
                                              .rounds_done = outcome.rounds_done});
  if (outcome.interrupted_by) {
    print_error(
        fmt::format("gilscope: interrupted after {} of {} rounds\n", outcome.rounds_done, plan.rounds));
  }
  if (!outcome.interrupted_by || std::ranges::any_of(pythons, has_figures)) deliver(output, pythons);
  if (outcome.interrupted_by) return 128 + *outcome.interrupted_by;
  const bool all_good =
      std::ranges::all_of(pythons, [](const auto& python) { return python.comparison.all_good(); });
  return static_cast<int>(all_good ? ExitCode::Done : ExitCode::AnswerIsNo);
}

}  // namespace

void setup_compare(CLI::App& app, const Invocation& invocation, Action& action) {
  const auto options = std::make_shared<CompareOptions>();
  auto* command = app.add_subcommand("compare", kCompareDescription);
  set_usage(*command, "gilscope compare [options] TASK... [-- ARG...]");
  add_trial_options(*command, options->trial);
  command
      ->add_option("--modes", options->modes, "Of sequential,threads,subinterpreters,processes,asyncio [all]")
      ->delimiter(',')
      ->allow_extra_args(false)  // else it would take the tasks that follow it
      ->check(CLI::IsMember(mode_names()))
      ->type_name("A,B");
  command
      ->add_option(
          "--python", options->pythons,
          "Compare under this CPython (3.11+), PyPy or gilscope host, and under each other that is named so")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("PATH");
  command->add_option("--rounds", options->rounds, "Interleaved rounds [5]")
      ->check(CLI::Range(1U, 10'000U))
      ->type_name("N");
  command->add_option("--timeout", options->timeout_s, "Time limit of one trial in seconds [60]")
      ->check(check_timeout)
      ->type_name("S");
  add_html(*command, options->html);
  add_json(*command, options->common);
  add_verbosity(*command, options->common);
  command->callback([options, &invocation, &action] {
    action = [options, &invocation] { return run(*options, invocation); };
  });
}

}  // namespace gilscope::cli
