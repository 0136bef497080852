#include "recording/blame_counters.h"

#include <utility>

namespace gilscope {
namespace {

constexpr std::size_t kAlignment = alignof(SpanTable);
static_assert(kAlignment % alignof(StackStore) == 0 && kAlignment % alignof(ThreadRow) == 0);

constexpr std::size_t align(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

SpanTable* spans_in(const Bounds& bounds, std::byte* memory) {
  return reinterpret_cast<SpanTable*>(memory + align(RowTable::size_of(bounds)));
}

StackStore* stacks_in(const Bounds& bounds, std::byte* memory) {
  return reinterpret_cast<StackStore*>(reinterpret_cast<std::byte*>(spans_in(bounds, memory)) +
                                       align(sizeof(SpanTable)));
}

}  // namespace

std::size_t BlameCounters::size_of(const Bounds& bounds) noexcept {
  return align(RowTable::size_of(bounds)) + align(sizeof(SpanTable)) + sizeof(StackStore);
}

BlameCounters::BlameCounters(Bounds bounds, std::byte* memory)
    : memory_(memory == nullptr ? std::optional<ZeroedMemory>(std::in_place, size_of(bounds)) : std::nullopt),
      data_(memory == nullptr ? memory_->data() : memory),
      machine_(bounds, data_),
      spans_(spans_in(bounds, data_)),
      stacks_(stacks_in(bounds, data_)) {}

// The GIL of an event that the machine has a place for has one in the spans.
static_assert(Bounds{}.gils <= SpanTable::kGils);

// A timeout, too, begins a wait: one that was on before its events began.
void BlameCounters::await(const Event& event) noexcept {
  Event acquire = event;
  acquire.kind = EventKind::Acquire;
  const bool has_waited = machine_.ending(acquire).has_value();
  machine_.apply(event);
  const auto wait = machine_.ending(acquire);
  if (wait && !has_waited) spans_->begin_wait(event.gil, event.thread, wait->begin);
}

void BlameCounters::record_at(const Event& event, std::span<const CodePoint> stack,
                              const CodeReader& reader) noexcept {
  if (static_cast<std::uint32_t>(event.gil) >= machine_.table().bounds().gils) {
    machine_.apply(event);
    return;
  }
  const auto number = stack.empty() ? std::nullopt : stacks_->number_of(event.gil, stack, reader);
  if (event.kind == EventKind::Release) {
    release(event, number);
  } else {
    acquire(event, number);
  }
}

void BlameCounters::release(const Event& event, std::optional<std::uint32_t> stack) noexcept {
  const auto hold = machine_.ending(event);
  const RowTable& table = machine_.table();
  const GilState& gil = table.gil(static_cast<std::uint32_t>(event.gil));
  if (hold && (has_every_hold_ || spans_->is_awaited(event.gil))) {
    spans_->end_hold(*hold, {.from = spans_->begin_of_hold(table, *gil.row), .to = stack});
  }
  machine_.apply(event);
  if (gil.row == nullptr || gil.owner != event.thread) return;
  if (auto* const noted = spans_->standings_of(table, *gil.row)) {
    noted->released.set(stack, gil.row->hold.count());
  }
}

void BlameCounters::acquire(const Event& event, std::optional<std::uint32_t> stack) noexcept {
  const auto wait = machine_.ending(event);
  machine_.apply(event);
  if (wait) spans_->end_wait(event.gil, event.thread, wait->end);
  const RowTable& table = machine_.table();
  const ThreadRow& row = *table.gil(static_cast<std::uint32_t>(event.gil)).row;
  auto* const noted = spans_->standings_of(table, row);
  if (noted == nullptr) return;
  noted->acquired.set(stack, row.hold.count());
  if (wait && stack) noted->add_wait(wait->end - wait->begin, *stack);
}

BlameCounters::View::View(const Bounds& bounds, std::byte* memory)
    : table_(bounds, memory), spans_(spans_in(bounds, memory)), stacks_(stacks_in(bounds, memory)) {}

BlameRecord BlameCounters::View::blame(bool has_every_hold, std::uint64_t now) const {
  BlameRecord blame;
  const Spans spans = spans_->read(table_, has_every_hold, now);
  const LongWaits waits = spans_->read_long_waits(table_);
  const auto ids = stacks_->read(blame.stacks);  // after the spans: each stack that they name is there
  const auto id_of = [&](std::optional<StackId> number) -> std::optional<StackId> {
    if (!number || static_cast<std::size_t>(*number) >= ids.size()) return std::nullopt;
    return ids[static_cast<std::size_t>(*number)];
  };
  for (const auto& [key, span] : spans) {
    blame.spans[{.gil = key.gil, .thread = key.thread, .from = id_of(key.from), .to = id_of(key.to)}] += span;
  }
  for (const auto& [row, longest] : waits) {
    for (const auto& wait : longest) {
      if (const auto id = id_of(wait.stack)) blame.long_waits[row].push_back({wait.ticks, *id});
    }
  }
  return blame;
}

}  // namespace gilscope
