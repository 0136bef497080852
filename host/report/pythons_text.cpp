// Several Pythons side by side: as many as a line has room for, the others below.
#include <algorithm>
#include <span>

#include <fmt/core.h>

#include "report/compare_parts.h"
#include "report/pythons_report.h"
#include "report/worker_time_text.h"

namespace gilscope {
namespace {

constexpr std::size_t kWorkColumns = 9;
constexpr std::size_t kSpeedupColumns = 16;
constexpr std::size_t kPythonColumns = kWorkColumns + 1 + kSpeedupColumns;
constexpr const char* kRatioTitle = "seq. time / 1's";

struct Numbered {
  std::size_t number;  // from 1
  const PythonComparison* python;
};

using Block = std::span<const Numbered>;

// "3.13.5t".
std::string short_version(const CompareContext& context) {
  const auto implementation = context.python.value("implementation", "CPython");
  return (implementation == "CPython" ? "" : implementation + " ") +
         text_or_unknown(context.python, "version") +
         (context.python.value("free_threaded", false) ? "t" : "");
}

std::string cell(std::string_view work, std::string_view speedup) {
  return ' ' + pad(work, kWorkColumns, Align::Right) + ' ' + pad(speedup, kSpeedupColumns, Align::Right);
}

std::string mode_cell(const Comparison& comparison, std::size_t row, const TextStyle& style) {
  const auto& mode = comparison.modes[row];
  if (mode.status != ModeStatus::Ok)
    return ' ' + paint(pad(status_of(mode), kPythonColumns, Align::Right), "31", style.colour);
  const auto text = cell(format_duration(mode.work_ns->median), format_speedup(mode, kSpeedupColumns));
  return paint(text, "32", comparison.verdict.best_mode == mode.mode ? style.colour : Colour::Off);
}

std::string ratio_cell(const PythonComparison& python, const PythonComparison& first) {
  const auto ratio = sequential_ratio(python.comparison, first.comparison);
  if (!ratio) return cell(kUnknown, "");
  const auto text = format_ratio(ratio->median);
  const auto whole = &python == &first ? text : with_interval(text, 1, *ratio, kSpeedupColumns);
  return cell(text, whole.substr(std::min(whole.size(), text.size() + 1)));
}

std::string trimmed(const std::string& line) { return line.substr(0, line.find_last_not_of(' ') + 1) + '\n'; }

std::string format_block(Block block, const PythonComparison& first, const TextStyle& style) {
  std::string names(kModeColumns, ' ');
  std::string titles = pad("mode", kModeColumns);
  std::string ratios = pad(kRatioTitle, kModeColumns);
  for (const auto& [number, python] : block) {
    const auto name =
        fmt::format("{}: {}, {}", number, short_version(python->context), describe(python->context.engine));
    names += ' ' + pad(shorten(name, kPythonColumns), kPythonColumns, Align::Right);
    titles += cell("work", "speed-up (95 %)");
    ratios += ratio_cell(*python, first);
  }
  std::string text = paint(names, "1", style.colour) + '\n' + paint(titles, "1", style.colour) + '\n';
  const auto& modes = first.comparison.modes;
  for (std::size_t row = 0; row < modes.size(); ++row) {
    text += pad(name_of(modes[row].mode), kModeColumns);
    for (const auto& [number, python] : block) text += mode_cell(python->comparison, row, style);
    text += '\n';
  }
  return text + trimmed(ratios);
}

std::string format_legend(const std::vector<Numbered>& pythons, const TextStyle& style) {
  std::string text;
  for (const auto& [number, python] : pythons) {
    append_wrapped(text,
                   fmt::format("{}: {}, {}: {}", number, name_python(python->context),
                               describe(python->context.engine), replace_controls(python->path)),
                   style);
  }
  const auto has = [&](Engine engine) {
    return std::ranges::any_of(pythons,
                               [&](const auto& each) { return each.python->context.engine == engine; });
  };
  if (!has(Engine::Timing)) return text;
  append_wrapped(text,
                 "timing only: run by the stock Python itself, of whose GIL nothing is known; "
                 "`PYTHON=PATH make build` makes a host for it",
                 style);
  if (has(Engine::Host)) {  // docs/decisions/0002-static-libpython.md
    append_wrapped(
        text,
        "(a host may run the same code a fifth faster or slower than the stock Python that it embeds: "
        "beside one that is timed only, compare speed-ups rather than times)",
        style);
  }
  return text;
}

std::string format_section(const Numbered& numbered, const TextStyle& style) {
  const auto& [path, comparison, context] = *numbered.python;
  std::string text =
      '\n' + paint(fmt::format("{}: {}", numbered.number, name_python(context)), "1", style.colour) + '\n';
  for (const auto& mode : comparison.modes) {
    if (mode.status != ModeStatus::Ok) text += format_failed_row(mode, style) + '\n';
  }
  // Without the lines that part them from a table.
  for (const auto& part : {format_worker_times(comparison, style), format_notes(comparison, style)})
    text += part.substr(std::min<std::size_t>(part.size(), 1));
  const auto failures = format_failures(comparison);
  text += failures + (failures.empty() ? "" : "\n");
  append_wrapped(text, describe_verdict(comparison), style);
  return text;
}

// What each lost against ideal scaling, side by side.
std::string format_losses(const std::vector<PythonComparison>& pythons, const TextStyle& style) {
  const auto lines = list_lost_time(pythons);
  if (lines.empty()) return "";
  std::string text = '\n' + paint("of the workers' time, against ideal scaling", "1", style.colour) + '\n';
  for (const auto& line : lines) append_wrapped(text, line, style);
  return text;
}

}  // namespace

std::string format_pythons(const std::vector<PythonComparison>& pythons, const TextStyle& style) {
  std::vector<Numbered> numbered;
  for (const auto& python : pythons) numbered.push_back({numbered.size() + 1, &python});
  std::string text;
  append_wrapped(text, describe_tasks(pythons.front().context), style);
  text += '\n' + format_legend(numbered, style);
  const auto in_a_row = std::max<std::size_t>(1, (style.columns - kModeColumns) / (kPythonColumns + 1));
  for (Block left = numbered; !left.empty();) {
    const auto block = left.first(std::min(left.size(), in_a_row));
    text += '\n' + format_block(block, pythons.front(), style);
    left = left.subspan(block.size());
  }
  for (const auto& each : numbered) text += format_section(each, style);
  return text + format_losses(pythons, style);
}

}  // namespace gilscope
