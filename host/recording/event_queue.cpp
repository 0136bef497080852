#include "recording/event_queue.h"

#include <cerrno>
#include <sys/syscall.h>
#include <type_traits>
#include <unistd.h>

namespace gilscope {
namespace {

static_assert(std::is_trivially_default_constructible_v<EventQueue> &&
                  std::is_trivially_destructible_v<EventQueue>,
              "never constructed: pages of zeros are valid ones");

constexpr std::uint64_t kFirstSweep = 64;

}  // namespace

bool has_ended(ThreadId thread) noexcept {
  return syscall(SYS_tgkill, getpid(), static_cast<pid_t>(thread), 0) != 0 && errno == ESRCH;
}

void EventQueue::begin() noexcept {
  rings_to_sweep.set(kFirstSweep);
  shared.begin();
}

// A thread that has ended gives nothing back: its ring is found when others want one.
EventRing* EventQueue::ring_of(std::uint32_t thread) noexcept {
  const std::atomic_ref<std::uint64_t> count(rings_used.raw);
  for (;;) {
    auto used = std::min<std::uint64_t>(count.load(std::memory_order_relaxed), kRings);
    const auto in_use = std::span(rings).first(used);
    // The system gives an id again: the ring goes with it.
    for (EventRing& ring : in_use) {
      if (ring.owner.read() == thread) return &ring;
    }
    for (EventRing& ring : in_use) {
      std::uint64_t nobody = 0;
      if (std::atomic_ref(ring.owner.raw)
              .compare_exchange_strong(nobody, thread, std::memory_order_relaxed)) {
        return &ring;
      }
    }
    if (used >= std::min<std::uint64_t>(rings_to_sweep.read(), kRings) && sweep(in_use)) continue;
    if (used == kRings) return nullptr;
    count.compare_exchange_strong(used, used + 1, std::memory_order_release);
  }
}

bool EventQueue::sweep(std::span<EventRing> in_use) noexcept {
  std::uint64_t alive = 0;
  for (EventRing& ring : in_use) {
    auto owner = ring.owner.read();
    if (owner == 0) continue;
    if (has_ended(ThreadId{static_cast<std::uint32_t>(owner)})) {
      // It may have been given to another thread of that id meanwhile: then it is alive, and owns it.
      std::atomic_ref(ring.owner.raw).compare_exchange_strong(owner, 0, std::memory_order_relaxed);
    } else {
      ++alive;
    }
  }
  rings_to_sweep.set(std::max(kFirstSweep, 2 * alive));
  return alive < in_use.size();
}

}  // namespace gilscope
