#include "capture/lanes.h"

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>

namespace gilscope {
namespace {

constexpr std::size_t kLanesSize = sizeof(Lane) * LaneTable::kMaxLanes;

}  // namespace

// Address space; memory comes with the first use of each page, as zeros, which is what a fresh lane is.
int LaneTable::prepare() noexcept {
  if (lanes_ != nullptr) return 0;
  void* const memory =
      mmap(nullptr, kLanesSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return errno;
  lanes_ = static_cast<Lane*>(memory);
  return 0;
}

Lane* LaneTable::take(std::uint64_t owner, std::uint64_t ticks) noexcept {
  const std::uint32_t count = std::min(count_.load(std::memory_order_relaxed), kMaxLanes);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint64_t expected = Lane::kFree;
    if (lanes_[i].owner.load(std::memory_order_relaxed) != Lane::kFree ||
        !lanes_[i].owner.compare_exchange_strong(expected, owner, std::memory_order_acquire,
                                                 std::memory_order_relaxed)) {
      continue;
    }
    if (lanes_[i].last_ticks < ticks) return &lanes_[i];
    give_back(lanes_[i], owner);
  }
  const std::uint32_t index = count_.fetch_add(1, std::memory_order_relaxed);
  if (index >= kMaxLanes) {
    count_.fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  lanes_[index].owner.store(owner, std::memory_order_relaxed);
  return &lanes_[index];
}

void LaneTable::give_back(Lane& lane, std::uint64_t owner) noexcept {
  lane.owner.compare_exchange_strong(owner, Lane::kFree, std::memory_order_release,
                                     std::memory_order_relaxed);
}

void LaneTable::clear() noexcept {
  for_each([](Lane& lane) {
    lane.home = nullptr;
    lane.last_ticks = 0;
    lane.gil = {};
    lane.thread = {};
    lane.window_end = 0;
    lane.events.store(0, std::memory_order_relaxed);
    lane.stacks = nullptr;
    lane.recent = {};
    lane.released_at = {};
    lane.spilled = 0;
    lane.is_published = false;
    lane.owner.store(Lane::kFresh, std::memory_order_relaxed);
  });
  count_.store(0, std::memory_order_relaxed);
}

std::uint64_t LaneTable::events() noexcept {
  std::uint64_t sum = 0;
  for_each([&](const Lane& lane) { sum += lane.events.load(std::memory_order_relaxed); });
  return sum;
}

}  // namespace gilscope
