// Waits for Python's own locks: threading.Lock and what is built on it, the import lock, what extensions make
// with PyThread_allocate_lock. CPython waits for each of them by a semaphore of the C library, and whoever
// ends that wait posts it: a lock's own (up to 3.12), or one on the stack of who waits (3.13 and later).
// While waits are watched these calls are functions of ours, which read the clock before and after a wait,
// and note who ended it. What nobody waits for costs nothing, or a look at a counter.
#pragma once

#include "probe/clock.h"
#include "probe/elf_slots.h"
#include "probe/lock_table.h"
#include "probe/recorder.h"

namespace gilscope {

// Into the table of the recorder, and to itself, from now on, of every thread of this process; check_stacks()
// was true. Several may watch at once: one that comes while others do hears nothing where its clock is
// another one. With the nesting_mutex(), as is all of this. Returns false where nothing is noted: CPython
// calls none of the functions, or they lead elsewhere.
[[nodiscard]] bool watch_lock_waits(Recorder& recorder, ProbeClock clock,
                                    const LoadedObject& cpython) noexcept;
// Any thread, and after the end of Python too. Afterwards nothing is written there.
void unwatch_lock_waits(const LockTable& table) noexcept;

// The thread has ended: there is room for another one.
void forget_lock_thread(LockTable& table, std::uint32_t thread) noexcept;

// Around a fork, which no other thread's note may be cut in two by. In the child nobody waits.
void lock_waits_before_fork() noexcept;
void lock_waits_after_fork_in_parent() noexcept;
void lock_waits_after_fork_in_child() noexcept;

}  // namespace gilscope
