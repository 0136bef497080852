// What the lock is that a thread of CPython's waits for in its parking lot (Python/parking_lot.c, 3.13 and
// later): the semaphore it sleeps at lies on its own stack, right behind the lock's address (struct
// wait_entry), and the address says what has the lock: a threading.Lock, an object that one thread uses at a
// time, the thread's own state while the world is stopped, or CPython itself. Of builds that are
// free-threaded.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "probe/elf_slots.h"
#include "probe/lock_table.h"

namespace gilscope {

struct ParkedLock {
  LockKind kind = LockKind::Unknown;
  std::array<char, kLockNameBytes> type{};  // of an object: its type's name, cut; up to the first zero

  [[nodiscard]] std::string_view type_name() const noexcept;
};

// Finds out by a wait of the calling thread's own, whose lock is known, whether all this is so here. Once in
// a process; the calling thread is attached, and detaches for a moment. Not while waits are watched.
void calibrate_parking_lot(const LoadedObject& cpython) noexcept;

// Whether a sched_yield that returns there is of a thread that tries again to take such a lock, as
// calibrate_parking_lot() has seen it: CPython yields for other reasons, too. HOT.
[[nodiscard]] bool is_try_of_lock(const void* returns_to) noexcept;

// Of the lock at that address, for which the calling thread is about to wait: what it belongs to lives as
// long. `state`: the thread's, or nullptr. Where calibrate_parking_lot() found it to be so; else it is
// Unknown. HOT: memory that may be another's is read by the system.
[[nodiscard]] ParkedLock describe_parked(std::uintptr_t lock, const void* state) noexcept;

}  // namespace gilscope
