#include "report/loop_text.h"

#include <algorithm>

#include <fmt/core.h>

#include "report/blame_text.h"
#include "report/export_text.h"

namespace gilscope {
namespace {

// --json has all.
constexpr std::size_t kMaxSteps = 5;

std::string describe_steps(const LoopStall& stall, const ProcessSummary& process) {
  const auto work = work_of(stall.place);
  const auto what = work ? describe_work(*work) : describe_function(stall.place);
  const auto longest = format_duration(stall.max_ns);
  const bool is_known = process.folded == 0 && stall.max_begin_ns != Nanoseconds{};
  const auto begin = is_known ? fmt::format(" (after {})", format_duration(stall.max_begin_ns)) : "";
  return fmt::format("{} in {}: {}{}", what.empty() ? "…" : what, name_of(process, stall.thread),
                     stall.count == 1 ? fmt::format("once, {}", longest)
                                      : fmt::format("{} × up to {}", stall.count, longest),
                     begin) +
         (stall.count == 1 ? "" : fmt::format(", {} in all", format_duration(stall.total_ns)));
}

}  // namespace

std::string format_loop_stalls(const ProcessSummary& process, const TextStyle& style) {
  const auto& stalls = process.loop_stalls;
  if (stalls.empty()) return "";
  Nanoseconds total{};
  for (const auto& stall : stalls) total = add(total, stall.total_ns);
  std::string text =
      paint(fmt::format("Steps of event loops that took 50 ms or more, {} in all:", format_duration(total)),
            "1", style.colour) +
      '\n';
  for (std::size_t i = 0; i < std::min(stalls.size(), kMaxSteps); ++i) {
    append_entry(text, describe_steps(stalls[i], process), style);
  }
  if (stalls.size() > kMaxSteps) {
    text += fmt::format("  ({} places more, that took less: --json has them)\n", stalls.size() - kMaxSteps);
  }
  if (process.further_stalls != 0) {
    text += fmt::format("  + {} at more places than are kept\n",
                        count_of(process.further_stalls, "further step"));
  }
  return text;
}

}  // namespace gilscope
