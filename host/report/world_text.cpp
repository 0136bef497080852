#include "report/world_text.h"

#include <algorithm>
#include <string_view>

#include <fmt/core.h>

#include "report/blame_text.h"
#include "report/export_text.h"
#include "report/lock_text.h"

namespace gilscope {
namespace {

// --json has all.
constexpr std::size_t kMostPlaces = 5;
constexpr std::size_t kMostStood = 3;

// "gc.collect, called at app.py:25 tidy".
std::string describe_cause(const WorldStopRow& row) {
  std::string text = replace_controls(row.call);
  if (row.is_collection && text != "gc.collect") text = "a collection of garbage";
  auto line = row.place ? describe_line(row.place, {*row.place}) : "where no Python code runs";
  if (text.empty()) return line;
  return text + (row.is_collection && text != "gc.collect" ? ", at " : ", called at ") + line;
}

std::string describe_stops(const WorldStopRow& row, const ProcessSummary& process) {
  auto text = describe_cause(row) + ": ";
  text += row.count == 1 ? fmt::format("once, {}", format_duration(row.max_ns))
                         : fmt::format("{} × up to {}, {} in all", row.count, format_duration(row.max_ns),
                                       format_duration(row.total_ns));
  if (row.until_stood_ns > Nanoseconds{})
    text += fmt::format(", of which {} until all stood", format_duration(row.until_stood_ns));
  return text + fmt::format("; by {}; others lost {}", name_of(process, row.max_thread),
                            format_duration(row.lost_ns));
}

std::string describe_stood(const LockWaitRow& row, const ProcessSummary& process) {
  const auto who = row.threads == 1 ? name_of(process, row.max_thread) : count_of(row.threads, "thread");
  return fmt::format("{} stood at {} for {}", who,
                     row.place ? describe_line(row.place, {*row.place}) : "a place without Python code",
                     format_duration(row.total_ns));
}

}  // namespace

std::string format_stops(const ProcessSummary& process, const TextStyle& style) {
  const auto& stops = process.stops;
  if (stops.empty()) return "";
  Nanoseconds total{};
  for (const auto& row : stops) total = add(total, row.total_ns);
  std::string text =
      paint(fmt::format("The world was stopped, for {} in all:", format_duration(total)), "1", style.colour) +
      '\n';
  for (std::size_t i = 0; i < std::min(stops.size(), kMostPlaces); ++i)
    append_entry(text, describe_stops(stops[i], process), style);
  if (stops.size() > kMostPlaces)
    text += fmt::format("  ({} places more, that took less: --json has them)\n", stops.size() - kMostPlaces);
  if (process.further_stops != 0)
    text += fmt::format("  + {} at more places than are kept\n",
                        count_of(process.further_stops, "further pause"));
  std::size_t told = 0;
  for (const auto& row : process.lock_waits) {
    if (row.is_for_world() && told++ < kMostStood) append_entry(text, describe_stood(row, process), style);
  }
  return text;
}

std::string describe_world_stops(const RunFinding& finding, const ProcessSummary* process) {
  const auto kind = finding.work ? finding.work->kind : WorkKind::Call;
  const auto line = describe_line(finding.place, finding.stack);
  const auto at = line.empty() ? std::string() : " at " + line;
  const auto who = process == nullptr || !finding.culprit ? "a thread" : name_of(*process, *finding.culprit);
  const auto name = finding.work ? replace_controls(finding.work->name) : std::string();
  const auto cause = kind == WorkKind::Collection ? "the garbage collector"
                     : kind == WorkKind::Collect  ? fmt::format("{}'s gc.collect(){}", who, at)
                     : name.empty()               ? who + at
                                                  : fmt::format("{}'s call of {}{}", who, name, at);
  const bool collects = kind != WorkKind::Call;
  return fmt::format("{}{} stopped all threads {}{}: others lost {}{}; {}", cause,
                     describe_processes(finding),
                     finding.count == 1 ? "once, for " : fmt::format("{} × up to ", finding.count),
                     format_duration(finding.longest), format_duration(finding.lost),
                     describe_crowd(finding, process, finding.lost),
                     collects ? "gc.freeze() what stays, have fewer cycles, or collect less often" +
                                    std::string(kind == WorkKind::Collection ? " (gc.set_threshold)" : "")
                              : "do that less often");
}

std::string describe_gil_import(const RunFinding& finding, const ProcessSummary* process) {
  const auto line = describe_line(finding.place, finding.stack);
  const auto after = process == nullptr || finding.processes > 1 || !finding.since
                         ? std::string()
                         : fmt::format(" after {}", format_duration(*finding.since));
  const auto module = finding.module.empty() ? std::string("a module") : replace_controls(finding.module);
  return fmt::format(
      "the import of {}{} turned the GIL on{}{}: threads run one at a time since; take a version of it that "
      "needs none, or PYTHON_GIL=0 at your own risk",
      module, line.empty() ? "" : " at " + line, after, describe_processes(finding));
}

}  // namespace gilscope
