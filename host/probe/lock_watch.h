// What those share who note waits for locks: who watches, the semaphores that threads wait for, and who has
// waited for which lock. All zero bits: none.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <semaphore.h>

#include "probe/clock.h"
#include "probe/hooks.h"
#include "probe/lock_places.h"
#include "probe/lock_table.h"
#include "probe/recorder.h"

namespace gilscope {

// A place as each of those who watch knows it.
using NumberedPlaces = std::array<NumberedPlace, kMostProbes>;

// A semaphore that somebody waits for, and who posted it last.
struct AwaitedSemaphore {
  const sem_t* semaphore = nullptr;
  std::uint32_t waiters = 0;
  std::uint32_t ender = 0;
  NumberedPlaces ended_at;
  std::uint64_t stopped = 0;  // ticks at which it began to wait for the world to go on; 0: for anything else
};

// Those whose addresses have one hash. How many wait there, whoever posts may look at without the mutex.
// Relaxed: who comes to wait just now has been ended by nobody that we know.
struct AwaitedSemaphores {
  std::atomic<std::uint32_t> waiters{0};
  std::array<AwaitedSemaphore, 6> known;

  [[nodiscard]] AwaitedSemaphore* find(const sem_t* semaphore) noexcept {
    auto* const found = std::ranges::find(known, semaphore, &AwaitedSemaphore::semaphore);
    return found == known.end() ? nullptr : found;
  }
};

// Which threads have waited for a lock, a bit for each by its id: who ends a wait for a lock that he has
// waited for himself had his turn, else he may have signalled.
class KnownLocks {
 public:
  // The thread has waited for it. Returns whether the other one had, too, before.
  bool add(std::uintptr_t lock, std::uint32_t thread, std::uint32_t other) noexcept {
    Entry& entry = entries_.at((lock >> 3U) * 0x9E3779B97F4A7C15U >> (64 - kBits));
    if (entry.lock != lock) entry = {.lock = lock, .waiters = 0};
    const bool is_known = other != 0 && (entry.waiters & bit_of(other)) != 0;
    entry.waiters |= bit_of(thread);
    return is_known;
  }

 private:
  struct Entry {
    std::uintptr_t lock = 0;
    std::uint64_t waiters = 0;
  };
  static constexpr unsigned kBits = 9;
  static std::uint64_t bit_of(std::uint32_t thread) noexcept { return std::uint64_t{1} << thread % 64; }

  std::array<Entry, 1U << kBits> entries_{};
};

// What threads waited for last at a stack. CPython keeps lists of who waits, with a lock for each that has no
// name: who waits there for such a one does so on account of the lock that the list is for.
class LastParked {
 public:
  // What is known of it now, or was known last.
  [[nodiscard]] ParkedLock find_again(std::uint64_t stack, const ParkedLock& parked) noexcept {
    Entry& entry = entries_.at(stack % entries_.size());
    const bool is_list = parked.kind == LockKind::Unknown;
    if (is_list) return entry.stack == stack ? entry.parked : parked;
    if (parked.kind == LockKind::Lock || parked.kind == LockKind::Object) entry = {stack, parked};
    return parked;
  }

 private:
  struct Entry {
    std::uint64_t stack = 0;
    ParkedLock parked;
  };

  std::array<Entry, 64> entries_{};
};

struct Watcher {
  Recorder* recorder = nullptr;
  LockTable* table = nullptr;  // its; nullptr: nobody watches
  std::uint32_t number = 0;    // another one for each table
  RecentPlaces recent;

  // Of a wait at a place that is over, and where that ended.
  void tell(const LockWait& wait, std::size_t place, std::size_t ended_at,
            const Stand& stand) const noexcept {
    recorder->record_wait(wait, table->add(wait, place, ended_at), stand);
  }
};

struct LockWatch {
  std::atomic<int> watchers{0};
  std::mutex mutex;  // of all that follows
  std::uint32_t last_number = 0;
  std::array<Watcher, kMostProbes> watching;
  std::array<AwaitedSemaphores, 256> semaphores;
  KnownLocks locks;
  LastParked parked;

  [[nodiscard]] AwaitedSemaphores& like(const sem_t* semaphore) noexcept {
    constexpr unsigned kBits = 64 - 8;
    const auto address = reinterpret_cast<std::uintptr_t>(semaphore);
    return semaphores.at((address >> 4U) * 0x9E3779B97F4A7C15U >> kBits);
  }
};

extern constinit LockWatch lock_watch;
extern constinit ProbeClock lock_clock;

// The thread has the mutex, or is about to: what a handler of a signal calls meanwhile is not noted.
extern constinit thread_local bool is_noting __attribute__((tls_model("initial-exec")));

inline bool is_watched() noexcept {
  return lock_watch.watchers.load(std::memory_order_relaxed) != 0 && !is_noting;
}

class NotesLock {
 public:
  NotesLock() noexcept {
    is_noting = true;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    lock_watch.mutex.lock();
  }
  NotesLock(const NotesLock&) = delete;
  NotesLock& operator=(const NotesLock&) = delete;
  NotesLock(NotesLock&&) = delete;
  NotesLock& operator=(NotesLock&&) = delete;
  ~NotesLock() {
    lock_watch.mutex.unlock();
    std::atomic_signal_fence(std::memory_order_seq_cst);
    is_noting = false;
  }
};

// With the mutex.
inline NumberedPlaces number_place(const OwnStack& stack, OwnStack::Call call) noexcept {
  NumberedPlaces places{};
  for (std::size_t i = 0; i < places.size(); ++i) {
    Watcher& watcher = lock_watch.watching.at(i);
    if (watcher.table != nullptr)
      places.at(i) = stack.number(watcher.recent, *watcher.table, watcher.number, call);
  }
  return places;
}

// Likewise: the calling thread is about to wait there.
using Stands = std::array<Stand, kMostProbes>;
inline Stands stand_at(std::uint64_t ticks, const OwnStack& stack) noexcept {
  Stands stands{};
  for (std::size_t i = 0; i < stands.size(); ++i) {
    const Watcher& watcher = lock_watch.watching.at(i);
    if (watcher.table != nullptr)
      stands.at(i) = watcher.recorder->stand_at(ticks, stack.points(), python_code());
  }
  return stands;
}

}  // namespace gilscope
