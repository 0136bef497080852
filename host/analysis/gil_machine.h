// The one state machine that turns events into holds, waits and hand-offs: driven live by the hooks and by
// the reader of a capture alike. It allocates, locks and throws nothing once it is made; memory does not grow
// with events.
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

// Calls for one GIL come one after the other, ordered by its mutex where they come from several threads;
// those for different GILs may come at once. snapshot() may come from any thread at any time.
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
      if (gil.row != nullptr && gil.owner == event.thread && event.ticks >= gil.last.get()) {
        if (event.kind == EventKind::Release && gil.row->held.get() != 0) {
          gil.last.set(event.ticks);
          end_hold(gil, event.ticks);
          return {};
        }
        // Nobody else had it since: no wait, no hand-off. One store makes it held, so no RowUpdate is needed.
        if (event.kind == EventKind::Acquire && gil.row->held.get() == 0 && gil.row->waiting.get() == 0) {
          gil.last.set(event.ticks);
          gil.row->held.set(event.ticks + 1);
          return {};
        }
      }
    }
    return apply_any(event);
  }

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

  // As if just made, in memory of its own. Nobody may record or read meanwhile. Allocates nothing: usable in
  // the child of a fork.
  void clear() noexcept { table_.clear(); }

 private:
  // Where a thread's figures are, and where its wait is noted; no `waiting` where no place is left for it.
  struct Place {
    ThreadRow* row = nullptr;
    Cell* waiting = nullptr;
    bool is_shared = false;
  };

  static void end_hold(GilState& gil, std::uint64_t ticks) noexcept {
    ThreadRow& row = *gil.row;
    const RowUpdate update(row);
    row.hold.record(ticks + 1 - row.held.get());
    row.held.set(0);
    row.last.set(ticks);
    if (gil.asked) [[unlikely]] {
      row.forced.add(1);
      gil.asked = false;
    }
  }

  Violations apply_any(const Event& event) noexcept;
  Violations lose() noexcept;
  GilState& see(GilId id, std::uint64_t ticks) noexcept;
  Place find_place(GilState& gil, const Event& event, std::uint64_t ticks) noexcept;

  RowTable table_;
};

}  // namespace gilscope
