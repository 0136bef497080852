// gilscope top: a run that goes on, again and again: who holds the GIL now, and whom that makes wait.
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/cli.h"
#include "cli/live_watch.h"
#include "cli/top_program.h"
#include "cli/top_screen.h"
#include "recording/live_run.h"
#include "report/summary_report.h"
#include "run/child.h"
#include "support/error.h"
#include "support/json_values.h"
#include "support/system_files.h"

namespace gilscope::cli {
namespace {

constexpr const char* kTopDescription =
    "Shows a run that goes on: who holds the GIL now, and whom that makes wait.\n\n"
    "Example: gilscope top 1234              (a process that goes on under `gilscope run`)\n"
    "         gilscope top run app.py        (starts it; all that `gilscope run` takes comes after `run`)\n"
    "         gilscope top --json 1234       (a summary a second, each in a line of its own)\n";

struct TopOptions {
  CommonOptions common;
  std::string process;
  double interval = 0;  // seconds; 0: not given
  double window = 0;    // likewise
  std::uint64_t count = 0;
  bool is_json = false;
  bool is_plain = false;

  [[nodiscard]] bool wants_screen() const {
    return !is_json && !is_plain && count == 0 && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  }
};

// Of a screen it is a glance; of lines each has what came since the one before.
constexpr double kScreenInterval = 0.5;
constexpr double kScreenWindow = 5;
constexpr double kLineInterval = 1;

LiveWatch watch_of(LiveRun run, const TopOptions& options, bool is_screen) {
  const double interval = options.interval > 0 ? options.interval
                          : is_screen          ? kScreenInterval
                                               : kLineInterval;
  const double window = options.window > 0 ? options.window : is_screen ? kScreenWindow : 0;
  return {std::move(run), from_seconds(interval), from_seconds(window)};
}

// Until then, or a signal, or the end of the process.
void sleep_until(std::chrono::steady_clock::time_point time, std::int64_t pid) {
  constexpr auto kStep = std::chrono::milliseconds(50);
  const bool was_alive = is_alive(pid);
  while (!InterruptGuard::signal() && is_alive(pid) == was_alive) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= time) return;
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(time - now, kStep));
  }
}

void print_window(const TopFigures& figures, const TopOptions& options) {
  if (!options.is_json) {
    print(format_window(figures));
    return;
  }
  const SummaryContext context{.python = nullptr, .machine = nullptr, .command = figures.command};
  print(dump_json(summary_json(figures.window, context)) + '\n');
}

struct LookEnd {
  std::optional<int> signal;  // that ended it
  bool is_run_over = false;
};

// The first look is where the first window begins.
LookEnd print_windows(LiveRun run, std::int64_t pid, const TopOptions& options) {
  const InterruptGuard guard;
  auto watch = watch_of(std::move(run), options, false);
  watch.look();
  for (std::uint64_t told = 0; !watch.is_over() && (options.count == 0 || told < options.count); ++told) {
    sleep_until(watch.due(), pid);
    if (InterruptGuard::signal()) break;
    watch.look();
    print_window(watch.figures(), options);
  }
  return {.signal = InterruptGuard::signal(), .is_run_over = watch.is_over()};
}

LookEnd show(PythonHost& host, LiveRun run, std::int64_t pid, const TopOptions& options) {
  if (!options.wants_screen()) return print_windows(std::move(run), pid, options);
  auto watch = watch_of(std::move(run), options, true);
  const ScreenEnd end = show_screen(host, watch);
  if (end.was_shown) return {.signal = end.signal, .is_run_over = watch.is_over()};
  log_warning("this terminal, or this Python, has no screen: lines instead");
  return print_windows(LiveRun::find(pid), pid, options);
}

std::int64_t process_id_of(const std::string& text) {
  if (const auto number = parse_process_id(text)) return *number;
  throw Error(fmt::format("top: '{}' is no number of a process", text),
              "gilscope top PID, or gilscope top run SCRIPT", ExitCode::Usage);
}

int look_at_process(const TopOptions& options, PythonHost& host) {
  const auto pid = process_id_of(options.process);
  const auto end = show(host, LiveRun::find(pid), pid, options);
  if (end.signal) {
    print_error("gilscope: interrupted\n");
    return 128 + *end.signal;
  }
  if (end.is_run_over) print_error(fmt::format("gilscope: the recording of process {} has ended\n", pid));
  return static_cast<int>(ExitCode::Done);
}

// Its recording begins once Python is ready. Empty where it has ended before, or a signal came.
std::optional<LiveRun> find_run(TopProgram& program) {
  constexpr auto kPause = std::chrono::milliseconds(10);
  while (!program.exit_code() && !InterruptGuard::signal()) {
    try {
      return LiveRun::find(program.pid());
    } catch (const Error&) {
      std::this_thread::sleep_for(kPause);
    }
  }
  return std::nullopt;
}

int look_at_program(const TopOptions& options, const Invocation& invocation) {
  TopProgram program(invocation.host.program(), {invocation.tail.begin() + 1, invocation.tail.end()},
                     options.wants_screen() ? TopProgram::Output::Kept : TopProgram::Output::StandardError);
  auto run = find_run(program);
  const auto end = run ? show(invocation.host, std::move(*run), program.pid(), options)
                       : LookEnd{.signal = InterruptGuard::signal()};
  if (!program.exit_code() && !end.is_run_over) {  // who has seen enough ends what he started
    print_error(fmt::format(
        "gilscope: process {0} is interrupted, and its end awaited (kill -9 -{0} ends it and its group)\n",
        program.pid()));
    program.interrupt(end.signal.value_or(SIGINT));
  }
  const int code = program.wait();
  program.show_output();
  return code;
}

}  // namespace

void setup_top(CLI::App& app, const Invocation& invocation, Action& action) {
  const auto options = std::make_shared<TopOptions>();
  auto* command = app.add_subcommand("top", kTopDescription);
  set_usage(*command, "gilscope top [options] PID | run [RUN-OPTION...] SCRIPT [ARG...]");
  command
      ->add_option("process", options->process, "The number of a process that goes on under `gilscope run`")
      ->type_name("PID");
  const auto is_number = [](const std::string& text) {
    return text.find_first_not_of("0123456789.") == std::string::npos ? "" : "it is no number of seconds";
  };
  command->add_option("--interval", options->interval, "Seconds from look to look [0.5; of lines 1]")
      ->check(is_number)
      ->check(CLI::Range(0.05, 3600.0))
      ->type_name("SECONDS");
  command
      ->add_option("--window", options->window,
                   "What is told is of the last so many seconds [5; of lines what came since the one before]")
      ->check(is_number)
      ->check(CLI::Range(0.05, 3600.0))
      ->type_name("SECONDS");
  command->add_option("--count", options->count, "End after so many lines; no screen")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 32U))
      ->type_name("N");
  command->add_flag("--json", options->is_json,
                    "A summary as JSON in each line, as `gilscope run --json` has it: of what came since the "
                    "one before");
  command->add_flag("--plain", options->is_plain, "Lines of text, as where the output is no terminal");
  add_verbosity(*command, options->common);
  command->callback([options, &invocation, &action] {
    action = [options, &invocation] {
      set_up_logging(options->common.verbosity());
      const bool starts = !invocation.tail.empty() && invocation.tail.front() == "run";
      if (starts == !options->process.empty() || (starts && invocation.tail.size() == 1)) {
        throw Error("top: it takes the number of a process, or a program to run",
                    "gilscope top PID, or gilscope top run SCRIPT", ExitCode::Usage);
      }
      const InterruptGuard guard;
      return starts ? look_at_program(*options, invocation) : look_at_process(*options, invocation.host);
    };
  });
}

}  // namespace gilscope::cli
