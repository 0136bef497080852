// The table of a comparison, and the notes under it.
#include <array>

#include <fmt/core.h>

#include "report/compare_parts.h"
#include "report/compare_report.h"
#include "report/table.h"
#include "report/worker_time_text.h"

namespace gilscope {
namespace {

// With one blank between them: 100 columns.
constexpr std::array kModeTable{
    Column{"mode", kModeColumns, Align::Left}, Column{"GIL", kGilKindColumns, Align::Left},
    Column{"work (95 %)", 19, Align::Right},   Column{"speed-up (95 %)", 16, Align::Right},
    Column{"set-up", 7, Align::Right},         Column{"CPU", 7, Align::Right},
    Column{"memory", 8, Align::Right},         Column{"conc.", 5, Align::Right},
    Column{"par.", 4, Align::Right},           Column{"same", 4, Align::Right}};

using CompareRow = std::array<std::string, kModeTable.size()>;

// Of the table of the GIL, below it.
constexpr std::array kGilColumns{Column{"the GIL", kModeTable[0].columns, Align::Left},
                                 Column{"", kModeTable[1].columns, Align::Left},
                                 Column{"holds", 10, Align::Right},
                                 Column{"held", 7, Align::Right},
                                 Column{"waits", 9, Align::Right},
                                 Column{"waited", 7, Align::Right},
                                 Column{"forced", 8, Align::Right},
                                 Column{"hand-offs/s", 11, Align::Right}};

std::string format_work(const Estimate& work) {
  const auto text = format_duration(work.median);
  return with_interval(text, duration_unit(work.median), work, kModeTable[2].columns);
}

std::string format_equal(const std::optional<bool>& equal) {
  return std::string(!equal ? kUnknown : *equal ? "yes" : "NO");
}

CompareRow row_of(const ModeSummary& mode) {
  return {std::string(name_of(mode.mode)),
          std::string(name_of(mode.gil)),
          format_work(*mode.work_ns),
          format_speedup(mode, kModeTable[3].columns),
          format_duration(mode.setup_ns->median),
          format_duration(*mode.cpu_ns),
          mode.max_rss_bytes ? format_bytes(*mode.max_rss_bytes) : std::string(kUnknown),
          format_ratio(*mode.concurrency),
          format_ratio(*mode.parallelism),
          format_equal(mode.results_equal)};
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

std::string describe_engine(const CompareContext& context) {
  if (context.engine != Engine::Host) return std::string(describe(context.engine));
  return text_or_unknown(context.python, "linkage") + " libpython";
}

}  // namespace

std::string format_comparison(const Comparison& comparison, const CompareContext& context,
                              const TextStyle& style) {
  std::string text;
  append_wrapped(
      text,
      fmt::format("{}, {} ({})", describe_tasks(context), name_python(context), describe_engine(context)),
      style);
  text += '\n';
  text += paint(format_titles(kModeTable), "1", style.colour) + '\n';
  for (const auto& mode : comparison.modes) {
    if (mode.status != ModeStatus::Ok) {
      text += format_failed_row(mode, style) + '\n';
    } else {
      text += paint_row(format_row(kModeTable, row_of(mode)), mode.mode, comparison, style);
    }
  }
  text += format_gil_table(comparison, style) + format_worker_times(comparison, style);
  text += format_notes(comparison, style) + format_failures(comparison) + '\n';
  append_wrapped(text, describe_verdict(comparison), style);
  return text;
}

}  // namespace gilscope
