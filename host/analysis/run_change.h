// What changed from one run to another: the figures of two summaries, side by side. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/run_summary.h"

namespace gilscope {

enum class FigureUnit : std::uint8_t { Time, Count, Share };  // a time is in nanoseconds

struct FigureChange {
  std::string_view name;  // as the JSON has it
  FigureUnit unit{};
  std::optional<double> before;  // empty: unknown, or there was no such process, GIL or thread
  std::optional<double> after;

  // In its unit; empty where one of the two is.
  [[nodiscard]] std::optional<double> difference() const noexcept;
  // Of what was before: 0.1 is a tenth more. Empty where that was nothing, too.
  [[nodiscard]] std::optional<double> growth() const noexcept;
};

using FigureChanges = std::vector<FigureChange>;

// The one of that name, which must be there.
[[nodiscard]] const FigureChange& find_figure(const FigureChanges& figures, std::string_view name);

struct GilChange {
  GilId id{};
  FigureChanges figures;  // wait_share, wait_ns, waits, hold_ns, holds, forced, handoffs
};

// All threads of that name, as one; "": those that nobody named.
struct ThreadChange {
  std::string name;
  FigureChanges figures;  // cpu_ns, wait_share, wait_ns, waits, hold_ns, holds, forced
};

// Processes go together by how they were started, and by which of those came first, second, …
struct ProcessChange {
  ProcessRole role = ProcessRole::First;
  std::optional<std::int64_t> before_pid;  // empty: there was no such process
  std::optional<std::int64_t> after_pid;
  std::string before_name;  // "": it had none, or there was no such process
  std::string after_name;
  FigureChanges figures;              // those of a GIL, wall_ns and cpu_ns
  std::vector<GilChange> gils;        // by id
  std::vector<ThreadChange> threads;  // by name
};

struct RunChange {
  FigureChanges total;  // as those of a process, of all of them; wall_ns is that of the first
  std::vector<ProcessChange> processes;
};

[[nodiscard]] RunChange compare_runs(const RunSummary& before, const RunSummary& after);

enum class Worsening : std::uint8_t {
  None,   // the waiting did not grow by more than was allowed
  Small,  // it did, but by less than kLeastGrowth of the run's time
  Worse,
};

// Of two runs in which next to nobody waits, one has twice the waiting by chance.
inline constexpr double kLeastGrowth = 0.01;

// Whether all threads together waited longer than before by more than the share `allowed` of what they waited
// then (0.1: a tenth more), and by kLeastGrowth of the wall time that the run took before, or more.
[[nodiscard]] Worsening judge_worsening(const RunChange& change, double allowed);

// That no figure of the run is known to be too low.
[[nodiscard]] bool is_whole(const RunSummary& run) noexcept;

}  // namespace gilscope
