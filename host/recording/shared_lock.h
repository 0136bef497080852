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
  pthread_mutex_t mutex;
};

}  // namespace gilscope
