// The table of a comparison, and the notes under it.
#include <algorithm>
#include <array>
#include <sstream>

#include <fmt/ranges.h>
#include <spdlog/fmt/fmt.h>

#include "report/compare_report.h"
#include "report/table.h"

namespace gilscope {
namespace {

// With one blank between them: 100 columns.
constexpr std::array kColumns{
    Column{"mode", 15, Align::Left},         Column{"GIL", 6, Align::Left},
    Column{"work (95 %)", 19, Align::Right}, Column{"speed-up (95 %)", 16, Align::Right},
    Column{"set-up", 7, Align::Right},       Column{"CPU", 7, Align::Right},
    Column{"memory", 8, Align::Right},       Column{"conc.", 5, Align::Right},
    Column{"par.", 4, Align::Right},         Column{"same", 4, Align::Right}};

using Row = std::array<std::string, kColumns.size()>;

// Of the table of the GIL, below it.
constexpr std::array kGilColumns{Column{"the GIL", kColumns[0].columns, Align::Left},
                                 Column{"", kColumns[1].columns, Align::Left},
                                 Column{"holds", 10, Align::Right},
                                 Column{"held", 7, Align::Right},
                                 Column{"waits", 9, Align::Right},
                                 Column{"waited", 7, Align::Right},
                                 Column{"forced", 8, Align::Right},
                                 Column{"hand-offs/s", 11, Align::Right}};

constexpr std::string_view kUnknown = "-";
constexpr std::size_t kMaxFailureLines = 20;
constexpr std::size_t kMaxFailureColumns = 500;  // of one of these lines
constexpr std::size_t kMaxReasonColumns = 300;

// "0.98", "12.3", "1024".
std::string format_ratio(double ratio) {
  return fmt::format("{:.{}f}", ratio, ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0);
}

// `figure` begins `text`, and its interval follows it in the same unit, with as many decimals as the figure
// has or, of an uncommonly wide one, as the column has room for: "1.23 s (1.20–1.30)".
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

std::string format_work(const Estimate& work) {
  const auto text = format_duration(work.median);
  return with_interval(text, duration_unit(work.median), work, kColumns[2].columns);
}

std::string format_speedup(const std::optional<Estimate>& speedup, Mode mode) {
  if (!speedup) return std::string(kUnknown);
  const auto text = format_ratio(speedup->median);
  return mode == Mode::Sequential ? text : with_interval(text, 1, *speedup, kColumns[3].columns);
}

std::string format_equal(const std::optional<bool>& equal) {
  return std::string(!equal ? kUnknown : *equal ? "yes" : "NO");
}

Row row_of(const ModeSummary& mode) {
  return {std::string(name_of(mode.mode)),
          std::string(name_of(mode.gil)),
          format_work(*mode.work_ns),
          format_speedup(mode.speedup, mode.mode),
          format_duration(mode.setup_ns->median),
          format_duration(*mode.cpu_ns),
          mode.max_rss_bytes ? format_bytes(*mode.max_rss_bytes) : std::string(kUnknown),
          format_ratio(*mode.concurrency),
          format_ratio(*mode.parallelism),
          format_equal(mode.results_equal)};
}

std::string first_line(const std::string& text) { return replace_controls(text.substr(0, text.find('\n'))); }

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

// A row without figures: the status, and why, over the rest of the line.
std::string format_failed_row(const ModeSummary& mode, const TextStyle& style) {
  const auto head =
      pad(name_of(mode.mode), kColumns[0].columns) + ' ' + pad(name_of(mode.gil), kColumns[1].columns) + ' ';
  const auto status = status_of(mode);
  const auto reason = shorten(first_line(describe_reason(mode)), kMaxReasonColumns);
  const auto lines = wrap(reason, style.columns - count_columns(head) - status.size() - 2);
  std::string text = fmt::format("{}{}: {}", head, paint(status, "31", style.colour), lines.front());
  for (std::size_t i = 1; i < lines.size(); ++i) {
    text += '\n' + std::string(count_columns(head) + status.size() + 2, ' ') + lines[i];
  }
  return text;
}

void append_wrapped(std::string& text, const std::string& note, const TextStyle& style) {
  for (const auto& line : wrap(note, style.columns)) text += line + '\n';
}

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

// Tracebacks and last words, the same ones of several modes once.
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

// The row of the best mode is green in either table.
std::string paint_row(const std::string& row, Mode mode, const Comparison& comparison,
                      const TextStyle& style) {
  return paint(row, "32", comparison.verdict.best_mode == mode ? style.colour : Colour::Off) + '\n';
}

// What the GIL did during the work, a row for each mode that was traced; "" where none was.
std::string format_gil_table(const Comparison& comparison, const TextStyle& style) {
  std::string rows;
  for (const auto& mode : comparison.modes) {
    if (!mode.gil_figures) continue;
    const auto& figures = *mode.gil_figures;
    const std::array<std::string, kGilColumns.size()> row{
        std::string(name_of(mode.mode)),       std::string(name_of(mode.gil)),
        fmt::format("{:.0f}", figures.holds),  format_share(figures.hold_share),
        fmt::format("{:.0f}", figures.waits),  format_share(figures.wait_share),
        fmt::format("{:.0f}", figures.forced), format_figure(figures.handoffs_per_s)};
    rows += paint_row(format_row(kGilColumns, row), mode.mode, comparison, style);
  }
  return rows.empty() ? "" : '\n' + paint(format_titles(kGilColumns), "1", style.colour) + '\n' + rows;
}

// The bound that one GIL sets, beside what threads made of it.
std::string describe_ceiling(const Comparison& comparison) {
  if (!comparison.ceiling) return "";
  const auto threads = std::ranges::find(comparison.modes, Mode::Threads, &ModeSummary::mode);
  if (threads == comparison.modes.end() || threads->gil != GilKind::Shared || !threads->speedup) return "";
  return fmt::format(
      "threads that share a GIL: at most {} × (time / time held, of the sequential work); they reached {} ×",
      format_ratio(*comparison.ceiling), format_ratio(threads->speedup->median));
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

std::string format_heading(const CompareContext& context, const TextStyle& style) {
  const auto text_of = [](const nlohmann::ordered_json& json, const char* key) {
    return json.contains(key) && json[key].is_string() ? json[key].get<std::string>()
                                                       : std::string("unknown");
  };
  std::vector<std::string> tasks;
  for (const auto& task : context.tasks) tasks.push_back(replace_controls(task));
  const bool several = context.tasks.size() > 1;
  const auto free_threaded = context.python.value("free_threaded", false) ? " free-threaded" : "";
  std::string text;
  append_wrapped(
      text,
      fmt::format("{}{}, {} worker{}, {} round{}, CPython {}{} ({} libpython)", fmt::join(tasks, " "),
                  several ? "" : fmt::format(" × {}", context.workers), context.workers,
                  context.workers == 1 ? "" : "s", context.rounds_done, context.rounds_done == 1 ? "" : "s",
                  text_of(context.python, "version"), free_threaded, text_of(context.python, "linkage")),
      style);
  return text;
}

}  // namespace

std::string format_comparison(const Comparison& comparison, const CompareContext& context,
                              const TextStyle& style) {
  std::string text = format_heading(context, style) + '\n';
  text += paint(format_titles(kColumns), "1", style.colour) + '\n';
  for (const auto& mode : comparison.modes) {
    if (mode.status != ModeStatus::Ok) {
      text += format_failed_row(mode, style) + '\n';
    } else {
      text += paint_row(format_row(kColumns, row_of(mode)), mode.mode, comparison, style);
    }
  }
  text += format_gil_table(comparison, style);
  text += format_notes(comparison, style) + format_failures(comparison) + '\n';
  append_wrapped(text, describe_verdict(comparison), style);
  return text;
}

}  // namespace gilscope
