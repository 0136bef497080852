#include "report/compare_parts.h"

#include <algorithm>
#include <sstream>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

namespace gilscope {
namespace {

constexpr std::size_t kMaxFailureLines = 20;
constexpr std::size_t kMaxFailureColumns = 500;  // of one of these lines
constexpr std::size_t kMaxReasonColumns = 300;

std::string first_line(const std::string& text) { return replace_controls(text.substr(0, text.find('\n'))); }

// A traceback says most at its end, a crash's last words at their beginning; either is short as a rule.
std::string indent_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(shorten(replace_controls(line), kMaxFailureColumns));
  }
  std::string indented;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines.size() > kMaxFailureLines && i == kMaxFailureLines / 2) {
      const auto left_out = lines.size() - kMaxFailureLines;
      indented += fmt::format("  ({} more lines: --json has them)\n", left_out);
      i += left_out;
    }
    indented += "  " + lines[i] + '\n';
  }
  return indented;
}

// The bound that one GIL sets, beside what threads made of it.
std::string describe_ceiling(const Comparison& comparison) {
  if (!comparison.ceiling) return "";
  const auto* const threads = find_mode(comparison.modes, Mode::Threads);
  if (threads == nullptr || threads->gil != GilKind::Shared || !threads->speedup) return "";
  return fmt::format(
      "threads that share a GIL: at most {} × (time / time held, of the sequential work); they reached {} ×",
      format_ratio(*comparison.ceiling), format_ratio(threads->speedup->median));
}

}  // namespace

std::string format_ratio(double ratio) {
  return fmt::format("{:.{}f}", ratio, ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0);
}

std::string with_interval(const std::string& text, double unit, const Estimate& estimate,
                          std::size_t columns) {
  if (!estimate.low) return text;
  const auto figure = text.substr(0, text.find(' '));
  const auto point = figure.find('.');
  const int decimals = point == std::string::npos ? 0 : static_cast<int>(figure.size() - point) - 1;
  for (int left = decimals; left >= 0; --left) {
    const auto whole =
        fmt::format("{0} ({1:.{3}f}–{2:.{3}f})", text, *estimate.low / unit, *estimate.high / unit, left);
    if (count_columns(whole) <= columns) return whole;
  }
  return text + " (…)";
}

std::string format_speedup(const ModeSummary& mode, std::size_t columns) {
  if (!mode.speedup) return std::string(kUnknown);
  const auto text = format_ratio(mode.speedup->median);
  return mode.mode == Mode::Sequential ? text : with_interval(text, 1, *mode.speedup, columns);
}

std::string_view status_of(const ModeSummary& mode) {
  switch (mode.status) {
    case ModeStatus::Timeout:
      return "timeout";
    case ModeStatus::Unavailable:
      return "unavailable";
    case ModeStatus::Failed:
    case ModeStatus::Ok:
      break;
  }
  return "failed";
}

std::string paint_row(const std::string& row, Mode mode, const Comparison& comparison,
                      const TextStyle& style) {
  return paint(row, "32", comparison.verdict.best_mode == mode ? style.colour : Colour::Off) + '\n';
}

std::string format_failed_row(const ModeSummary& mode, const TextStyle& style) {
  const auto head =
      pad(name_of(mode.mode), kModeColumns) + ' ' + pad(name_of(mode.gil), kGilKindColumns) + ' ';
  const auto status = status_of(mode);
  const auto reason = shorten(first_line(describe_reason(mode)), kMaxReasonColumns);
  const auto lines = wrap(reason, style.columns - count_columns(head) - status.size() - 2);
  std::string text = fmt::format("{}{}: {}", head, paint(status, "31", style.colour), lines.front());
  for (std::size_t i = 1; i < lines.size(); ++i) {
    text += '\n' + std::string(count_columns(head) + status.size() + 2, ' ') + lines[i];
  }
  return text;
}

std::string format_failures(const Comparison& comparison) {
  std::vector<std::pair<std::string, std::string>> shown;  // text, modes
  for (const auto& mode : comparison.modes) {
    if (!mode.failure || mode.failure->traceback.empty()) continue;
    const auto same =
        std::ranges::find(shown, mode.failure->traceback, &std::pair<std::string, std::string>::first);
    if (same == shown.end()) {
      shown.emplace_back(mode.failure->traceback, name_of(mode.mode));
    } else {
      same->second += fmt::format(", {}", name_of(mode.mode));
    }
  }
  std::string text;
  for (const auto& [traceback, modes] : shown)
    text += fmt::format("\n{}:\n{}", modes, indent_lines(traceback));
  return text;
}

std::string format_notes(const Comparison& comparison, const TextStyle& style) {
  std::string text;
  if (const auto bound = describe_ceiling(comparison); !bound.empty()) append_wrapped(text, bound, style);
  for (const auto& mode : comparison.modes) {
    if (!mode.start_method.empty()) text += fmt::format("processes were started by {}\n", mode.start_method);
    if (mode.slow_modules.empty()) continue;
    append_wrapped(text,
                   fmt::format("in {} this Python silently ran the slow pure-Python version of: {}",
                               name_of(mode.mode), fmt::join(mode.slow_modules, ", ")),
                   style);
  }
  return text.empty() ? "" : "\n" + text;
}

std::string text_or_unknown(const nlohmann::ordered_json& json, const char* key) {
  return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : std::string("unknown");
}

std::string describe_tasks(const CompareContext& context) {
  std::vector<std::string> tasks;
  for (const auto& task : context.tasks) tasks.push_back(replace_controls(task));
  const bool several = context.tasks.size() > 1;
  return fmt::format("{}{}, {} worker{}, {} round{}", fmt::join(tasks, " "),
                     several ? "" : fmt::format(" × {}", context.workers), context.workers,
                     context.workers == 1 ? "" : "s", context.rounds_done,
                     context.rounds_done == 1 ? "" : "s");
}

std::string_view describe(Engine engine) noexcept {
  switch (engine) {
    case Engine::Host:
      return "its own host";
    case Engine::Package:
      return "its own gilscope";
    case Engine::Timing:
      return "timing only";
  }
  return "";
}

std::string name_python(const CompareContext& context) {
  return fmt::format("{} {}{}", context.python.value("implementation", "CPython"),
                     text_or_unknown(context.python, "version"),
                     context.python.value("free_threaded", false) ? " free-threaded" : "");
}

}  // namespace gilscope
