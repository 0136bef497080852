#include "analysis/gil_machine.h"

#include <algorithm>

namespace gilscope {
namespace {

// A row may be there before the first event that it counts: its thread asks for one as it can.
void begin_no_later(ThreadRow& row, std::uint64_t ticks) noexcept {
  if (ticks < row.first.get()) row.first.set(ticks);
}

}  // namespace

bool GilMachine::is_held(const GilState& gil) const noexcept {
  const ThreadRow* const row = table_.row_of(gil);
  return row != nullptr && row->held.get() != 0;
}

bool GilMachine::is_held_by(const GilState& gil, ThreadId thread) const noexcept {
  return is_held(gil) && gil.owner == thread;
}

void GilMachine::begin_hold(GilState& gil, ThreadRow& row, ThreadId thread, std::uint64_t ticks) noexcept {
  row.held.set(ticks + 1);
  gil.row_plus_one = table_.index_of(row) + 1;
  gil.owner = thread;
  gil.known = true;
  gil.asked = false;
}

ThreadRow* GilMachine::end_unseen(GilId id) noexcept {
  if (static_cast<std::uint32_t>(id) >= table_.bounds().gils) return nullptr;
  GilState& gil = table_.gil(static_cast<std::uint32_t>(id));
  if (!is_held(gil)) return nullptr;
  ThreadRow* const row = table_.row_of(gil);
  row->held.set(0);
  gil.asked = false;
  return row;
}

void GilMachine::begin_unseen(const Event& event, const Place& place, std::uint64_t ticks) noexcept {
  GilState& gil = table_.gil(static_cast<std::uint32_t>(event.gil));
  const bool was_asked = gil.asked;
  begin_no_later(*place.row, ticks);
  begin_hold(gil, *place.row, event.thread, ticks);
  gil.asked = was_asked;
}

void GilMachine::begin(GilId id, std::optional<ThreadId> holder, std::uint64_t ticks) noexcept {
  if (static_cast<std::uint32_t>(id) >= table_.bounds().gils) return;
  GilState& gil = see(id, ticks);
  if (gil.known) return;
  gil.known = true;
  if (!holder) return;
  const Event event{.ticks = ticks, .gil = id, .thread = *holder, .kind = EventKind::Acquire};
  begin_hold(gil, *find_place(gil, event, ticks).row, *holder, ticks);
}

Violations GilMachine::lose() noexcept {
  table_.count_lost();
  return {};
}

GilState& GilMachine::see(GilId id, std::uint64_t ticks) noexcept {
  GilState& gil = table_.gil(static_cast<std::uint32_t>(id));
  if (gil.seen.get() == 0) {
    gil.first.set(ticks);
    gil.last.set(ticks);
    gil.seen.set(1);
    table_.note_gil(id);
  }
  return gil;
}

GilMachine::Place GilMachine::find_place(const Event& event) noexcept {
  GilState& gil = see(event.gil, event.ticks);
  return find_place(gil, event, std::max(event.ticks, gil.last.get()));
}

GilMachine::Place GilMachine::find_place(GilState& gil, const Event& event, std::uint64_t ticks) noexcept {
  if (ThreadRow* const owner = table_.row_of(gil);
      owner != nullptr && gil.owner == event.thread && !table_.is_shared(*owner)) {
    return {.row = owner, .waiting = &owner->waiting};
  }
  if (auto* row = table_.find_or_add(event.gil, event.thread, ticks); row != nullptr) {
    begin_no_later(*row, ticks);
    return {.row = row, .waiting = &row->waiting};
  }
  ThreadRow& shared = table_.shared_row(static_cast<std::uint32_t>(event.gil));
  if (shared.key.get() == 0) {
    shared.first.set(ticks);
    shared.key.set((std::uint64_t{static_cast<std::uint32_t>(event.gil)} + 1) << 32U);
  }
  Stranger* free = nullptr;
  for (auto& stranger : gil.strangers) {
    if (stranger.waiting.get() == 0) {
      if (free == nullptr) free = &stranger;
    } else if (stranger.thread == event.thread) {
      return {.row = &shared, .waiting = &stranger.waiting, .is_shared = true};
    }
  }
  if (free == nullptr) return {.row = &shared, .waiting = nullptr, .is_shared = true};
  free->thread = event.thread;
  return {.row = &shared, .waiting = &free->waiting, .is_shared = true};
}

std::optional<Interval> GilMachine::ending(const Event& event) noexcept {
  if (static_cast<std::uint32_t>(event.gil) >= table_.bounds().gils) return std::nullopt;
  see(event.gil, event.ticks);
  return ending(event, event.kind == EventKind::Acquire ? find_place(event) : Place{});
}

std::optional<Interval> GilMachine::ending(const Event& event, const Place& place) const noexcept {
  const GilState& gil = table_.gil(static_cast<std::uint32_t>(event.gil));
  const auto end = std::max(event.ticks, gil.last.get());
  Interval interval{.gil = event.gil, .thread = event.thread, .end = end};
  if (event.kind == EventKind::Release && is_held_by(gil, event.thread)) {
    interval.kind = IntervalKind::Hold;
    interval.begin = table_.row_of(gil)->held.get() - 1;
    interval.is_forced = gil.asked;
    return interval;
  }
  if (event.kind != EventKind::Acquire || is_held_by(gil, event.thread)) return std::nullopt;
  const Cell* const waiting = place.waiting;
  if (waiting == nullptr || waiting->get() == 0) return std::nullopt;
  interval.kind = IntervalKind::Wait;
  interval.begin = waiting->get() - 1;
  return interval;
}

std::vector<Interval> GilMachine::open_intervals(std::uint64_t now) const {
  std::vector<Interval> intervals;
  const auto add = [&](IntervalKind kind, GilId gil, ThreadId thread, const Cell& begin) {
    if (begin.get() == 0) return;
    intervals.push_back({.kind = kind,
                         .gil = gil,
                         .thread = thread,
                         .begin = begin.get() - 1,
                         .end = std::max(now, begin.get() - 1)});
  };
  for (std::uint32_t id = 0; id < table_.gils_end(); ++id) {
    const GilState& gil = table_.gil(id);
    if (is_held(gil)) add(IntervalKind::Hold, GilId{id}, gil.owner, table_.row_of(gil)->held);
    for (const auto& stranger : gil.strangers) {
      add(IntervalKind::Wait, GilId{id}, stranger.thread, stranger.waiting);
    }
  }
  for (const ThreadRow& row : table_.rows()) {
    const auto key = row.key.get();
    add(IntervalKind::Wait, gil_of(key), thread_of(key), row.waiting);
  }
  return intervals;
}

Violations GilMachine::apply(const Event& event, const Place& place) noexcept {
  GilState& gil = table_.gil(static_cast<std::uint32_t>(event.gil));
  Violations found;
  if (event.ticks < gil.last.get()) found.add(Violation::TimeWentBack);
  const auto ticks = std::max(event.ticks, gil.last.get());
  gil.last.set(ticks);
  ThreadRow& row = *place.row;
  const bool is_waiting = place.waiting != nullptr && place.waiting->get() != 0;

  const auto begin_wait = [&] {
    if (place.waiting == nullptr) {
      gil.uncounted_waits.add(1);
      return;
    }
    if (place.is_shared && !is_waiting) row.waiting.add(1);
    place.waiting->set(ticks + 1);
  };

  switch (event.kind) {
    case EventKind::Request:
      if (is_held_by(gil, event.thread)) {
        found.add(Violation::RequestWhileHolding);
        break;
      }
      if (is_waiting) found.add(Violation::RequestTwice);
      if (gil.known && !is_held(gil)) found.add(Violation::RequestWhileFree);
      begin_wait();
      break;

    case EventKind::Timeout:
      gil.timeouts.add(1);
      if (!is_waiting && !is_held_by(gil, event.thread) &&
          row.hold.count() + row.wait.count() + row.last.get() == 0) {
        begin_wait();  // the first that is seen of it: it waited before its events began
      } else if (!is_waiting && place.waiting != nullptr) {
        found.add(Violation::TimeoutOutsideWait);
      }
      // While nobody holds it there is nobody to ask: the holder released it as the interval ran out.
      if (is_held(gil) && gil.owner != event.thread) gil.asked = true;
      break;

    case EventKind::Acquire: {
      if (is_held_by(gil, event.thread)) {
        found.add(Violation::AcquireTwice);
        break;
      }
      if (is_held(gil)) {
        found.add(Violation::AcquireWhileHeld);
        gil.asked = false;
        ThreadRow& holder = *table_.row_of(gil);
        holder.hold.record(ticks + 1 - holder.held.get());
        holder.cut.add(1);
        holder.held.set(0);
        holder.last.set(ticks);
      } else if (const ThreadRow* const latest = table_.row_of(gil);
                 latest != nullptr && gil.owner != event.thread) {
        gil.handoffs.add(1);
        table_.count_handoff(*latest, row);
      }
      if (is_waiting) {
        row.wait.record(ticks + 1 - place.waiting->get());
        place.waiting->set(0);
        if (place.is_shared) row.waiting.set(row.waiting.get() - 1);
      }
      begin_hold(gil, row, event.thread, ticks);
      break;
    }

    case EventKind::Release:
      if (is_held_by(gil, event.thread)) {
        end_hold(gil, *table_.row_of(gil), ticks);
      } else if (is_held(gil)) {
        found.add(Violation::ReleaseByOther);
      } else if (gil.known) {
        found.add(Violation::ReleaseWithoutHold);
      } else {  // it held the GIL since before the events began
        gil.row_plus_one = table_.index_of(row) + 1;
        gil.owner = event.thread;
        gil.known = true;
        row.last.set(ticks);
      }
      break;
  }

  if (!found.none()) {
    for (std::size_t kind = 0; kind < kViolations; ++kind) {
      if (found.has(static_cast<Violation>(kind))) gil.violations[kind].add(1);
    }
  }
  return found;
}

}  // namespace gilscope
