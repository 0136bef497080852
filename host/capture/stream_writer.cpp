#include "capture/stream_writer.h"

namespace gilscope {
namespace {

// What is to be read without the parts before it tells anew whatever it names.
void begin_part_of_ring(Lane& lane, const ProcessFile& file) noexcept {
  if (lane.stacks != nullptr) lane.stacks->clear();
  lane.recent = {};
  lane.released_at = {};
  tell_owner_again(lane, file);
}

}  // namespace

void begin_part(const Lane& lane) noexcept {
  lane.home->ticks = lane.last_ticks;
  lane.home->tie = 0;
  lane.home->gil = static_cast<std::uint32_t>(lane.gil);
  lane.home->thread = static_cast<std::uint32_t>(lane.thread);
}

// Spills the home where it is too full, and begins its next part.
bool make_room(Lane& lane, ProcessFile& file, std::uint32_t size) noexcept {
  BlockHeader& home = *lane.home;
  if (home.used + size <= kPayloadSize) return true;
  if (!file.spill(home, lane.spilled, lane.last_ticks)) return false;
  // In this order: until the last store the part is the one that was spilled, which the reader then passes
  // over.
  publish(home, 0);
  begin_part(lane);
  std::atomic_ref(home.sequence).store(home.sequence + 1, std::memory_order_release);
  if (file.is_ring()) begin_part_of_ring(lane, file);
  return true;
}

void tell_owner(Lane& lane, GilId gil, std::int64_t interpreter) noexcept {
  Appending record(lane);
  record->control(ControlKind::Owner);
  record->number(static_cast<std::uint32_t>(gil));
  record->number(to_zigzag(interpreter));
}

void tell_owner_again(Lane& lane, const ProcessFile& file) noexcept {
  const auto interpreter = file.is_ring() ? file.owner_of(lane.gil) : std::nullopt;
  if (interpreter) tell_owner(lane, lane.gil, *interpreter);
}

}  // namespace gilscope
