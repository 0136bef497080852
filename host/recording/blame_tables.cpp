// The tables themselves: what becomes of an event that was taken out of the queue, and how they are read.
#include <algorithm>
#include <span>
#include <utility>

#include "recording/blame_counters.h"

namespace gilscope {
namespace {

constexpr std::size_t kAlignment = alignof(SpanTable);
static_assert(kAlignment % alignof(StackStore) == 0 && kAlignment % alignof(ThreadRow) == 0 &&
              kAlignment % alignof(QuietHolds) == 0 && kAlignment % alignof(EventQueue) == 0);

constexpr std::size_t align(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Where each part begins, in bytes; the last one is the end of all.
struct Places {
  explicit Places(const Bounds& bounds)
      : spans(align(RowTable::size_of(bounds))),
        stacks(spans + align(sizeof(SpanTable))),
        quiet(stacks + align(sizeof(StackStore))),
        queue(quiet + align(RowTable::places_of(bounds) * sizeof(QuietHolds))),
        end(queue + align(sizeof(EventQueue))) {}

  std::size_t spans;
  std::size_t stacks;
  std::size_t quiet;
  std::size_t queue;
  std::size_t end;
};

}  // namespace

BlameTables::BlameTables(const Bounds& bounds, std::byte* memory)
    : machine_(bounds, memory),
      spans_(reinterpret_cast<SpanTable*>(memory + Places(bounds).spans)),
      stacks_(reinterpret_cast<StackStore*>(memory + Places(bounds).stacks)),
      quiet_(reinterpret_cast<QuietHolds*>(memory + Places(bounds).quiet)),
      queue_(reinterpret_cast<EventQueue*>(memory + Places(bounds).queue)) {}

std::size_t BlameTables::size_of(const Bounds& bounds) noexcept { return Places(bounds).end; }

QuietHolds* BlameTables::quiet_of(GilId gil, ThreadId thread, std::uint64_t ticks) noexcept {
  if (static_cast<std::uint32_t>(gil) >= table().bounds().gils) return nullptr;
  const ThreadRow* const row = machine_.row_of(gil, thread, ticks);
  return row == nullptr ? nullptr : &quiet_[table().index_of(*row)];
}

bool BlameTables::drain(std::uint64_t limit) noexcept {
  return queue_->drain(limit, [this](const QueuedEvent& queued) { apply(queued); });
}

// The GIL of an event that the machine has a place for has one in the spans.
static_assert(Bounds{}.gils <= SpanTable::kGils && Bounds{}.gils <= EventQueue::kGils);

// Those of ended ones are taken again; so the first places are those of GILs that live.
std::optional<std::uint32_t> BlameTables::place_of(GilId gil) const noexcept {
  const auto id = std::uint64_t{static_cast<std::uint32_t>(gil)} + 1;
  const auto placed = std::min<std::uint64_t>(queue_->gils_placed.read(), table().bounds().gils);
  for (std::uint64_t i = 0; i < placed; ++i) {
    const auto place = static_cast<std::uint32_t>((id - 1 + i) % placed);
    if (table().gil(place).id_plus_one.read() == id) return place;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> BlameTables::take_place(GilId gil, std::uint32_t sequence) noexcept {
  if (const auto known = place_of(gil)) return known;
  const auto placed = static_cast<std::uint32_t>(queue_->gils_placed.get());
  const auto is_free = [&](std::uint32_t place) { return table().gil(place).id_plus_one.get() == 0; };
  std::uint32_t place = 0;
  while (place < placed && !is_free(place)) ++place;
  if (place == table().bounds().gils) return std::nullopt;
  queue_->next.at(place).set(sequence);
  table().gil(place).id_plus_one.set(std::uint64_t{static_cast<std::uint32_t>(gil)} + 1);
  if (place == placed) queue_->gils_placed.set(placed + 1);
  return place;
}

void BlameTables::close(GilId gil, std::uint32_t events) const noexcept {
  if (const auto place = place_of(gil)) table().gil(*place).end_plus_one.set(std::uint64_t{events} + 1);
}

void BlameTables::apply(const QueuedEvent& queued) noexcept {
  const Event event = queued.event();
  if (queued.gil >= table().bounds().gils) return;  // in another process's memory: nonsense
  const auto place = machine_.find_place(event);
  if (!place.is_shared) note_applied(queued, *place.row);
  switch (event.kind) {
    case EventKind::Request:
    case EventKind::Timeout:
      await(event, place);
      if (queued.stack()) spans_->see_holder(event.gil, queued.stack());
      break;
    case EventKind::Acquire:
      acquire(queued, place);
      break;
    case EventKind::Release:
      release(queued, place);
      break;
  }
}

void BlameTables::note_applied(const QueuedEvent& queued, const ThreadRow& row) noexcept {
  auto& applied = quiet_[table().index_of(row)].applied;
  applied.is_untold.set(queued.tells_of_quiet() ? 0 : 1);
  if (!queued.tells_of_quiet()) return;
  applied.events.add(1);
  applied.holds.set(queued.quiet_holds);
  applied.ticks.set(queued.quiet_ticks);
}

// A timeout, too, begins a wait: one that was on before its events began.
void BlameTables::await(const Event& event, const GilMachine::Place& place) noexcept {
  Event acquire = event;
  acquire.kind = EventKind::Acquire;
  const bool has_waited = machine_.ending(acquire, place).has_value();
  machine_.apply(event, place);
  const auto wait = machine_.ending(acquire, place);
  if (wait && !has_waited) spans_->begin_wait(event.gil, event.thread, wait->begin);
  if (wait && event.kind == EventKind::Timeout) {
    spans_->note_timeout(event.gil, event.thread, wait->begin, event.ticks);
  }
}

void BlameTables::release(const QueuedEvent& queued, const GilMachine::Place& place) noexcept {
  const Event event = queued.event();
  const RowTable& table = machine_.table();
  const GilState& gil = table.gil(static_cast<std::uint32_t>(event.gil));
  if (queued.quiet_begin != 0) machine_.begin_unseen(event, place, queued.quiet_begin - 1);
  const auto hold = machine_.ending(event, place);
  spans_->see_holder(event.gil, {});
  if (hold) {
    const ThreadRow& row = *table.row_of(gil);
    if (queued.is_noted() && (queue_->takes_every_hold.get() != 0 || spans_->is_awaited(event.gil))) {
      // Where a quiet hold begins is not noted.
      const auto from = queued.quiet_begin == 0 ? spans_->begin_of_hold(table, row) : std::nullopt;
      spans_->end_hold(*hold, {.from = from, .to = queued.stack()});
    }
  }
  machine_.apply(event, place);
  const ThreadRow* const row = table.row_of(gil);
  if (!queued.is_noted() || row == nullptr || gil.owner != event.thread) return;
  if (auto* const noted = spans_->standings_of(table, *row)) {
    noted->released.set(queued.stack(), row->hold.count());
  }
}

void BlameTables::acquire(const QueuedEvent& queued, const GilMachine::Place& place) noexcept {
  const Event event = queued.event();
  const RowTable& table = machine_.table();
  // A GIL that is taken was free: who seemed to hold it gave it up quietly, at a place that nobody noted.
  if (const ThreadRow* const ended = machine_.end_unseen(event.gil)) {
    if (auto* const noted = spans_->standings_of(table, *ended)) noted->forget_places();
  }
  const auto wait = machine_.ending(event, place);
  machine_.apply(event, place);
  spans_->see_holder(event.gil, {});
  if (!queued.is_noted()) return;
  if (wait) spans_->end_wait(event.gil, event.thread, wait->end);
  const ThreadRow& row = *table.row_of(table.gil(static_cast<std::uint32_t>(event.gil)));
  auto* const noted = spans_->standings_of(table, row);
  if (noted == nullptr) return;
  noted->acquired.set(queued.stack(), row.hold.count());
  if (wait && queued.stack()) noted->add_wait(wait->end - wait->begin, *queued.stack());
}

std::vector<QuietFigures> BlameTables::read_quiet_holds() const {
  std::vector<QuietFigures> figures(table().rows().size());
  for (std::size_t row = 0; row < figures.size(); ++row) figures[row] = quiet_[row].read();
  return figures;
}

void BlameTables::settle(std::vector<QuietFigures>& quiet) const {
  quiet.resize(table().rows().size());  // some have come meanwhile
  for (std::size_t row = 0; row < quiet.size(); ++row) {
    quiet_[row].settle(quiet[row], table().rows()[row]);
  }
}

MachineSnapshot BlameTables::figures(std::span<const QuietFigures> quiet, std::uint64_t now) const {
  return read_machine(table(), now, quiet);
}

BlameRecord BlameTables::blame(std::span<const QuietFigures> quiet, std::uint64_t now) const {
  BlameRecord blame;
  const Spans spans = spans_->read(table(), quiet, queue_->takes_every_hold.read() != 0, now);
  const LongWaits waits = spans_->read_long_waits(table());
  const auto ids = stacks_->read(blame.stacks);  // after the spans: each stack that they name is there
  const auto id_of = [&](std::optional<StackId> number) -> std::optional<StackId> {
    if (!number || static_cast<std::size_t>(*number) >= ids.size()) return std::nullopt;
    return ids[static_cast<std::size_t>(*number)];
  };
  for (const auto& [key, span] : spans) {
    blame.spans[{
        .gil = table().id_of(key.gil), .thread = key.thread, .from = id_of(key.from), .to = id_of(key.to)}] +=
        span;
  }
  for (const auto& [row, longest] : waits) {
    for (const auto& wait : longest) {
      const auto id = id_of(wait.stack);
      if (id) blame.long_waits[{table().id_of(row.first), row.second}].push_back({wait.ticks, *id});
    }
  }
  blame.switch_intervals = spans_->read_switch_intervals(table());
  return blame;
}

}  // namespace gilscope
