#include <string>
#include <string_view>

#include <fmt/core.h>
#include <fmt/format.h>

#include "report/summary_report.h"

namespace gilscope {

std::string describe_dump(const DumpNote& dump) {
  std::string text = "Dumped at " + dump.made_at;
  const auto what = [&]() -> std::string_view {
    if (dump.reason == "hold") return "a hold of the GIL";
    if (dump.reason == "wait") return "a wait for the GIL";
    if (dump.reason == "lock") return "a wait for a lock";
    if (dump.reason == "loop") return "a step of an event loop";
    return "";
  }();
  if (!what.empty()) {
    text +=
        fmt::format(": {} of {} in thread {} of process {}, over {} before the end", what,
                    format_duration(dump.length), dump.thread, dump.pid, format_duration(dump.over_since));
    if (dump.further != 0) text += fmt::format("; {} more came after it", dump.further);
  } else if (dump.reason == "signal") {
    text += fmt::format(": a signal came to process {}", dump.pid);
  }
  return replace_controls(text);
}

std::string format_capture_heading(const SummaryContext& context, const RunSummary& summary) {
  std::string text = fmt::format("{}", fmt::join(context.command, " "));
  if (context.python.is_object() && context.python.contains("version") &&
      context.python["version"].is_string()) {
    text += fmt::format(" (Python {}", context.python["version"].get<std::string>());
    text += summary.exit_code ? fmt::format(", exit code {})", *summary.exit_code) : ")";
  }
  text = replace_controls(text) + '\n';
  if (context.dump) text += describe_dump(*context.dump) + '\n';
  return text + '\n';
}

}  // namespace gilscope
