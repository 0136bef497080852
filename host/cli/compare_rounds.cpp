#include "cli/compare_rounds.h"

#include <algorithm>

#include <fmt/core.h>

#include "run/trial_runner.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

std::string version_of(const Subject& subject) { return subject.python.surroundings.python.at("version"); }

bool is_free_threaded(const Subject& subject) {
  return subject.python.surroundings.python.at("free_threaded").get<bool>();
}

int minor_of(const std::string& version) { return std::stoi(version.substr(version.find('.') + 1)); }

bool has_failed(const ModeTrials& trials) { return !trials.records.empty() && trials.records.back().failure; }

// Why its tasks could not be loaded in a mode where nothing is special about the mode; an extension may
// refuse sub-interpreters, and that is a row of the table.
const TrialFailure* load_failure(const Subject& subject) {
  for (const auto& mode : subject.trials) {
    if (mode.mode == Mode::Subinterpreters || !has_failed(mode)) continue;
    const auto& failure = *mode.records.back().failure;
    if (failure.kind == TrialFailure::Kind::Load) return &failure;
  }
  return nullptr;
}

// Tasks that no Python can load are a mistake in the command line; one that lacks a module is a row.
void check_loaded(const std::vector<Subject>& subjects) {
  if (!std::ranges::all_of(subjects, load_failure)) return;
  const auto& failure = *load_failure(subjects.front());
  // A LoadError's words say all; what an import raised is better understood with its traceback.
  const bool is_own = failure.traceback.find("LoadError") != std::string::npos;
  throw Error(
      fmt::format("a task cannot be loaded: {}{}", failure.message, is_own ? "" : "\n" + failure.traceback),
      "a task is FILE.py, FILE.py:FUNCTION or MODULE:FUNCTION", ExitCode::Usage);
}

// Runs one round of the modes that have not failed yet.
void run_round(const Plan& plan, unsigned round, std::vector<Subject>& subjects, Progress& progress,
               const std::string& what) {
  for (auto& subject : subjects) {
    const auto name =
        subjects.size() == 1 ? "" : version_of(subject) + (is_free_threaded(subject) ? "t" : "") + ", ";
    for (auto& mode : subject.trials) {
      if (!mode.unavailable.empty() || has_failed(mode)) continue;
      progress.show(
          fmt::format("{}round {} of {}, {}{}", what, round + 1, plan.rounds, name, name_of(mode.mode)));
      auto spec = plan.spec;
      spec.mode = mode.mode;
      mode.records.push_back(run_trial_in_child(subject.python.program, spec, plan.timeout, round + 1));
      check_loaded(subjects);
      progress.step();
    }
  }
}

// An import may have turned the GIL of a free-threaded build on.
void note_gils_turned_on(Subject& subject) {
  if (!is_free_threaded(subject)) return;
  for (auto& mode : subject.trials) {
    const bool turned_on = std::ranges::any_of(
        mode.records, [](const auto& record) { return !record.failure && record.gil_enabled; });
    if (turned_on) mode.gil = gil_of(mode.mode, minor_of(version_of(subject)), true);
  }
}

}  // namespace

Subject make_subject(const Plan& plan, ChosenPython python) {
  Subject subject{std::move(python), {}};
  const int minor = minor_of(version_of(subject));
  for (const auto mode : plan.modes) {
    subject.trials.push_back(
        {.mode = mode,
         .gil = gil_of(mode, minor, !is_free_threaded(subject)),
         .records = {},
         .unavailable = std::string(why_unavailable(subject.python.program.engine, mode)),
         .workers = plan.spec.workers});
  }
  return subject;
}

std::size_t count_trials(const Plan& plan, const std::vector<Subject>& subjects) {
  std::size_t modes = 0;
  for (const auto& subject : subjects) {
    modes += static_cast<std::size_t>(
        std::ranges::count_if(subject.trials, [](const auto& mode) { return mode.unavailable.empty(); }));
  }
  return modes * plan.rounds;
}

Outcome run_rounds(const Plan& plan, std::vector<Subject>& subjects, Progress& progress,
                   const std::string& what) {
  Outcome outcome;
  try {
    for (; outcome.rounds_done < plan.rounds; ++outcome.rounds_done) {
      run_round(plan, outcome.rounds_done, subjects, progress, what);
    }
  } catch (const Interrupted& interrupted) {
    outcome.interrupted_by = interrupted.signal;
  }
  std::ranges::for_each(subjects, note_gils_turned_on);
  return outcome;
}

}  // namespace gilscope::cli
