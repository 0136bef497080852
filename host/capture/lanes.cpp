#include "capture/lanes.h"

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>

namespace gilscope {
namespace {

constexpr std::size_t kLanesSize = sizeof(Lane) * LaneTable::kMaxLanes;
constexpr std::size_t kCellsSize = sizeof(GilCell) * kMaxGils;

// Address space; memory comes with the first use of each page, as zeros, which is what a fresh lane and a
// fresh cell are.
void* map_zeros(std::size_t size) noexcept {
  void* const memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

int LaneTable::prepare() noexcept {
  if (lanes_ == nullptr) lanes_ = static_cast<Lane*>(map_zeros(kLanesSize));
  if (lanes_ != nullptr && cells_ == nullptr) cells_ = static_cast<GilCell*>(map_zeros(kCellsSize));
  return lanes_ == nullptr || cells_ == nullptr ? errno : 0;
}

Lane* LaneTable::take(std::uint64_t owner) noexcept {
  const std::uint32_t count = std::min(count_.load(std::memory_order_relaxed), kMaxLanes);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint64_t expected = Lane::kFree;
    if (lanes_[i].owner.load(std::memory_order_relaxed) == Lane::kFree &&
        lanes_[i].owner.compare_exchange_strong(expected, owner, std::memory_order_acquire,
                                                std::memory_order_relaxed)) {
      return &lanes_[i];
    }
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
    lane.last = {};
    lane.cell = nullptr;
    lane.gil = {};
    lane.thread = {};
    lane.window_end = 0;
    lane.events.store(0, std::memory_order_relaxed);
    lane.stacks = nullptr;
    lane.spilled = 0;
    lane.is_published = false;
    lane.owner.store(Lane::kFresh, std::memory_order_relaxed);
  });
  count_.store(0, std::memory_order_relaxed);
  if (cells_ == nullptr) return;
  // Remapped rather than written over: that gives the memory back. Where it fails the old cells stay, which
  // only lets the first keys begin higher.
  void* const memory = mmap(cells_, kCellsSize, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (memory != MAP_FAILED) cells_ = static_cast<GilCell*>(memory);
}

std::uint64_t LaneTable::events() noexcept {
  std::uint64_t sum = 0;
  for_each([&](const Lane& lane) { sum += lane.events.load(std::memory_order_relaxed); });
  return sum;
}

}  // namespace gilscope
