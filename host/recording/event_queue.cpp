#include "recording/event_queue.h"

#include <cerrno>
#include <ctime>
#include <sched.h>
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

// Robust: a reader in another process may be killed while it has it.
void EventQueue::begin() noexcept {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  rings_to_sweep.set(kFirstSweep);
  has_begun.set(1);
}

bool EventQueue::try_lock() noexcept {
  const int error = pthread_mutex_trylock(&mutex);
  if (error == EOWNERDEAD) pthread_mutex_consistent(&mutex);
  return error == 0 || error == EOWNERDEAD;
}

void EventQueue::lock() noexcept {
  if (pthread_mutex_lock(&mutex) == EOWNERDEAD) pthread_mutex_consistent(&mutex);
}

// Without a clock: some processes may not read one (see may_read_tsc). Whoever takes events out is done in
// some ten microseconds.
bool EventQueue::lock_within(Nanoseconds patience) noexcept {
  if (has_begun.read() == 0) return false;
  constexpr int kTries = 64;
  for (int i = 0; i < kTries; ++i) {
    if (try_lock()) return true;
    sched_yield();
  }
  constexpr Nanoseconds kPause = std::chrono::milliseconds(1);
  const timespec pause{.tv_sec = 0, .tv_nsec = kPause.count()};
  for (Nanoseconds waited{}; !try_lock(); waited += kPause) {
    if (waited >= patience) return false;
    nanosleep(&pause, nullptr);
  }
  return true;
}

void EventQueue::unlock() noexcept { pthread_mutex_unlock(&mutex); }

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
