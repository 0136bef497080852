#include "report/time_text.h"

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include <fmt/core.h>

#include "analysis/name_family.h"
#include "report/blame_text.h"
#include "report/export_text.h"
#include "report/table.h"

namespace gilscope {
namespace {

// A column, and what it has of a thread.
struct Part {
  Column column;
  std::optional<Nanoseconds> (*of)(const ThreadTimes&);
};

// With one blank between them, all but one: 88 columns.
constexpr Column kThread{"thread", 20, Align::Left};
constexpr Column kLife{"life", 7, Align::Right};
constexpr Part kPython{{"Python", 7, Align::Right},
                       [](const auto& thread) { return std::optional(thread.python); }};
constexpr Part kOnCpu{{"on CPU", 7, Align::Right}, kPython.of};
constexpr Part kNative{{"native", 7, Align::Right}, [](const auto& thread) { return thread.native; }};
constexpr Part kForGil{{"for GIL", 7, Align::Right},
                       [](const auto& thread) { return std::optional(thread.for_gil); }};
constexpr Part kForLocks{{"for locks", 9, Align::Right}, [](const auto& thread) { return thread.for_turn; }};
constexpr Part kForWork{{"for work", 8, Align::Right}, [](const auto& thread) { return thread.for_work; }};
constexpr Part kStopped{{"stopped", 7, Align::Right}, [](const auto& thread) { return thread.stopped; }};
constexpr Part kNoCpu{{"no CPU", 7, Align::Right}, [](const auto& thread) { return thread.no_cpu; }};
constexpr Part kAsleep{{"asleep", 7, Align::Right},
                       [](const auto& thread) { return std::optional(thread.asleep); }};

// Those that there are: of a process without a GIL, and of a world that somebody stopped.
std::vector<Part> parts_of(const ProcessSummary& process) {
  const bool has_gil = !process.gils.empty() || !process.threads.empty();
  const bool was_stopped = std::ranges::any_of(process.thread_times, [](const ThreadTimes& thread) {
    return thread.stopped.value_or(Nanoseconds{}) > Nanoseconds{};
  });
  std::vector<Part> parts = has_gil ? std::vector{kPython, kNative, kForGil, kForLocks, kForWork}
                                    : std::vector{kOnCpu, kForLocks, kForWork};
  if (was_stopped) parts.push_back(kStopped);
  parts.insert(parts.end(), {kNoCpu, kAsleep});
  return parts;
}

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
  add_to(sum.stopped, part.stopped);
  add_to(sum.native, part.native);
  add_to(sum.no_cpu, part.no_cpu);
}

std::vector<std::string> row_of(const ThreadTimes& thread, std::span<const Part> parts) {
  std::vector<std::string> row{shorten(name_of(thread), kThread.columns), format_duration(thread.life)};
  for (const Part& part : parts) {
    const auto time = part.of(thread);
    const auto of_life = time ? share_of(*time, thread.life) : std::nullopt;
    row.push_back(of_life ? format_share(*of_life) : std::string(kUnknown));
  }
  return row;
}

}  // namespace

std::vector<ThreadTimes> arrange_thread_times(const std::vector<ThreadTimes>& threads) {
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

std::string name_of(const ThreadTimes& row) {
  return replace_controls(describe_thread(row.thread, row.name));
}

std::string format_thread_times(const ProcessSummary& process, const TextStyle& style) {
  if (process.thread_times.empty()) return "";
  std::string text = "Where the time of each thread went:\n";
  const auto parts = parts_of(process);
  std::vector columns{kThread, kLife};
  for (const Part& part : parts) columns.push_back(part.column);
  text += paint(format_titles(columns), "1", style.colour) + '\n';
  const auto rows = arrange_thread_times(process.thread_times);
  for (const auto& row : std::span(rows).first(std::min(rows.size(), kMostThreads))) {
    text += format_row(columns, row_of(row, parts)) + '\n';
  }
  if (rows.size() > kMostThreads)
    text += fmt::format("({} more threads, less busy: --json has them)\n", rows.size() - kMostThreads);
  return text;
}

}  // namespace gilscope
