// gilscope report: what a capture says, or a run that goes on, as `gilscope run` would say it.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/cli.h"
#include "cli/exports.h"
#include "cli/report_change.h"
#include "cli/run_capture.h"
#include "recording/dump.h"
#include "recording/live_run.h"
#include "report/truth_report.h"
#include "run/child.h"
#include "run/trial_runner.h"
#include "support/error.h"
#include "support/system_files.h"

namespace gilscope::cli {
namespace {

constexpr const char* kReportDescription =
    "Says what a capture tells of its GILs: the summary, a timeline, whether it can be true; of two, what "
    "changed.\n\n"
    "Example: gilscope report capture                      (which `gilscope run -o capture app.py` made)\n"
    "         gilscope report --trace trace.json capture   (opens in https://ui.perfetto.dev)\n"
    "         gilscope report --html page.html capture      (opens in a browser)\n"
    "         gilscope report --check capture\n"
    "         gilscope report 1234                          (a process that goes on under `gilscope run`)\n"
    "         gilscope report --fail-if-worse 10% before after\n";

struct ReportOptions {
  CommonOptions common;
  std::string capture;
  std::string after;  // "": there is no second one
  ExportFiles exports;
  std::string fail_if_worse;  // "": not asked
  bool check = false;
};

int run_change(const ReportOptions& options) {
  set_up_logging(options.common.verbosity());
  auto of_one = list_exports(options.exports);
  if (options.check) of_one.emplace_back("--check", "");
  if (options.exports.sources.of == SourceScope::Of::All) of_one.emplace_back("--sources", "");
  if (!of_one.empty()) {
    throw Error(fmt::format("report: {} is of one capture, and two are given", of_one.front().first),
                "ask for it of each alone", ExitCode::Usage);
  }
  std::optional<double> allowed;
  if (!options.fail_if_worse.empty()) allowed = parse_percentage(options.fail_if_worse);
  return report_change(options.common, options.capture, options.after, allowed);
}

// What a run has counted up to now: without events, there is nothing else to make of them.
int report_counted(const ReportOptions& options, const LiveRun& live) {
  auto of_events = list_exports(options.exports);
  if (options.check) of_events.emplace_back("--check", "");
  if (!of_events.empty()) {
    throw Error(
        fmt::format("report: {} needs every event, and that run counts them", of_events.front().first),
        "gilscope run -o DIR keeps them", ExitCode::Usage);
  }
  ResultOutput output(options.common);
  const RunSummary summary = summarize_run(live.collect());
  const SummaryContext context{.python = nullptr, .machine = nullptr, .command = live.command()};
  output.deliver([&] { return summary_json(summary, context); },
                 [&](const TextStyle& style) {
                   if (options.common.quiet) return std::string();
                   return format_capture_heading(context, summary) + format_summary(summary, style);
                 });
  return static_cast<int>(ExitCode::Done);
}

// A number that is the name of nothing here is a process's.
std::optional<std::int64_t> find_process_id(const std::string& name) {
  std::error_code error;
  return std::filesystem::exists(name, error) ? std::nullopt : parse_process_id(name);
}

// Where the run goes on, what it will note at its end is known to those who look.
std::unique_ptr<CapturedRun> open_capture(const std::string& folder, std::optional<TemporaryFolder>& copy) {
  auto captured = std::make_unique<CapturedRun>(read_capture(folder));
  if (captured->capture().notes || captured->processes().empty()) return captured;
  try {
    const auto live = LiveRun::find(captured->processes().front().facts.pid);
    std::error_code error;
    if (!std::filesystem::equivalent(live.capture(), folder, error)) return captured;
    return std::make_unique<CapturedRun>(read_live_capture(live, copy));
  } catch (const Error&) {
    return captured;  // it has ended without a word, or another one has its number
  }
}

int run(const ReportOptions& options) {
  set_up_logging(options.common.verbosity());
  if (!options.fail_if_worse.empty()) {
    throw Error("report: --fail-if-worse compares two captures, and one is given",
                "gilscope report --fail-if-worse 10% BEFORE AFTER", ExitCode::Usage);
  }
  check_exports("report", options.exports, options.common);
  std::optional<LiveRun> live;
  if (const auto id = find_process_id(options.capture)) live.emplace(LiveRun::find(*id));
  if (live && live->capture().empty()) return report_counted(options, *live);
  ResultOutput output(options.common);
  ExportWriter exports(options.exports, options.common.existing());
  std::optional<TemporaryFolder> copy;
  const auto opened = live ? std::make_unique<CapturedRun>(read_live_capture(*live, copy))
                           : open_capture(options.capture, copy);
  CapturedRun& captured = *opened;
  captured.watch(throw_if_interrupted);
  const RecordedRun recorded = replay(captured);
  const RunSummary summary = summarize_run(recorded);
  std::optional<std::vector<ProcessTruth>> truths;
  if (options.check) truths = check_truth(captured);
  exports.write(captured, recorded);
  output.deliver(
      [&] {
        auto document = summary_json(summary, context_of(captured.capture()));
        document["check"] = truths ? truth_json(*truths) : nlohmann::ordered_json(nullptr);
        return document;
      },
      [&](const TextStyle& style) {
        if (is_printed(options.exports)) return std::string();  // which this would spoil
        if (options.common.quiet) return truths ? format_truth(*truths, style) : std::string();
        return format_capture_heading(context_of(captured.capture()), summary) +
               format_summary(summary, style) + (truths ? '\n' + format_truth(*truths, style) : "");
      });
  return static_cast<int>(truths && !is_true(*truths) ? ExitCode::AnswerIsNo : ExitCode::Done);
}

}  // namespace

void setup_report(CLI::App& app, const Invocation& /*invocation*/, Action& action) {
  const auto options = std::make_shared<ReportOptions>();
  auto* command = app.add_subcommand("report", kReportDescription);
  set_usage(*command, "gilscope report [options] CAPTURE|PID [AFTER]");
  command
      ->add_option("capture", options->capture,
                   "A folder that `gilscope run -o` made, or the number of a process that goes on under "
                   "`gilscope run`")
      ->required()
      ->type_name("CAPTURE");
  command->add_option("after", options->after, "Another: what changed from the first to this one")
      ->type_name("AFTER");
  add_exports(*command, options->exports);
  command->add_flag("--check", options->check,
                    "Check that what was recorded can be true; exit code 1 where it cannot");
  command
      ->add_option("--fail-if-worse", options->fail_if_worse,
                   "Of two: exit code 1 where the waiting grew by more than this, as 10%")
      ->check([](const std::string& text) { return text.empty() ? "the percentage is empty" : ""; })
      ->type_name("PERCENT");
  add_json(*command, options->common);
  add_verbosity(*command, options->common);
  command->callback([options, &action] {
    action = [options] {
      const InterruptGuard guard;
      try {
        return options->after.empty() ? run(*options) : run_change(*options);
      } catch (const Interrupted& interrupted) {
        print_error("gilscope: interrupted\n");
        return 128 + interrupted.signal;
      }
    };
  });
}

}  // namespace gilscope::cli
