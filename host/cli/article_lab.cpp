#include "cli/article_lab.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <sstream>
#include <utility>

#include <fmt/core.h>

#include "cli/trial_options.h"
#include "recording/captured_run.h"
#include "run/article_records.h"
#include "run/child.h"
#include "run/trial_runner.h"
#include "support/environment.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

// Counts of the C++ loop for one of bytecode: it then takes about a third of the time.
constexpr std::uint64_t kNativeIterations = 80;
constexpr std::uint64_t kMaxNativeIterations = 6'000'000'000;  // more does not fit in gilscope.count()'s sum
// A count of flavours.py must be long beside what a JIT takes to warm up.
constexpr double kFlavourSeconds = 6;
constexpr double kOtherSwitchInterval = 0.001;
// The programs that measure have limits of their own, for each part of what they do.
constexpr int kMeasuringTimeouts = 10;
// What a program that is interrupted may take to remove its files, and to end its own children.
constexpr auto kGrace = std::chrono::seconds(3);

// The article's two counts in threads, at a switch interval of one's choice (0: Python's own), which it
// prints.
constexpr const char* kCountAtInterval = R"(
import runpy, sys
interval, path, folder = float(sys.argv[1]), sys.argv[2], sys.argv[3]
if interval:
    sys.setswitchinterval(interval)
print(sys.getswitchinterval())
sys.path.insert(0, folder)
sys.argv[:] = sys.argv[2:3] + sys.argv[4:]
runpy.run_path(path, run_name="__main__")
)";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(std::move(line));
  return lines;
}

// What comes last in article_programs(): these tell what they measured, as JSON.
bool measures(std::string_view program) {
  return program == "process_count" || program == "exchange" || program == "flavours";
}

std::string describe_end(const ChildResult& result, Nanoseconds timeout) {
  switch (result.end) {
    case ChildResult::End::TimedOut:
      return fmt::format("ran longer than {:g} s (--timeout)", to_seconds(timeout));
    case ChildResult::End::Signalled:
      return fmt::format("was ended by signal {}", result.code);
    case ChildResult::End::Exited:
    case ChildResult::End::Interrupted:
      break;
  }
  const auto words = last_line(result.errors);
  return fmt::format("ended with exit code {}{}{}", result.code, words.empty() ? "" : ": ", words);
}

// An error may go on with a traceback.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

template <typename Take>
void take_into(auto& measured, Take take) {
  try {
    measured.value = take();
  } catch (const Error& error) {
    measured.reason = first_line(error.what());
  }
}

// Null where there is none: without a GIL nothing is recorded.
std::unique_ptr<CapturedRun> open_capture(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder)) return nullptr;
  auto captured = std::make_unique<CapturedRun>(read_capture(folder));
  captured->watch(throw_if_interrupted);
  return captured;
}

std::vector<Nanoseconds> forced_holds(const CapturedRun& run) {
  std::vector<Nanoseconds> holds;
  static_cast<void>(run.read_intervals(run.processes().front(), [&](const Interval& interval) {
    if (interval.kind == IntervalKind::Hold && interval.is_forced) {
      holds.push_back(run.clock().to_time(interval.end) - run.clock().to_time(interval.begin));
    }
  }));
  return holds;
}

// Time of all jobs / time of the longest, the median of the sequential rounds.
std::optional<double> bound_of(const std::vector<ModeTrials>& trials) {
  std::vector<double> bounds;
  for (const auto& mode : trials) {
    if (mode.mode != Mode::Sequential) continue;
    for (const auto& record : mode.records) {
      Nanoseconds all{};
      Nanoseconds longest{};
      for (const auto& job : record.jobs) {
        all += job.end - job.begin;
        longest = std::max(longest, job.end - job.begin);
      }
      if (!record.failure && longest.count() > 0) {
        bounds.push_back(static_cast<double>(all.count()) / static_cast<double>(longest.count()));
      }
    }
  }
  return bounds.empty() ? std::nullopt : std::optional(median(bounds));
}

}  // namespace

const std::vector<std::string>& article_programs() {
  static const std::vector<std::string> names{"add_sub_sequential",
                                              "add_sub_processes",
                                              "add_sub_threads",
                                              "count_sequential",
                                              "count_threads",
                                              "count_processes",
                                              "count_subinterpreters",
                                              "count_native",
                                              "employees_projects",
                                              "tasks_threads",
                                              "tasks_processes",
                                              "tasks_asyncio",
                                              "interleave_asyncio",
                                              "process_count",
                                              "exchange",
                                              "flavours"};
  return names;
}

void use_repository_environment(const std::filesystem::path& sources) {
  if (environment_variable("VIRTUAL_ENV")) return;
  const auto folder = sources.parent_path().parent_path() / ".venv";
  if (std::filesystem::exists(folder)) setenv("VIRTUAL_ENV", folder.c_str(), 1);
}

ArticleLab::ArticleLab(ArticlePlan plan, ArticleMeasurements& measurements)
    : plan_(std::move(plan)), measurements_(measurements) {
  if (!std::filesystem::exists(plan_.sources / "options.py")) {
    throw Error(fmt::format("the article's programs are not in {}", plan_.sources.string()),
                "this gilscope was built there: build it again from its repository");
  }
  plan_programs();
  plan_comparisons();
  plan_intervals();
  const auto seconds = [this](double factor) {
    return std::vector<std::string>{"--seconds", fmt::format("{}", factor * plan_.seconds)};
  };
  plan_measuring("counting processes", "process_count", 3, {}, parse_process_count,
                 measurements_.process_counts);
  plan_measuring("passing bytes", "exchange", 12, seconds(1), parse_exchange, measurements_.exchange);
  plan_measuring("other Pythons", "flavours", 20, seconds(kFlavourSeconds), parse_flavours,
                 measurements_.flavours);
}

bool ArticleLab::is_chosen(std::string_view program) const {
  return std::ranges::find(plan_.programs, program) != plan_.programs.end();
}

std::string ArticleLab::path_of(std::string_view program) const {
  return (plan_.sources / fmt::format("{}.py", program)).string();
}

std::uint64_t ArticleLab::iterations_of(std::string_view program) const {
  if (program != "count_native") return plan_.iterations;
  return std::min(kNativeIterations * plan_.iterations, kMaxNativeIterations);
}

std::vector<std::string> ArticleLab::arguments(std::uint64_t iterations) const {
  return {"--iterations", std::to_string(iterations), "--scale", fmt::format("{}", plan_.scale),
          "--database",   plan_.database.string()};
}

void ArticleLab::plan_programs() {
  for (const auto& name : article_programs()) {
    if (!is_chosen(name) || measures(name)) continue;
    steps_.push_back({name, 1, [this, name] {
                        Measured<ProgramRun> run;
                        take_into(run, [&] { return run_program(name); });
                        measurements_.programs.push_back({name, std::move(run)});
                      }});
  }
}

void ArticleLab::plan_comparison(const std::string& name, const std::string& program,
                                 const std::vector<std::string>& functions, const std::vector<Mode>& modes,
                                 Measured<TaskRounds>& into) {
  std::vector<std::string> tasks;
  for (const auto& function : functions) tasks.push_back(fmt::format("{}:{}", path_of(program), function));
  // About a second a trial, of the default sizes.
  steps_.push_back({name, 0, [=, this, &into] {
                      try {
                        compare(name, into,
                                {make_trial_spec({.tasks = tasks}, arguments(iterations_of(program))), modes,
                                 plan_.rounds, plan_.timeout});
                      } catch (const Error& error) {
                        into.reason = first_line(error.what());
                      }
                    }});
  steps_of_comparisons_ += modes.size() * plan_.rounds;
}

void ArticleLab::plan_comparisons() {
  const std::vector<Mode> all(kModes.begin(), kModes.end());
  const std::vector<Mode> threads{Mode::Sequential, Mode::Threads};
  constexpr std::array kCounting{"count_sequential", "count_threads", "count_processes",
                                 "count_subinterpreters"};
  if (std::ranges::any_of(kCounting, [this](const char* name) { return is_chosen(name); })) {
    plan_comparison("both counts in every mode", "count_sequential", {"count_up", "count_down"}, all,
                    measurements_.counting);
  }
  if (is_chosen("count_native")) {
    plan_comparison("the count in C++, GIL held", "count_native", {"count_held"}, threads,
                    measurements_.native_held);
    plan_comparison("the count in C++, GIL released", "count_native", {"count_released"}, threads,
                    measurements_.native_released);
  }
  if (is_chosen("employees_projects")) {
    plan_comparison("both queries", "employees_projects", {"get_employees", "get_active_projects"}, threads,
                    measurements_.queries);
  }
  if (is_chosen("add_sub_threads")) {
    plan_comparison("both waits", "add_sub_threads", {"add", "sub"}, threads, measurements_.waits);
  }
}

void ArticleLab::plan_intervals() {
  if (!is_chosen("count_threads")) return;
  for (const double interval : {0.0, kOtherSwitchInterval}) {
    steps_.push_back({"both counts in threads, at a switch interval", 2, [this, interval] {
                        Measured<ForcedHolds> forced;
                        take_into(forced, [&] { return run_at_interval(interval); });
                        measurements_.forced_holds.push_back(std::move(forced));
                      }});
  }
}

template <typename Value>
void ArticleLab::plan_measuring(const std::string& name, const std::string& program, std::size_t weight,
                                const std::vector<std::string>& options, Value (*parse)(std::string_view),
                                Measured<Value>& into) {
  if (!is_chosen(program)) return;
  steps_.push_back({name, weight, [=, this, &into] {
                      take_into(into, [&] { return parse(run_to_measure(program, options)); });
                    }});
}

std::size_t ArticleLab::steps() const {
  return std::accumulate(steps_.begin(), steps_.end(), steps_of_comparisons_,
                         [](std::size_t sum, const Step& step) { return sum + step.weight; });
}

void ArticleLab::measure(Progress& progress) {
  progress_ = &progress;
  for (const auto& step : steps_) {
    progress.show(step.name);
    step.take();
    progress.step(step.weight);
  }
}

// The output of `gilscope run`; throws Error where it did not end well.
std::string ArticleLab::run(const std::vector<std::string>& arguments, Nanoseconds timeout) const {
  ChildCommand command{plan_.host.command, plan_.host.environment, timeout, kGrace};
  command.arguments.insert(command.arguments.end(), {"run", "-q"});
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  const auto result = run_or_interrupt(command);
  if (result.end != ChildResult::End::Exited || result.code != 0)
    throw Error(describe_end(result, timeout), "");
  return result.output;
}

std::string ArticleLab::run_to_measure(const std::string& program, std::vector<std::string> options) const {
  std::vector<std::string> command{path_of(program), "--json", "-"};
  command.insert(command.end(), options.begin(), options.end());
  return run(command, kMeasuringTimeouts * plan_.timeout);
}

ProgramRun ArticleLab::run_program(const std::string& program) const {
  const auto folder = plan_.folder / program;
  ProgramRun made{.command = {path_of(program)}};
  const auto options = arguments(iterations_of(program));
  made.command.insert(made.command.end(), options.begin(), options.end());
  auto command = made.command;
  command.insert(command.begin(), {"--force", "-o", folder.string()});
  const auto begin = std::chrono::steady_clock::now();
  made.lines = lines_of(run(command, plan_.timeout));
  made.wall = std::chrono::duration_cast<Nanoseconds>(std::chrono::steady_clock::now() - begin);
  if (const auto captured = open_capture(folder)) {
    made.summary = summarize_run(replay(*captured));
    made.can_be_true =
        std::ranges::all_of(check_truth(*captured), [](const auto& truth) { return truth.report.holds(); });
  }
  return made;
}

ForcedHolds ArticleLab::run_at_interval(double interval_s) const {
  const auto folder = plan_.folder / (interval_s > 0 ? "other_switch_interval" : "switch_interval");
  std::vector<std::string> command{"--force",
                                   "-o",
                                   folder.string(),
                                   "-c",
                                   kCountAtInterval,
                                   fmt::format("{}", interval_s),
                                   path_of("count_threads"),
                                   plan_.sources.string()};
  const auto options = arguments(plan_.iterations);
  command.insert(command.end(), options.begin(), options.end());
  std::istringstream output(run(command, plan_.timeout));
  double seconds = 0;
  if (!(output >> seconds)) throw Error("it did not say its switch interval first", "");
  ForcedHolds made{.is_default = interval_s == 0};
  made.interval = from_seconds(seconds);
  const auto captured = open_capture(folder);
  if (!captured) throw Error("nothing was recorded", "");
  made.holds = forced_holds(*captured);
  return made;
}

void ArticleLab::compare(const std::string& name, Measured<TaskRounds>& into, const Plan& plan) {
  std::vector<std::string> tasks;
  for (const auto& task : plan.spec.tasks) tasks.push_back(task.text);
  std::vector<Subject> subjects{
      make_subject(plan, {.program = plan_.host, .surroundings = plan_.surroundings})};
  const auto outcome = run_rounds(plan, subjects, *progress_, name + ", ");
  const auto& trials = subjects.front().trials;
  if (!outcome.interrupted_by || outcome.rounds_done > 0) {
    into.value = {.tasks = std::move(tasks),
                  .workers = plan.spec.workers,
                  .rounds_done = outcome.rounds_done,
                  .comparison = compare_modes(trials),
                  .bound = bound_of(trials)};
  }
  if (outcome.interrupted_by) throw Interrupted(*outcome.interrupted_by);
}

}  // namespace gilscope::cli
