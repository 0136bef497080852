#include <Python.h>

#include "probe/lock_waits.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <exception>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <span>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "probe/attached.h"
#include "probe/collections.h"
#include "probe/hooks.h"
#include "probe/lock_places.h"
#include "probe/lock_tries.h"
#include "probe/lock_watch.h"
#include "probe/one_lock_wait.h"
#include "probe/parking_lot.h"
#include "probe/pending_signals.h"
#include "probe/slot_patch.h"
#include "probe/world_pause.h"
#include "support/log.h"
#include "support/utf8.h"

#define GILSCOPE_LOCK_CALLS(CALL)                                               \
  CALL(sem_wait, (sem_t * semaphore))                                           \
  CALL(sem_timedwait, (sem_t * semaphore, const timespec* until))               \
  CALL(sem_clockwait, (sem_t * semaphore, clockid_t id, const timespec* until)) \
  CALL(sem_post, (sem_t * semaphore))

namespace gilscope {

constinit LockWatch lock_watch;   // all zero bits: pages that nobody needs are not there
constinit ProbeClock lock_clock;  // changes while nobody watches

constinit thread_local bool is_noting __attribute__((tls_model("initial-exec"))) = false;

namespace {

struct LockCalls {
// NOLINTNEXTLINE(bugprone-macro-parentheses): a member's name takes none
#define GILSCOPE_LOCK_CALL(name, parameters) decltype(&::name) name;
  GILSCOPE_LOCK_CALLS(GILSCOPE_LOCK_CALL)
  decltype(&::sched_yield) sched_yield;
#undef GILSCOPE_LOCK_CALL
};

// Written before the first patch and never after, as in hooks.h.
constinit LockCalls real_calls{};
constinit SlotPatch* lock_patch = nullptr;

// The one that the thread asks for, and what called for it. HOT, as is_noting.
struct OwnPause : WorldPause {
  std::uint64_t why = 0;  // as StopRow has it
  std::array<char, kLockNameBytes> call{};
};
constinit thread_local OwnPause own_pause __attribute__((tls_model("initial-exec")));

// A thread that stops the world waits for a time until all others stand, and for no lock: attached all along,
// as nobody else does, or (to import an extension) at what is CPython's own, where all others wait as long as
// it takes.
bool is_for_others_to_stand(const sem_t* semaphore) noexcept {
  const std::uintptr_t lock = lock_of(semaphore);
  if (lock == reinterpret_cast<std::uintptr_t>(semaphore)) return false;
  return attached_state() != nullptr || describe_parked(lock, nullptr).kind == LockKind::Python;
}

int wait_until_all_stand(sem_t* semaphore, clockid_t id, const timespec* until) {
  const std::uint64_t began = lock_clock.read();
  const int result = real_calls.sem_clockwait(semaphore, id, until);
  own_pause.wait(began, lock_clock.read(), result == 0);
  return result;
}

// A handler of a signal, which Python code in the calling thread is, waits for that to return to CPython.
// Only of the main thread.
bool has_signal() noexcept {
#if PY_VERSION_HEX >= 0x030d0000
  constexpr std::uintptr_t kSignals = 2;  // _PY_SIGNALS_PENDING_BIT of pycore_ceval.h
  PyThreadState* const state = PyGILState_GetThisThreadState();
  return state != nullptr && !is_python_ending() &&
         (std::atomic_ref(state->eval_breaker).load(std::memory_order_relaxed) & kSignals) != 0;
#else
  return gettid() == getpid() && gilscope_has_pending_signal() != 0;
#endif
}

// What is free is taken without a wait: CPython asks for some locks so that nobody has. Not noexcept:
// pthread_cancel unwinds through a real wait.
// `wait` is told of the watched one; nullptr: it is none.
template <typename Wait>
int watch_wait(sem_t* semaphore, Wait wait) {
  if (!is_watched()) return wait(nullptr);
  const int error = errno;
  if (sem_trywait(semaphore) == 0) return 0;
  errno = error;
  const bool had_signal = has_signal();
  own_pause.forget();
  OneLockWait watched(semaphore);
  // One that came while that was made ready would have interrupted the wait.
  if (!had_signal && has_signal()) {
    watched.end(false);
    errno = EINTR;
    return -1;
  }
  const int result = wait(&watched);
  watched.end(result == 0);
  return result;
}

// With the mutex: who stopped the world wakes one of those who stood.
void note_pause(const AwaitedSemaphore& awaited, const OwnStack& stack) noexcept {
  const PauseStep step = own_pause.wake(awaited.stopped, lock_clock.read());
  if (step.is_first) {
    CodeWords call;  // NOLINT(cppcoreguidelines-pro-type-member-init): what was written is said
    own_pause.call = {};
    put_first_bytes(stack.called(call), own_pause.call);
    own_pause.why = is_collecting() ? StopRow::kCollection : 0;
  }
  const WorldStop stop{
      .step = step, .thread = awaited.ender, .why = own_pause.why, .call = own_pause.call.data()};
  for (std::size_t i = 0; i < awaited.ended_at.size(); ++i) {
    const Watcher& watcher = lock_watch.watching.at(i);
    if (watcher.table == nullptr || awaited.ended_at.at(i).watch != watcher.number) continue;
    watcher.table->add(stop, awaited.ended_at.at(i).place);
  }
}

[[gnu::noinline]] void note_end(const sem_t* semaphore) noexcept {
  const int error = errno;
  PyThreadState* const state = attached_state();
  const OwnStack stack(state != nullptr || kHasAlwaysGil ? state : PyGILState_GetThisThreadState());
  {
    const NotesLock lock;
    if (AwaitedSemaphore* const awaited = lock_watch.like(semaphore).find(semaphore)) {
      awaited->ender = static_cast<std::uint32_t>(gettid());
      awaited->ended_at = number_place(stack, OwnStack::Call::AsBefore);
      if (awaited->stopped != 0) note_pause(*awaited, stack);
    }
  }
  errno = error;
}

timespec later(clockid_t id, time_t seconds) noexcept {
  timespec time{};
  clock_gettime(id, &time);
  time.tv_sec += seconds;
  return time;
}

// As sem_wait, but for ETIMEDOUT after so many seconds, where CPython can wait so.
int wait_for(sem_t* semaphore, time_t seconds) {
  if (real_calls.sem_clockwait != nullptr) {
    const timespec until = later(CLOCK_MONOTONIC, seconds);
    return real_calls.sem_clockwait(semaphore, CLOCK_MONOTONIC, &until);
  }
  if (real_calls.sem_timedwait == nullptr) return real_calls.sem_wait(semaphore);
  const timespec until = later(CLOCK_REALTIME, seconds);
  return real_calls.sem_timedwait(semaphore, &until);
}

// It is looked at after a second, and then each time that it has taken twice as long.
int wait_and_look(sem_t* semaphore, const OneLockWait& watched) {
  constexpr time_t kLongest = 1'000'000'000;
  for (time_t seconds = 1;; seconds = std::min(2 * seconds, kLongest)) {
    const int error = errno;
    const int result = wait_for(semaphore, seconds);
    if (result == 0 || errno != ETIMEDOUT) return result;
    errno = error;
    watched.look();
  }
}

int hook_sem_wait(sem_t* semaphore) {
  return watch_wait(semaphore, [=](const OneLockWait* watched) {
    return watched != nullptr ? wait_and_look(semaphore, *watched) : real_calls.sem_wait(semaphore);
  });
}

int hook_sem_timedwait(sem_t* semaphore, const timespec* until) {
  return watch_wait(
      semaphore, [=](const OneLockWait* /*watched*/) { return real_calls.sem_timedwait(semaphore, until); });
}

int hook_sem_clockwait(sem_t* semaphore, clockid_t id, const timespec* until) {
  if (!kHasAlwaysGil && is_watched() && is_for_others_to_stand(semaphore))
    return wait_until_all_stand(semaphore, id, until);
  return watch_wait(semaphore, [=](const OneLockWait* /*watched*/) {
    return real_calls.sem_clockwait(semaphore, id, until);
  });
}

// Before the real call: after it the semaphore may be gone, and who waited may be through.
int hook_sem_post(sem_t* semaphore) noexcept {
  if (is_watched() && lock_watch.like(semaphore).waiters.load(std::memory_order_relaxed) != 0) [[unlikely]]
    note_end(semaphore);
  return real_calls.sem_post(semaphore);
}

// A thread that is attached tries to take a lock.
int hook_sched_yield() noexcept {
  if (!is_watched() || !is_try_of_lock(__builtin_return_address(0))) return real_calls.sched_yield();
  return try_again(real_calls.sched_yield);
}

// Where CPython calls it, which is not each of them in any build.
template <typename Function, typename Hook>
void lead(const LoadedObject& cpython, std::string_view name, Function& original, Hook hook,
          std::vector<SlotChange>& changes) {
  const auto slots = cpython.find_slots(name);
  if (slots.empty()) return;
  const auto ours = reinterpret_cast<std::uintptr_t>(hook);
  const auto known = reinterpret_cast<std::uintptr_t>(original);
  const auto found =
      find_original(cpython, slots, {.function = name, .original = known, .hooks = std::span(&ours, 1)});
  if (original == nullptr) original = reinterpret_cast<Function>(found);
  add_changes(slots, ours, changes);
}

// All or none of them.
bool put_in_place(const LoadedObject& cpython) noexcept {
  try {
    std::vector<SlotChange> changes;
#define GILSCOPE_LEAD(name, parameters) lead(cpython, #name, real_calls.name, hook_##name, changes);
    GILSCOPE_LOCK_CALLS(GILSCOPE_LEAD)
#undef GILSCOPE_LEAD
    if (!kHasAlwaysGil) lead(cpython, "sched_yield", real_calls.sched_yield, hook_sched_yield, changes);
    lock_patch = new SlotPatch(changes);
  } catch (const std::exception& error) {
    log_debug("waits for locks are not seen: {}", error.what());
    return false;
  }
  return true;
}

void take_out() noexcept {
  delete lock_patch;  // which puts the originals back; a slot that somebody else has changed since is his
  lock_patch = nullptr;
}

}  // namespace

bool watch_lock_waits(Recorder& recorder, ProbeClock clock, const LoadedObject& cpython) noexcept {
  if (recorder.locks() == nullptr) return false;
  LockWatch& watch = lock_watch;
  const bool is_first = watch.watchers.load(std::memory_order_relaxed) == 0;
  if (!is_first && lock_clock.kind() != clock.kind()) return false;
  if (is_first && !put_in_place(cpython)) return false;
  const std::scoped_lock lock(watch.mutex);
  auto* const place = std::ranges::find(watch.watching, nullptr, &Watcher::table);
  if (place == watch.watching.end()) return false;
  if (is_first) lock_clock = clock;
  place->recorder = &recorder;
  place->table = recorder.locks();
  place->number = ++watch.last_number;
  watch.watchers.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void unwatch_lock_waits(const LockTable& table) noexcept {
  LockWatch& watch = lock_watch;
  {
    const std::scoped_lock lock(watch.mutex);
    auto* const place = std::ranges::find(watch.watching, &table, &Watcher::table);
    if (place == watch.watching.end()) return;
    place->table = nullptr;
    if (watch.watchers.fetch_sub(1, std::memory_order_relaxed) != 1) return;
  }
  take_out();
}

void forget_lock_thread(LockTable& table, std::uint32_t thread) noexcept {
  const NotesLock lock;
  table.forget(thread);
}

void lock_waits_before_fork() noexcept { lock_watch.mutex.lock(); }

void lock_waits_after_fork_in_parent() noexcept { lock_watch.mutex.unlock(); }

// Its table is another one, and empty: no place has a number there. What is not in use is not written to, as
// most children only become another program.
void lock_waits_after_fork_in_child() noexcept {
  for (AwaitedSemaphores& alike : lock_watch.semaphores) {
    if (alike.waiters.load(std::memory_order_relaxed) == 0) continue;
    alike.waiters.store(0, std::memory_order_relaxed);
    alike.known = {};
  }
  for (Watcher& watcher : lock_watch.watching) {
    if (watcher.table != nullptr) watcher.number = ++lock_watch.last_number;
  }
  lock_watch.mutex.unlock();
}

}  // namespace gilscope
