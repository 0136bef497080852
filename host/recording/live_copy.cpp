#include "recording/live_copy.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <new>
#include <span>
#include <thread>
#include <unistd.h>
#include <utility>

#include "recording/process_folder.h"
#include "support/system_files.h"

namespace gilscope {
namespace {

bool has_died(const std::byte* slot) {
  const auto pid = reinterpret_cast<const ProcessNote*>(slot)->pid.read();
  return pid != 0 && !is_alive(static_cast<std::int64_t>(pid));
}

}  // namespace

void copy_written(const SharedSpace& space, std::uint64_t slot, std::size_t bytes, std::byte* to) {
  const auto begin = static_cast<off_t>(space.offset_of(slot));
  const auto end = begin + static_cast<off_t>(bytes);
  for (off_t at = begin; at < end;) {
    at = lseek(space.file(), at, SEEK_DATA);
    if (at < 0 || at >= end) return;
    const off_t hole = std::min(std::max(lseek(space.file(), at, SEEK_HOLE), at + 1), end);
    while (at < hole) {
      const auto count = pread(space.file(), to + (at - begin), static_cast<std::size_t>(hole - at), at);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return;
      at += count;
    }
  }
}

// Whoever has the lock is done in some ten microseconds, and a copy takes some hundred: the first try does in
// most programs, and in one that takes events out a thousand times a second one of a few.
LiveCopy::LiveCopy(const SharedSpace& space, std::uint64_t slot) : memory_(space.slot_bytes()) {
  const SharedSpace::View mapping(space, slot, SharedSpace::Access::Read);
  if (mapping.data() == nullptr) throw std::bad_alloc();
  const BlameTables live(kSharedBounds, mapping.data() + sizeof(ProcessNote));
  const Cell& version = live.queue().shared.version;
  constexpr int kMostTries = 250;
  constexpr auto kPause = std::chrono::milliseconds(1);
  for (int tries = 1; !is_exact_; ++tries) {
    const auto before = version.read();
    const bool is_free = before % 2 == 0 || has_died(mapping.data());
    if (is_free || tries == kMostTries) {
      copy(space, slot, live);
      std::atomic_thread_fence(std::memory_order_acquire);
      is_exact_ = is_free && version.read() == before;
    }
    if (tries == kMostTries) return;
    if (!is_exact_) std::this_thread::sleep_for(kPause);
  }
}

// First the quiet holds, then how far the rings go, then the rest: of what a thread has told by its events,
// none is missing there.
void LiveCopy::copy(const SharedSpace& space, std::uint64_t slot, const BlameTables& live) {
  quiet_ = live.read_quiet_holds();
  std::vector<std::uint64_t> heads;
  for (const EventRing& ring : live.queue().rings_in_use()) heads.push_back(ring.head.read());
  memory_.clear();
  copy_written(space, slot, space.slot_bytes(), memory_.data());
  EventQueue& queue = BlameTables(kSharedBounds, memory_.data() + sizeof(ProcessNote)).queue();
  const auto rings = std::span(queue.rings).first(heads.size());
  for (std::size_t i = 0; i < heads.size(); ++i) rings[i].head.set(heads[i]);
  queue.rings_used.set(heads.size());
}

BlameCounters::View LiveCopy::view() {
  return {kSharedBounds, memory_.data() + sizeof(ProcessNote), std::move(quiet_)};
}

}  // namespace gilscope
