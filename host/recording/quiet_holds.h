// What a hook counts at once, in memory of its thread alone: holds that concern nobody else. All zero bits:
// none. The memory may be another process's.
#pragma once

#include "analysis/cell.h"
#include "analysis/gil_state.h"
#include "analysis/histogram.h"
#include "analysis/machine_snapshot.h"
#include "probe/event.h"
#include "recording/sequence_lock.h"

namespace gilscope {

// Holds of a thread that concern nobody else: it took the GIL again that it had had last, and gave it up
// while nobody waited. One for each row of the table. Written by the thread, with the GIL's mutex held, but
// for `applied`; and cleared by who has the queue's lock, when the thread has ended.
struct alignas(64) QuietHolds {
  Cell version;   // sequence lock of all but the next
  Cell is_quiet;  // 1: the latest release was quiet, and all since; of the thread alone
  Cell held;      // ticks + 1 of the acquire whose release has not come, else 0
  Cell released;  // ticks of the latest quiet release
  Cell events;    // of the thread and this GIL that were put into the queue; 0: nothing is known here
  Histogram holds;

  // How far the table is: up to which event, and what was quiet before that one.
  struct alignas(64) Applied {
    Cell events;
    Cell holds;
    Cell ticks;
    Cell is_untold;  // 1: the latest event said nothing of quiet holds, and so there is none after it
  } applied;

  void end(std::uint64_t ticks) noexcept {
    const SequencedUpdate update(version);
    holds.record(ticks + 1 - held.get());
    held.set(0);
    is_quiet.set(1);
    released.set(ticks);
  }

  // The event was put into the queue: before this, so that whoever reads that it was finds it there.
  void note_event(const Event& event) noexcept {
    const SequencedUpdate update(version);
    events.add(1);
    if (event.kind == EventKind::Acquire) {
      is_quiet.set(0);
      held.set(event.ticks + 1);
    } else if (event.kind == EventKind::Release) {
      is_quiet.set(0);
      held.set(0);
    }
  }

  // Of a thread that has ended: whether the table has all that it put into the queue, and it stands outside
  // of a hold.
  [[nodiscard]] bool is_at_rest() const noexcept {
    const bool is_whole = version.read() % 2 == 0;  // the last that it wrote: so all else is seen
    return is_whole && held.read() == 0 && events.read() == applied.events.get();
  }
  void clear() noexcept {
    holds.clear();
    is_quiet.set(0);
    held.set(0);
    released.set(0);
    events.set(0);
    applied = {};
  }

  // Before the queue is emptied for a reading.
  [[nodiscard]] QuietFigures read() const noexcept {
    QuietFigures figures;
    if (events.read() == 0) return figures;
    read_settled(version, [&] {
      figures = {.holds = holds.count(),
                 .hold_ticks = holds.sum(),
                 .held = held.read(),
                 .released = released.read(),
                 .events = events.read(),
                 .hold = &holds};
    });
    return figures;
  }

  // After it: where the thread has gone on in between, the figures are those of the latest event that the
  // table has, and the table tells whether the thread holds the GIL. So each hold is in one of the two.
  void settle(QuietFigures& figures, const ThreadRow& row) const noexcept {
    if (figures.hold != nullptr) figures.hold = &holds;  // this may be a copy of what was read
    if (applied.events.get() == figures.events) {
      if (applied.is_untold.get() == 0) return;
      // After such an event none is quiet: what was before it is there by now.
      if (const auto now = read(); now.events == figures.events) figures = now;
      figures.held = row.held.get();
      return;
    }
    figures.holds = applied.holds.get();
    figures.hold_ticks = applied.ticks.get();
    figures.held = row.held.get();
    figures.hold = &holds;
  }
};

}  // namespace gilscope
