// The state machine's figures at one instant, in plain types and in ticks of the probe's clock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "analysis/gil_state.h"

namespace gilscope {

class RowTable;

enum class OpenInterval : std::uint8_t { None, Hold, Wait };

// Consistent in itself: holds = forced + voluntary + cut + (1 if a hold is open), and the sums are those of
// exactly these intervals. Percentiles may also know of quiet holds that ended while the snapshot was taken.
struct ThreadSnapshot {
  GilId gil{};
  // A family's: threads of a name that have ended. Empty: all that came when no row was left, merged.
  std::optional<ThreadId> thread;
  std::uint64_t folded = 0;  // how many are in a family's row; else 0
  std::uint64_t holds = 0;
  std::uint64_t hold_ticks = 0;
  std::uint64_t waits = 0;
  std::uint64_t wait_ticks = 0;
  std::uint64_t forced = 0;
  std::uint64_t voluntary = 0;
  std::uint64_t cut = 0;                   // holds that a violation ended
  OpenInterval open = OpenInterval::None;  // had not ended: counted up to the snapshot, in all figures
  std::uint64_t first = 0;  // ticks of the first event, and of the last (open: of the snapshot)
  std::uint64_t last = 0;
  std::uint64_t lifetime = 0;       // from the one to the other; of a family the sum of its threads'
  std::optional<Percentiles> hold;  // empty where there is none
  std::optional<Percentiles> wait;
};

struct GilSnapshot {
  GilId gil{};                              // kEndedGils: those of interpreters that have ended, as one
  std::optional<std::int64_t> interpreter;  // the id of the one that owns it
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t handoffs = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t folded = 0;  // how many GILs of ended interpreters this is the sum of; 0: it is one GIL
  std::uint64_t uncounted_waits = 0;  // of threads without a row, when too many of them waited
  std::array<std::uint64_t, kViolations> violations{};
};

// From thread to thread; empty: as in ThreadSnapshot.
struct HandoffSnapshot {
  GilId gil{};
  std::optional<ThreadId> from;
  std::optional<ThreadId> to;
  std::uint64_t count = 0;
};

// A hold or wait is in it at most once, and wholly before the call's end.
struct MachineSnapshot {
  std::uint64_t end = 0;                // ticks: the call's; what is open is counted up to here
  std::vector<GilSnapshot> gils;        // by id
  std::vector<ThreadSnapshot> threads;  // as they came, until one takes the place of another that was folded
  // By GIL, from, to. A GIL's sum to at most its hand-offs: there is room for some thousand pairs of threads.
  std::vector<HandoffSnapshot> handoffs;
  std::uint64_t lost_events = 0;  // of GILs beyond the bound
};

// Holds of a row that are counted beside it; all of them voluntary.
struct QuietFigures {
  std::uint64_t holds = 0;
  std::uint64_t hold_ticks = 0;
  std::uint64_t held = 0;      // ticks + 1 of the hold that is on, 0: none is
  std::uint64_t released = 0;  // ticks of the end of the latest
  std::uint64_t events = 0;    // all others, of this thread and GIL, that came before
  const Histogram* hold =
      nullptr;  // null: none is counted here, and the row tells itself whether a hold is on
};

// `quiet`: of the rows, by index, as many as there are; the others have none.
MachineSnapshot read_machine(const RowTable& table, std::uint64_t now,
                             std::span<const QuietFigures> quiet = {});

}  // namespace gilscope
