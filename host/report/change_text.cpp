// What changed from one capture to another as text: the verdict, then a table of all, and one of each
// process.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/core.h>

#include "report/change_report.h"
#include "report/table.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

constexpr std::array kTotals{Column{"", 12, Align::Left}, Column{"before", 10, Align::Right},
                             Column{"after", 10, Align::Right}, Column{"change", 12, Align::Right}};

// With one blank between them: 96 columns.
constexpr std::array kChangeTable{Column{"thread", 20, Align::Left}, Column{"waited", 19, Align::Right},
                                  Column{"", 7, Align::Right},       Column{"held", 19, Align::Right},
                                  Column{"", 7, Align::Right},       Column{"forced", 19, Align::Right}};

using TotalRow = std::array<std::string, kTotals.size()>;
using ChangeRow = std::array<std::string, kChangeTable.size()>;

// Those that changed most come first; --json has all.
constexpr std::size_t kMaxRows = 20;

std::string value_of(std::optional<double> value, FigureUnit unit) {
  if (!value) return "-";
  switch (unit) {
    case FigureUnit::Time:
      return format_duration(*value);
    case FigureUnit::Share:
      return format_share(*value);
    case FigureUnit::Count:
      break;
  }
  return fmt::format("{:.0f}", *value);
}

std::string_view sign_of(double value) { return value < 0 ? "-" : "+"; }

std::string change_of(const FigureChange& figure) {
  const auto difference = figure.difference();
  if (!difference) return figure.after ? "new" : figure.before ? "gone" : "";
  if (*difference == 0) return "=";
  if (figure.unit == FigureUnit::Share) {
    const double points = 100 * std::abs(*difference);
    return fmt::format("{}{:.{}f} points", sign_of(*difference), points, points < 9.95 ? 1 : 0);
  }
  const auto growth = figure.growth();
  return growth ? fmt::format("{}{}", sign_of(*growth), format_share(std::abs(*growth))) : "new";
}

std::string_view title_of(std::string_view figure) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kTitles{
      {{"wall_ns", "wall time"},
       {"cpu_ns", "CPU time"},
       {"wait_share", "wait share"},
       {"wait_ns", "waited"},
       {"waits", "waits"},
       {"hold_ns", "held"},
       {"holds", "holds"},
       {"forced", "forced"},
       {"handoffs", "hand-offs"}}};
  return std::ranges::find(kTitles, figure, [](const auto& title) { return title.first; })->second;
}

std::string format_totals(const FigureChanges& figures, const TextStyle& style) {
  std::string text = paint(format_titles(kTotals), "1", style.colour) + '\n';
  for (const auto& figure : figures) {
    const TotalRow row{std::string(title_of(figure.name)), value_of(figure.before, figure.unit),
                       value_of(figure.after, figure.unit), change_of(figure)};
    text += format_row(kTotals, row) + '\n';
  }
  return text;
}

std::string both_of(const FigureChange& figure) {
  return fmt::format("{} → {}", value_of(figure.before, figure.unit), value_of(figure.after, figure.unit));
}

ChangeRow row_of(const std::string& name, const FigureChanges& figures) {
  const auto& waited = find_figure(figures, "wait_ns");
  const auto& held = find_figure(figures, "hold_ns");
  return {shorten(name, kChangeTable[0].columns),
          both_of(waited),
          change_of(waited),
          both_of(held),
          change_of(held),
          both_of(find_figure(figures, "forced"))};
}

double size_of(const FigureChanges& figures) {
  double size = 0;
  for (const auto* const name : {"wait_ns", "hold_ns"}) {
    const auto& figure = find_figure(figures, name);
    size += std::abs(figure.after.value_or(0) - figure.before.value_or(0));
  }
  return size;
}

std::string format_rows(std::vector<std::pair<std::string, const FigureChanges*>> rows,
                        std::string_view noun) {
  sort_stably(rows, [](const auto& left, const auto& right) {
    return size_of(*left.second) > size_of(*right.second);
  });
  std::string text;
  for (std::size_t i = 0; i < std::min(rows.size(), kMaxRows); ++i) {
    text += format_row(kChangeTable, row_of(rows[i].first, *rows[i].second)) + '\n';
  }
  if (rows.size() > kMaxRows) {
    text += fmt::format("({} more {}, that changed less: --json has them)\n", rows.size() - kMaxRows, noun);
  }
  return text;
}

// The name that both have stands behind the second.
std::string describe_change(const ProcessChange& process) {
  const auto side = [](std::optional<std::int64_t> pid, const std::string& name) {
    return pid ? fmt::format("{}{}", *pid, describe_name(name)) : "-";
  };
  const auto& wall = find_figure(process.figures, "wall_ns");
  const bool is_alike = process.before_name == process.after_name;
  return fmt::format("process {} → {}{}: {} ({})",
                     side(process.before_pid, is_alike ? "" : process.before_name),
                     side(process.after_pid, process.after_name), describe_role(process.role), both_of(wall),
                     change_of(wall));
}

std::string format_process(const ProcessChange& process, const TextStyle& style) {
  std::string text;
  append_wrapped(text, describe_change(process), style);
  text += paint(format_titles(kChangeTable), "1", style.colour) + '\n';
  std::vector<std::pair<std::string, const FigureChanges*>> gils;
  for (const auto& gil : process.gils) {
    gils.emplace_back(fmt::format("(all of GIL {})", static_cast<std::uint32_t>(gil.id)), &gil.figures);
  }
  std::vector<std::pair<std::string, const FigureChanges*>> threads;
  for (const auto& thread : process.threads) {
    threads.emplace_back(thread.name.empty() ? "(without a name)" : replace_controls(thread.name),
                         &thread.figures);
  }
  if (gils.size() > 1) text += format_rows(std::move(gils), "GILs");
  return text + format_rows(std::move(threads), "threads");
}

std::string describe_gaps(const ChangeReport& report) {
  const bool is_before_whole = is_whole(report.before);
  const bool is_after_whole = is_whole(report.after);
  if (is_before_whole && is_after_whole) return {};
  const auto* const which = is_before_whole  ? "The second capture is"
                            : is_after_whole ? "The first capture is"
                                             : "Both captures are";
  return fmt::format("{} not whole: figures are too low. gilscope report says of each what is missing.",
                     which);
}

}  // namespace

std::string describe_change(const RunChange& change) {
  const auto& waited = find_figure(change.total, "wait_ns");
  const auto after = format_duration(*waited.after);
  const auto before = format_duration(*waited.before);
  if (*waited.before == 0) {
    return *waited.after == 0 ? "no thread waited for the GIL, neither before nor after"
                              : fmt::format("threads waited {} for the GIL; before, none did", after);
  }
  const auto growth = *waited.growth();
  if (std::abs(growth) < 0.005) return fmt::format("threads waited as long for the GIL as before: {}", after);
  return fmt::format("threads waited {} {} for the GIL: {}; before, it was {}",
                     format_share(std::abs(growth)), growth < 0 ? "less" : "longer", after, before);
}

std::string describe_answer(const WorseningAnswer& answer) {
  const auto allowed = fmt::format("{:g} %", 100 * answer.allowed);  // as it was asked for
  switch (answer.worsening) {
    case Worsening::None:
      return fmt::format("Not worse: the waiting did not grow by more than {}.", allowed);
    case Worsening::Small:
      return fmt::format(
          "Not worse: the waiting grew by more than {}, but by less than {} of the time that the run took.",
          allowed, format_share(kLeastGrowth));
    case Worsening::Worse:
      break;
  }
  return fmt::format("WORSE: the waiting grew by more than {}.", allowed);
}

std::string format_change(const ChangeReport& report, const TextStyle& style) {
  std::string text = "before: " + format_capture_heading(report.before_context, report.before);
  text.pop_back();
  text += "after:  " + format_capture_heading(report.after_context, report.after);
  const auto& waited = find_figure(report.change.total, "wait_ns");
  append_wrapped(text, "gilscope: " + describe_change(report.change), style,
                 *waited.after > *waited.before ? "33" : "32");
  text += '\n' + format_totals(report.change.total, style);
  const auto& processes = report.change.processes;
  for (std::size_t i = 0; i < std::min(processes.size(), kShownProcesses); ++i) {
    text += '\n' + format_process(processes[i], style);
  }
  if (processes.size() > kShownProcesses) {
    text += fmt::format("\n({} more processes: --json has them)\n", processes.size() - kShownProcesses);
  }
  const auto gaps = describe_gaps(report);
  if (!gaps.empty() || report.answer) text += '\n';
  if (!gaps.empty()) append_wrapped(text, gaps, style, "33");
  if (report.answer) append_wrapped(text, describe_answer(*report.answer), style);
  return text;
}

}  // namespace gilscope
