// The recorder's memory, one for the process: a lane a thread that records. It lies in a mapping that is made
// once and stays, as a thread may look at its lane when the recorder is long gone.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "capture/format.h"
#include "capture/stack_table.h"
#include "probe/event.h"

namespace gilscope {

// The writer of one stream. All but `owner` and `events` belong to the owning thread.
struct alignas(128) Lane {
  // First what each event touches.
  BlockHeader* home = nullptr;   // mapped
  std::uint64_t last_ticks = 0;  // of the last event,
  GilId gil{};                   // its GIL
  ThreadId thread{};             // and thread
  std::uint64_t window_end = 0;  // from these ticks on, the long way: delta too wide, or a clock point due
  std::atomic<std::uint64_t> events{0};  // relaxed: one writer, and readers of a sum

  StackTable* stacks = nullptr;  // nullptr: the stream has told of none
  RecentStacks recent{};
  KeptStack released_at;      // of the owner's latest release, where that came with one
  std::uint32_t spilled = 0;  // the latest spilled part
  bool is_published = false;
  // kFresh, kFree, or a number that is never given twice: a thread that ends late, after the recorder stopped
  // and started, cannot give away what is another's by now. Acquire on taking pairs with release on giving
  // back: the rest of the lane goes with it.
  static constexpr std::uint64_t kFresh = 0;
  static constexpr std::uint64_t kFree = 1;
  static constexpr std::uint64_t kFirstOwner = 2;
  std::atomic<std::uint64_t> owner{kFresh};
};

class LaneTable {
 public:
  static constexpr std::uint32_t kMaxLanes = 1U << 16U;

  // Maps the memory where that has not been done. Returns errno, or 0.
  int prepare() noexcept;

  // A lane of the caller's own: one that somebody gave back, with events before these ticks, or a fresh one
  // (whose home is nullptr). nullptr where too many threads record at once. Cost grows with the number of
  // lanes, once a thread.
  Lane* take(std::uint64_t owner, std::uint64_t ticks) noexcept;
  // Nothing where the lane is not `owner`'s any more.
  static void give_back(Lane& lane, std::uint64_t owner) noexcept;

  // Nobody records meanwhile, in these three.
  template <typename Visit>
  void for_each(Visit visit) noexcept {
    const std::uint32_t count = count_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < count && i < kMaxLanes; ++i) visit(lanes_[i]);
  }
  // All lanes fresh.
  void clear() noexcept;
  [[nodiscard]] std::uint64_t events() noexcept;

 private:
  Lane* lanes_ = nullptr;
  std::atomic<std::uint32_t> count_{0};  // relaxed: what is beyond it is fresh, and says so itself
};

}  // namespace gilscope
