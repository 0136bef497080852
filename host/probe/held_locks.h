// Which of Python's locks a thread has while it waits for another one, as its frames show: a deadlock is a
// circle of those.
#pragma once

#include <cstdint>

#include "probe/lock_table.h"
#include "probe/python_stack.h"

namespace gilscope {

// The frames are the calling thread's, which is detached and waits for that lock, as it has for long. One
// thread at a time. The memory is read by the system: what is gone does no harm.
[[nodiscard]] HeldLocks find_held_locks(const OwnFrames& frames, std::uintptr_t awaited) noexcept;

}  // namespace gilscope
