#include "report/lock_text.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/core.h>

#include "report/blame_text.h"
#include "report/export_text.h"

namespace gilscope {
namespace {

// --json has all.
constexpr std::ptrdiff_t kMostPlaces = 5;
constexpr double kWorthARow = 0.01;  // of its process's time

// "Handler.acquire, called at app.py:25 serve".
std::string describe_place(const std::optional<CodePlace>& place, std::string_view within) {
  if (!place) return "where no Python code runs";
  auto line = describe_line(place, {*place});
  if (within.empty()) return line;
  return replace_controls(std::string(within)) + (line.empty() ? "" : ", called at " + line);
}

std::string describe_waits(const LockWaitRow& row, const ProcessSummary& process) {
  const auto times = row.count == 1 ? fmt::format("once, {}", format_duration(row.max_ns))
                                    : fmt::format("{} × up to {}, {} in all", row.count,
                                                  format_duration(row.max_ns), format_duration(row.total_ns));
  const auto who = row.threads == 1 ? name_of(process, row.max_thread) : count_of(row.threads, "thread");
  auto text = fmt::format("{}: {} in {}", describe_place(row.place, row.within), times, who);
  if (!row.ended_at) return text;
  const bool is_same = row.ended_at == row.place;
  return text + "; ended at " +
         (is_same && row.ended_within.empty() ? "the same line"
          : is_same                           ? replace_controls(row.ended_within) + " there"
                                              : describe_place(row.ended_at, row.ended_within));
}

}  // namespace

std::string format_lock_waits(const ProcessSummary& process, const TextStyle& style) {
  const auto is_turn = [](const LockWaitRow& row) { return !row.is_for_work; };
  const auto turns = std::ranges::count_if(process.lock_waits, is_turn);
  const auto worth = std::ranges::count_if(process.lock_waits, [&](const LockWaitRow& row) {
    return is_turn(row) && share_of(row.total_ns, process.wall_ns).value_or(1) >= kWorthARow;
  });
  if (worth == 0) return "";
  Nanoseconds total{};
  for (const auto& row : process.lock_waits) {
    if (is_turn(row)) total = add(total, row.total_ns);
  }
  const auto shown = std::min(worth, kMostPlaces);
  std::string text =
      paint(fmt::format("Waits for a turn at one of Python's locks, {} in all:", format_duration(total)), "1",
            style.colour) +
      '\n';
  std::ptrdiff_t told = 0;
  for (const auto& row : process.lock_waits) {
    if (told++ == shown) break;  // those for a turn come first
    append_entry(text, describe_waits(row, process), style);
  }
  if (turns > shown)
    text += fmt::format("  ({} places more, that took less: --json has them)\n", turns - shown);
  if (process.further_lock_waits != 0) {
    text += fmt::format("  + {} at more places than are kept\n",
                        count_of(process.further_lock_waits, "further wait"));
  }
  return text;
}

}  // namespace gilscope
