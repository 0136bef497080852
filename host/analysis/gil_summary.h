// From the state machine's figures to those of gilscope.summary/1: the same names, in nanoseconds. Pure
// functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/machine_snapshot.h"
#include "support/time.h"

namespace gilscope {

// Empty where there is no whole.
[[nodiscard]] std::optional<double> share_of(Nanoseconds part, Nanoseconds whole) noexcept;

// How long a tick of the probe's clock is. Exact to the nanosecond up to 2^53 ticks: a month at 3 GHz.
struct TickLength {
  double ns = 1;

  [[nodiscard]] Nanoseconds of(std::uint64_t ticks) const noexcept;
};

struct DurationFigures {
  Nanoseconds p50_ns{};
  Nanoseconds p90_ns{};
  Nanoseconds p99_ns{};
  Nanoseconds max_ns{};
};

struct GilFigures {
  GilId id{};
  std::vector<std::int64_t> interpreters;  // ids; empty where that is unknown
  std::uint64_t folded = 0;  // how many GILs of ended interpreters this is the sum of; 0: it is one GIL
  std::uint64_t holds = 0;
  Nanoseconds hold_ns{};
  std::uint64_t waits = 0;
  Nanoseconds wait_ns{};
  std::uint64_t forced = 0;
  std::uint64_t voluntary = 0;
  std::uint64_t handoffs = 0;
  std::uint64_t overlaps = 0;        // acquires while another thread held it: 0, or the capture is wrong
  std::uint64_t violations = 0;      // of every kind, overlaps included
  std::optional<double> hold_share;  // of the wall time
  std::optional<Nanoseconds> switch_interval;  // as those who waited for so long showed it, the latest
};

struct ThreadFigures {
  std::optional<ThreadId> id;  // empty: the threads that came when no row was left, merged
  std::uint64_t folded = 0;    // of a family, how many threads are in it; else 0
  GilId gil{};
  std::uint64_t holds = 0;
  Nanoseconds hold_ns{};
  std::uint64_t waits = 0;
  Nanoseconds wait_ns{};
  std::uint64_t forced = 0;
  std::uint64_t voluntary = 0;
  OpenInterval open = OpenInterval::None;  // counted above up to the end
  // On this GIL: from its first event to its last, or to the end if open; of a family the sum of its
  // threads'.
  Nanoseconds lifetime_ns{};
  std::optional<double> hold_share;     // of the wall time
  std::optional<double> wait_share;     // of its lifetime
  std::optional<DurationFigures> hold;  // empty where there is none
  std::optional<DurationFigures> wait;
};

struct GilSummary {
  Nanoseconds wall_ns{};
  std::vector<GilFigures> gils;
  std::vector<ThreadFigures> threads;
  std::optional<double> wait_share;  // waits of all threads / their lifetimes, over all GILs
  std::uint64_t lost_events = 0;     // of GILs beyond the bound
};

// `wall` from the begin of the recording to the clock after the snapshot was taken.
[[nodiscard]] GilSummary summarize(const MachineSnapshot& snapshot, TickLength tick, Nanoseconds wall);

// How much faster than one worker any number of threads can be under one GIL: wall time / hold time of one
// worker alone, since n workers need at least n times one's hold time. Amdahl's bound with the hold as the
// serial part (Amdahl, "Validity of the single processor approach to achieving large scale computing
// capabilities", AFIPS 1967). At least 1; empty where it held no GIL, or took no time: then this GIL sets no
// bound.
[[nodiscard]] std::optional<double> ceiling(Nanoseconds wall, Nanoseconds hold) noexcept;

}  // namespace gilscope
