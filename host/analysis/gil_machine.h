// The one state machine that turns events into holds, waits and hand-offs, of a program that runs as of a
// capture. It allocates, locks and throws nothing once it is made; memory does not grow with events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "analysis/gil_state.h"
#include "analysis/interval.h"
#include "analysis/machine_snapshot.h"
#include "analysis/row_table.h"

namespace gilscope {

// The violations that one event committed.
class Violations {
 public:
  void add(Violation violation) noexcept { bits_ |= bit(violation); }
  [[nodiscard]] bool has(Violation violation) const noexcept { return (bits_ & bit(violation)) != 0; }
  [[nodiscard]] bool none() const noexcept { return bits_ == 0; }

 private:
  static unsigned bit(Violation violation) noexcept { return 1U << static_cast<unsigned>(violation); }
  unsigned bits_ = 0;
};

// One thread at a time.
//
// Rows go by the system's thread id, and it gives an id again after a thread has ended: such threads share a
// row.
class GilMachine {
 public:
  // `memory`: see RowTable.
  explicit GilMachine(Bounds bounds = {}, std::byte* memory = nullptr) : table_(bounds, memory) {}

  // Says which interpreter owns the GIL. Before its first event; it is not seen before that.
  void open(GilId id, std::int64_t interpreter) noexcept {
    if (static_cast<std::uint32_t>(id) >= table_.bounds().gils) return;
    table_.gil(static_cast<std::uint32_t>(id))
        .owner_plus_one.set(static_cast<std::uint64_t>(interpreter) + 1);
  }

  // Says who holds the GIL (empty: nobody) as its events begin, at `ticks`. The hold counts from there, as a
  // hold; it is no hand-off. Ignored once that is known. Without this call a GIL may be held by anybody until
  // its first acquire or release; a hold of which only the release was seen is not counted.
  void begin(GilId id, std::optional<ThreadId> holder, std::uint64_t ticks) noexcept;

  Violations apply(const Event& event) noexcept {
    const auto index = static_cast<std::uint32_t>(event.gil);
    if (index < table_.bounds().gils) [[likely]] {
      GilState& gil = table_.gil(index);
      ThreadRow* const row = table_.row_of(gil);
      if (row != nullptr && gil.owner == event.thread && event.ticks >= gil.last.get()) {
        if (event.kind == EventKind::Release && row->held.get() != 0) {
          gil.last.set(event.ticks);
          end_hold(gil, *row, event.ticks);
          return {};
        }
        // Nobody else had it since: no wait, no hand-off.
        if (event.kind == EventKind::Acquire && row->held.get() == 0 && row->waiting.get() == 0) {
          gil.last.set(event.ticks);
          row->held.set(event.ticks + 1);
          return {};
        }
      }
    }
    return apply_any(event);
  }

  // Where the thread of an event is counted, and where its wait is noted; no `waiting` where no place is left
  // for it. Found once for an event, and good until the next one.
  struct Place {
    ThreadRow* row = nullptr;
    Cell* waiting = nullptr;
    bool is_shared = false;
  };
  // Of a GIL within the bounds, which is seen from here on.
  Place find_place(const Event& event) noexcept;
  Violations apply(const Event& event, const Place& place) noexcept;
  [[nodiscard]] std::optional<Interval> ending(const Event& event, const Place& place) const noexcept;

  // The row of the thread, made where there is none; null once there is none to make.
  ThreadRow* row_of(GilId id, ThreadId thread, std::uint64_t ticks) noexcept {
    return table_.find_or_add(id, thread, ticks);
  }

  // Of an event that does not come here; any thread, at any time.
  void count_lost() noexcept { table_.count_lost(); }

  // Where holds that concern nobody else are counted elsewhere: the hold that is on is known to have ended,
  // and is counted there; its row, or null where nobody holds the GIL.
  ThreadRow* end_unseen(GilId id) noexcept;
  // Likewise: the thread of the event, whose place is this, holds the GIL since `ticks`.
  void begin_unseen(const Event& event, const Place& place, std::uint64_t ticks) noexcept;

  // The hold or wait that the event will end; to be asked just before it is applied. (Not a hold that only a
  // violation ends.)
  std::optional<Interval> ending(const Event& event) noexcept;
  // Those that have not ended, up to `now`.
  [[nodiscard]] std::vector<Interval> open_intervals(std::uint64_t now) const;

  // All figures as of now; intervals that have not ended count up to `now`. Read the clock for `now` before
  // the call and for the wall time after it: then the holds of a GIL never sum to more than the wall time.
  // See machine_snapshot.h for what is consistent with what.
  [[nodiscard]] MachineSnapshot snapshot(std::uint64_t now) const { return read_machine(table_, now); }

  [[nodiscard]] const RowTable& table() const noexcept { return table_; }
  [[nodiscard]] RowTable& table() noexcept { return table_; }

 private:
  static void end_hold(GilState& gil, ThreadRow& row, std::uint64_t ticks) noexcept {
    row.hold.record(ticks + 1 - row.held.get());
    row.held.set(0);
    row.last.set(ticks);
    if (gil.asked) [[unlikely]] {
      row.forced.add(1);
      gil.asked = false;
    }
  }

  [[nodiscard]] bool is_held(const GilState& gil) const noexcept;
  [[nodiscard]] bool is_held_by(const GilState& gil, ThreadId thread) const noexcept;
  void begin_hold(GilState& gil, ThreadRow& row, ThreadId thread, std::uint64_t ticks) noexcept;
  Violations apply_any(const Event& event) noexcept {
    if (static_cast<std::uint32_t>(event.gil) >= table_.bounds().gils) return lose();
    return apply(event, find_place(event));
  }
  Violations lose() noexcept;
  GilState& see(GilId id, std::uint64_t ticks) noexcept;
  Place find_place(GilState& gil, const Event& event, std::uint64_t ticks) noexcept;

  RowTable table_;
};

}  // namespace gilscope
