#include "capture/stream_writer.h"

namespace gilscope {

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
  if (!file.spill(home, lane.spilled)) return false;
  // In this order: until the last store the part is the one that was spilled, which the reader then passes
  // over.
  publish(home, 0);
  begin_part(lane);
  std::atomic_ref(home.sequence).store(home.sequence + 1, std::memory_order_release);
  return true;
}

}  // namespace gilscope
