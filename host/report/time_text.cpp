#include "report/time_text.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <vector>

#include <fmt/core.h>

#include "analysis/name_family.h"
#include "report/blame_text.h"
#include "report/export_text.h"
#include "report/table.h"

namespace gilscope {
namespace {

// With one blank between them: 88 columns.
constexpr std::array kTable{Column{"thread", 20, Align::Left},   Column{"life", 7, Align::Right},
                            Column{"Python", 7, Align::Right},   Column{"native", 7, Align::Right},
                            Column{"for GIL", 7, Align::Right},  Column{"for locks", 9, Align::Right},
                            Column{"for work", 8, Align::Right}, Column{"no CPU", 7, Align::Right},
                            Column{"asleep", 7, Align::Right}};

// Who did and waited most come first; --json has all.
constexpr std::size_t kMostThreads = 20;

void add_to(std::optional<Nanoseconds>& sum, const std::optional<Nanoseconds>& part) {
  if (!part) sum.reset();
  if (sum) sum = add(*sum, *part);
}

void add_to(ThreadTimes& sum, const ThreadTimes& part) {
  sum.folded += std::max<std::uint64_t>(part.folded, 1);
  sum.life = add(sum.life, part.life);
  sum.python = add(sum.python, part.python);
  sum.for_gil = add(sum.for_gil, part.for_gil);
  sum.asleep = add(sum.asleep, part.asleep);
  add_to(sum.for_turn, part.for_turn);
  add_to(sum.for_work, part.for_work);
  add_to(sum.native, part.native);
  add_to(sum.no_cpu, part.no_cpu);
}

// Threads whose names differ in their numbers alone are one row, where there are more of them than fit.
std::vector<ThreadTimes> arrange(const std::vector<ThreadTimes>& threads) {
  std::map<std::string, std::size_t> sizes;
  for (const auto& thread : threads) ++sizes[name_family(thread.name)];
  std::vector<ThreadTimes> rows;
  std::map<std::string, std::size_t> places;
  for (const auto& thread : threads) {
    const auto family = name_family(thread.name);
    if (thread.name.empty() || sizes[family] <= kMostThreads) {
      rows.push_back(thread);
      continue;
    }
    const auto [place, is_first] = places.try_emplace(family, rows.size());
    if (is_first) {
      rows.push_back(thread);
      rows.back().name = family;
      rows.back().folded = std::max<std::uint64_t>(thread.folded, 1);
    } else {
      add_to(rows[place->second], thread);
    }
  }
  return rows;
}

std::array<std::string, kTable.size()> row_of(const ThreadTimes& thread) {
  const auto share = [&](const std::optional<Nanoseconds>& part) {
    const auto of_life = part ? share_of(*part, thread.life) : std::nullopt;
    return of_life ? format_share(*of_life) : std::string(kUnknown);
  };
  const auto name = replace_controls(describe_thread(thread.thread, thread.name));
  return {shorten(name, kTable[0].columns),
          format_duration(thread.life),
          share(thread.python),
          share(thread.native),
          share(thread.for_gil),
          share(thread.for_turn),
          share(thread.for_work),
          share(thread.no_cpu),
          share(thread.asleep)};
}

}  // namespace

std::string format_thread_times(const ProcessSummary& process, const TextStyle& style) {
  if (process.thread_times.empty()) return "";
  std::string text = "Where the time of each thread went:\n";
  text += paint(format_titles(kTable), "1", style.colour) + '\n';
  const auto rows = arrange(process.thread_times);
  for (const auto& row : std::span(rows).first(std::min(rows.size(), kMostThreads))) {
    text += format_row(kTable, row_of(row)) + '\n';
  }
  if (rows.size() > kMostThreads)
    text += fmt::format("({} more threads, less busy: --json has them)\n", rows.size() - kMostThreads);
  return text;
}

}  // namespace gilscope
