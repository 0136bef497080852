// A lock in memory that processes share; whoever has it may be killed meanwhile. All zero bits: nobody has
// begun to use it.
#pragma once

#include <pthread.h>

#include "analysis/cell.h"
#include "support/time.h"

namespace gilscope {

struct SharedLock {
  // Once, by the process that makes the memory.
  void begin() noexcept;

  void lock() noexcept;
  [[nodiscard]] bool try_lock() noexcept;
  // Of another process's, whose threads may stand still while they have it.
  [[nodiscard]] bool lock_within(Nanoseconds patience) noexcept;
  void unlock() noexcept;

  Cell has_begun;
  Cell version;  // odd while somebody has it: for those who only look
  pthread_mutex_t mutex;

 private:
  // Of an owner that was killed it is odd already. A release, as all stores to a Cell are: whoever sees what
  // is written next sees this, too.
  void note_locked() noexcept { version.set(version.get() | 1U); }
};

}  // namespace gilscope
