// gilscope report: what a capture says, as `gilscope run` would have said it.
#include "cli/cli.h"
#include "cli/run_capture.h"
#include "report/truth_report.h"
#include "run/child.h"
#include "run/trial_runner.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

constexpr const char* kDescription =
    "Says what a capture tells of its GILs: the summary, a timeline, whether it can be true.\n\n"
    "Example: gilscope report capture                      (which `gilscope run -o capture app.py` made)\n"
    "         gilscope report --trace trace.json capture   (opens in https://ui.perfetto.dev)\n"
    "         gilscope report --check capture\n";

struct ReportOptions {
  CommonOptions common;
  std::string capture;
  std::string trace;
  bool check = false;
};

int run(const ReportOptions& options) {
  set_up_logging(options.common.verbosity());
  ResultOutput output(options.common);
  std::optional<OutputFile> trace;
  if (!options.trace.empty()) trace.emplace(options.trace, options.common.existing());
  CapturedRun captured(read_capture(options.capture));
  captured.watch(throw_if_interrupted);
  const RunSummary summary = summarize_run(replay(captured));
  std::optional<std::vector<ProcessTruth>> truths;
  if (options.check) truths = check_truth(captured);
  if (trace) write_trace(captured, *trace);
  output.deliver(
      [&] {
        auto document = summary_json(summary, context_of(captured.capture()));
        document["check"] = truths ? truth_json(*truths) : nlohmann::ordered_json(nullptr);
        return document;
      },
      [&](const TextStyle& style) {
        if (options.common.quiet) return truths ? format_truth(*truths, style) : std::string();
        return format_capture_heading(context_of(captured.capture()), summary) +
               format_summary(summary, style) + (truths ? '\n' + format_truth(*truths, style) : "");
      });
  return static_cast<int>(truths && !is_true(*truths) ? ExitCode::AnswerIsNo : ExitCode::Done);
}

}  // namespace

void setup_report(CLI::App& app, const Invocation& /*invocation*/, Action& action) {
  const auto options = std::make_shared<ReportOptions>();
  auto* command = app.add_subcommand("report", kDescription);
  set_usage(*command, "gilscope report [options] CAPTURE");
  command->add_option("capture", options->capture, "A folder that `gilscope run -o` made")
      ->required()
      ->type_name("CAPTURE");
  add_trace(*command, options->trace);
  command->add_flag("--check", options->check,
                    "Check that what was recorded can be true; exit code 1 where it cannot");
  add_json(*command, options->common);
  add_verbosity(*command, options->common);
  command->callback([options, &action] {
    action = [options] {
      const InterruptGuard guard;
      try {
        return run(*options);
      } catch (const Interrupted& interrupted) {
        print_error("gilscope: interrupted\n");
        return 128 + interrupted.signal;
      }
    };
  });
}

}  // namespace gilscope::cli
