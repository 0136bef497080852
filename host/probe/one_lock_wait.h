// One wait of the calling thread for a lock of Python's: noted when it begins, while it goes on for long, and
// when it is over.
#pragma once

#include <cstdint>
#include <semaphore.h>
#include <unistd.h>

#include "probe/lock_watch.h"

namespace gilscope {

// A semaphore that is the lock itself; or else, on the stack of who waits, what lies before it says which
// lock it is of (struct wait_entry of Python/parking_lot.c).
[[nodiscard]] std::uintptr_t lock_of(const sem_t* semaphore) noexcept;

// The thread has no GIL.
class OneLockWait {
 public:
  explicit OneLockWait(const sem_t* semaphore) noexcept;
  OneLockWait(const OneLockWait&) = delete;
  OneLockWait& operator=(const OneLockWait&) = delete;
  OneLockWait(OneLockWait&&) = delete;
  OneLockWait& operator=(OneLockWait&&) = delete;
  // A thread may be cancelled in a wait.
  ~OneLockWait() {
    if (!is_over_) end(false);
  }

  // It goes on for long: what the thread has itself, others may wait for.
  void look() const noexcept;

  // `is_ended`: by somebody, rather than by time or a signal.
  void end(bool is_ended) noexcept;

 private:
  [[nodiscard]] LockTable* table_at(std::size_t i) const noexcept;
  void note(std::size_t i, const LockWait& wait, const NumberedPlace& end, std::uint64_t woke) const noexcept;

  const sem_t* semaphore_;
  std::uintptr_t lock_;
  std::uint32_t thread_ = static_cast<std::uint32_t>(gettid());
  std::uint64_t began_;  // ticks, as these,
  std::uint64_t slept_ = 0;
  std::uint64_t tried_ = 0;  // before
  NumberedPlaces places_{};
  Stands stands_{};
  bool is_known_ = false;
  bool is_for_world_ = false;
  bool is_over_ = false;
};

}  // namespace gilscope
