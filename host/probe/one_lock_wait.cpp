#include <Python.h>

#include "probe/one_lock_wait.h"

#include <cerrno>
#include <pthread.h>

#include "probe/held_locks.h"
#include "probe/lock_tries.h"
#include "probe/parking_lot.h"

namespace gilscope {

std::uintptr_t lock_of(const sem_t* semaphore) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(semaphore);
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  constexpr auto kNear = std::uintptr_t{16} * 1024;  // the frames of a few functions of CPython's
  const bool is_on_own_stack = address > here && address - here < kNear;
  return is_on_own_stack ? reinterpret_cast<const std::uintptr_t*>(semaphore)[-1] : address;
}

OneLockWait::OneLockWait(const sem_t* semaphore) noexcept
    : semaphore_(semaphore), lock_(lock_of(semaphore)), began_(lock_clock.read()) {
  PyThreadState* const state = PyGILState_GetThisThreadState();
  const bool is_itself = lock_ == reinterpret_cast<std::uintptr_t>(semaphore);
  ParkedLock parked = is_itself ? ParkedLock{} : describe_parked(lock_, state);
  OwnStack stack(state);
  is_for_world_ = parked.kind == LockKind::World;
  AwaitedSemaphores& alike = lock_watch.like(semaphore);
  const NotesLock lock;
  if (!is_itself && !stack.points().empty()) parked = lock_watch.parked.find_again(stack.key(), parked);
  stack.wait_for(parked);
  alike.waiters.fetch_add(1, std::memory_order_relaxed);
  AwaitedSemaphore* const awaited = alike.find(semaphore);
  AwaitedSemaphore* const place = awaited != nullptr ? awaited : alike.find(nullptr);
  if (place != nullptr) {
    if (is_for_world_) place->stopped = began_;
    place->semaphore = semaphore;
    ++place->waiters;
    is_known_ = true;
  }
  places_ = number_place(stack, OwnStack::Call::LookedAt);
  tried_ = end_tries_before(began_);
  stands_ = stand_at(began_, stack);
  slept_ = lock_clock.read();
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (LockTable* const table = table_at(i))
      table->begin(thread_, {.since = slept_,
                             .lock = lock_,
                             .place = places_.at(i).place,
                             .identity = static_cast<std::uint64_t>(pthread_self())});
  }
}

void OneLockWait::look() const noexcept {
  const PyThreadState* const state = PyGILState_GetThisThreadState();
  if (state == nullptr || !is_watched()) return;
  const OwnFrames frames = own_frames(state);
  const NotesLock lock;
  const HeldLocks found = find_held_locks(frames, lock_);
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (LockTable* const table = table_at(i)) table->look(thread_, lock_clock.read(), found);
  }
}

void OneLockWait::end(bool is_ended) noexcept {
  const int error = errno;
  is_over_ = true;
  const std::uint64_t woke = lock_clock.read();
  AwaitedSemaphores& alike = lock_watch.like(semaphore_);
  const NotesLock lock;
  alike.waiters.fetch_sub(1, std::memory_order_relaxed);
  AwaitedSemaphore ended;
  if (AwaitedSemaphore* const awaited = is_known_ ? alike.find(semaphore_) : nullptr) {
    ended = *awaited;
    if (--awaited->waiters == 0) *awaited = {};
  }
  if (!is_ended) ended = {};
  const LockWait wait{.thread = thread_,
                      .ender = ended.ender,
                      .begin = slept_ - tried_,
                      .ticks = tried_ + (woke > slept_ ? woke - slept_ : 0),
                      .is_by_peer = lock_watch.locks.add(lock_, thread_, ended.ender),
                      .is_for_world = is_for_world_};
  for (std::size_t i = 0; i < places_.size(); ++i) note(i, wait, ended.ended_at.at(i), woke);
  errno = error;
}

// Nullptr: nobody's, or this wait began before it.
LockTable* OneLockWait::table_at(std::size_t i) const noexcept {
  const Watcher& watcher = lock_watch.watching.at(i);
  return watcher.table != nullptr && places_.at(i).watch == watcher.number ? watcher.table : nullptr;
}

void OneLockWait::note(std::size_t i, const LockWait& wait, const NumberedPlace& end,
                       std::uint64_t woke) const noexcept {
  const Watcher& watcher = lock_watch.watching.at(i);
  if (table_at(i) == nullptr) return;
  watcher.tell(wait, places_.at(i).place, end.watch == watcher.number ? end.place : LockTable::kNoPlace,
               stands_.at(i));
  const std::uint64_t now = lock_clock.read();
  HookTimes* const times = watcher.recorder->times();
  if (times != nullptr && now > woke && slept_ > began_) times->add_work(slept_ - began_ + now - woke);
}

}  // namespace gilscope
