#include "cli/report_change.h"

#include <charconv>
#include <cmath>

#include <fmt/core.h>

#include "cli/run_capture.h"
#include "report/change_report.h"
#include "run/trial_runner.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

struct ReadRun {
  RunSummary summary;
  SummaryContext context;
};

ReadRun read_run(const std::string& folder) {
  CapturedRun captured(read_capture(folder));
  captured.watch(throw_if_interrupted);
  return {summarize_run(replay(captured)), context_of(captured.capture())};
}

}  // namespace

double parse_percentage(const std::string& text) {
  double percent = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, percent, std::chars_format::fixed);
  const bool is_percentage = error == std::errc() && std::string_view(rest, end) == "%";
  if (!is_percentage || !std::isfinite(percent) || percent < 0) {
    throw Error(fmt::format("report: --fail-if-worse: '{}' is no percentage", text),
                "a number of 0 or more and a percent sign, such as 10%", ExitCode::Usage);
  }
  return percent / 100;
}

int report_change(const CommonOptions& options, const std::string& before, const std::string& after,
                  std::optional<double> allowed) {
  ResultOutput output(options);
  auto was = read_run(before);
  auto is = read_run(after);
  ChangeReport report{.before = std::move(was.summary),
                      .after = std::move(is.summary),
                      .before_context = std::move(was.context),
                      .after_context = std::move(is.context)};
  report.change = compare_runs(report.before, report.after);
  const bool is_known = is_whole(report.before) && is_whole(report.after);
  if (allowed && is_known) report.answer = {*allowed, judge_worsening(report.change, *allowed)};
  output.deliver([&] { return change_json(report); },
                 [&](const TextStyle& style) {
                   if (!options.quiet) return format_change(report, style);
                   return report.answer ? describe_answer(*report.answer) + '\n' : std::string();
                 });
  if (allowed && !is_known) {
    const auto& folder = is_whole(report.before) ? after : before;
    throw Error(fmt::format("{} is not whole: whether the waiting got worse cannot be told", folder),
                fmt::format("gilscope report {} says what is missing", folder));
  }
  const bool is_worse = report.answer && report.answer->worsening == Worsening::Worse;
  return static_cast<int>(is_worse ? ExitCode::AnswerIsNo : ExitCode::Done);
}

}  // namespace gilscope::cli
