#include "report/worker_time_text.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/ranges.h>

#include "report/compare_parts.h"
#include "report/compare_report.h"
#include "report/table.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

constexpr std::array kColumns{Column{"workers' time", kModeColumns, Align::Left},
                              Column{"", kGilKindColumns, Align::Left},
                              Column{"all", 7, Align::Right},
                              Column{"as alone", 8, Align::Right},
                              Column{"for GIL", 7, Align::Right},
                              Column{"for locks", 9, Align::Right},
                              Column{"stopped", 7, Align::Right},
                              Column{"no CPU", 7, Align::Right},
                              Column{"no task", 7, Align::Right},
                              Column{"the rest", 8, Align::Right}};

std::string format_part(const WorkerTime& time, double part) {
  const double share = time.share(part);
  return share < 0 ? "-" + format_share(-share) : format_share(share);
}

std::string format_part(const WorkerTime& time, const std::optional<double>& part) {
  return part ? format_part(time, *part) : std::string(kUnknown);
}

struct LostPart {
  double time;
  std::string_view name;
};

// What was lost, by what it was lost to; the most first.
std::vector<LostPart> ranked(std::vector<LostPart> parts) {
  sort_stably(parts, [](const LostPart& left, const LostPart& right) { return left.time > right.time; });
  return parts;
}

// Parts of less than that are not worth a word.
std::string describe_lost(const WorkerTime& time) {
  constexpr double kLeast = 0.01;
  const auto parts = ranked({{time.for_gil.value_or(0), "the GIL"},
                             {time.for_locks.value_or(0), "locks"},
                             {time.stopped.value_or(0), "a stopped world"},
                             {time.no_cpu.value_or(0), "no CPU"},
                             {time.no_task, "no task"},
                             {time.rest, time.for_gil ? "the rest" : "not traced"}});
  std::vector<std::string> words;
  for (const auto& [part, name] : parts) {
    if (time.share(part) >= kLeast) words.push_back(fmt::format("{} {}", name, format_part(time, part)));
  }
  const double lost = time.whole - time.alone;
  if (time.share(lost) < kLeast) return "nothing";
  return fmt::format("{} ({})", format_part(time, lost), fmt::join(words, ", "));
}

}  // namespace

std::string format_worker_times(const Comparison& comparison, const TextStyle& style) {
  std::string rows;
  for (const auto& mode : comparison.modes) {
    if (!mode.worker_time) continue;
    const auto& time = *mode.worker_time;
    const std::array<std::string, kColumns.size()> row{
        std::string(name_of(mode.mode)), std::string(name_of(mode.gil)),  format_duration(time.whole),
        format_part(time, time.alone),   format_part(time, time.for_gil), format_part(time, time.for_locks),
        format_part(time, time.stopped), format_part(time, time.no_cpu),  format_part(time, time.no_task),
        format_part(time, time.rest)};
    rows += paint_row(format_row(kColumns, row), mode.mode, comparison, style);
  }
  return rows.empty() ? "" : '\n' + paint(format_titles(kColumns), "1", style.colour) + '\n' + rows;
}

std::string describe_main_wait(const WorkerTime& time) {
  constexpr double kLeast = 0.1;
  const auto most = ranked({{time.for_gil.value_or(0), "for the GIL"},
                            {time.for_locks.value_or(0), "for locks"},
                            {time.stopped.value_or(0), "for a stopped world"},
                            {time.no_cpu.value_or(0), "for a CPU"}})
                        .front();
  return time.share(most.time) < kLeast
             ? ""
             : fmt::format("waiting {} {}", most.name, format_part(time, most.time));
}

std::vector<std::string> list_lost_time(const std::vector<PythonComparison>& pythons) {
  std::vector<std::string> lines;
  for (const auto mode : kModes) {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < pythons.size(); ++i) {
      const auto* const found = find_mode(pythons[i].comparison.modes, mode);
      if (found != nullptr && found->worker_time)
        words.push_back(fmt::format("{} lost {}", i + 1, describe_lost(*found->worker_time)));
    }
    if (words.size() >= 2) lines.push_back(fmt::format("{}: {}", name_of(mode), fmt::join(words, "; ")));
  }
  return lines;
}

}  // namespace gilscope
