#include <Python.h>

#include "probe/hooks.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <sched.h>
#include <unistd.h>
#include <utility>

#include "probe/python_stack.h"

namespace gilscope {

constinit Originals originals{};

namespace {

constinit HookSession session;

// Relaxed: the same for the whole process, and written before the first slot is.
constinit std::atomic<std::uintptr_t> switch_cond_offset{0};

constinit Gil no_gil;

// What a thread remembers from hook to hook. Trivial, so that it needs no guard and is there as long as the
// thread.
struct ThreadMemory {
  Gil* gil = &no_gil;                 // the one it used last
  Gil* awaited = nullptr;             // the one that it has requested and not got yet,
  std::uint64_t awaited_session = 0;  // in this run of the probe
  std::uint64_t last_ticks = 0;       // of its latest event,
  std::uint64_t last_session = 0;     // which was in this run
  std::uintptr_t initialised = 0;     // the condition variable that it initialised last
  ThreadId id = kNobody;
  std::uint32_t until_timed = 0;  // how many events until one is timed, see HookTimes
  bool is_recording = false;      // re-entry guard
};
constinit thread_local ThreadMemory self __attribute__((tls_model("initial-exec")));

std::uintptr_t address_of(const pthread_cond_t* cond) noexcept {
  return reinterpret_cast<std::uintptr_t>(cond);
}

// Relaxed: only compared; a GIL that this thread uses was in the table before it could lock the GIL's mutex.
std::uintptr_t key_of(const Gil& gil) noexcept { return gil.cond.load(std::memory_order_relaxed); }

// Threads inside Recorder::work(): with no mutex of a GIL that would keep the recorder there.
constinit std::atomic<int> workers{0};

void hand_to_recorder(Gil& gil) noexcept {
  if (!gil.has_id) {
    gil.id = GilId{session.next_gil++};
    gil.sequence = 0;
  }
  gil.has_id = true;
  gil.recorder = session.recorder;
  gil.recorder->open(gil.id, session.owners.owner_of(key_of(gil)));
}

// The first event of a GIL in this run. Only tries the table's mutex: its holder may be waiting for the GIL's
// mutex, which we hold (end_session). An event that comes just then belongs to no run.
[[gnu::noinline]] bool adopt(Gil& gil) noexcept {
  if (!gil_table.mutex().try_lock()) return false;
  if (session.recorder != nullptr) {
    // One of an interpreter that shares another's GIL has no event: the address is in use again.
    if (session.owners.is_gil(key_of(gil))) {
      hand_to_recorder(gil);
    } else {
      GilTable::erase(gil);
    }
  }
  gil_table.mutex().unlock();
  return gil.recorder != nullptr;
}

[[gnu::noinline]] void identify_thread() noexcept {
  const auto id = static_cast<std::uint32_t>(gettid());
  self.id = ThreadId{id};
  // Of many threads that end soon, some are timed at early events, others at later ones; none at its first,
  // which is the first to touch the recorder's memory, and would stand for others that do not.
  self.until_timed = 2 + id % HookTimes::kOneOf;
}

bool may_record(Gil& gil) noexcept {
  if (self.is_recording) [[unlikely]]
    return false;
  if (gil.recorder == nullptr && !adopt(gil)) [[unlikely]]
    return false;
  if (self.id == kNobody) [[unlikely]]
    identify_thread();
  return true;
}

// The counter is read out of order with the lock that orders the events, and a thread may come to a processor
// whose counter is behind. No two events of a GIL have one time, nor two of a thread: their times grow
// (a Lamport clock; change_gil does the part of the thread).
Event happen(Gil& gil, EventKind kind) noexcept {
  gil.last_ticks = std::max(gil.last_ticks + 1, session.clock.read());
  self.last_ticks = gil.last_ticks;
  self.last_session = session.number;
  return {.ticks = gil.last_ticks, .gil = gil.id, .thread = self.id, .kind = kind, .sequence = gil.sequence};
}

// When an event that concerns others, too, is recorded: from the reading of the clock to here.
void note_time(const Gil& gil, const Event& event) noexcept {
  if (--self.until_timed != 0) [[likely]]
    return;
  self.until_timed = HookTimes::kOneOf;
  HookTimes* const times = gil.recorder->times();
  if (times == nullptr) return;
  const std::uint64_t now = session.clock.read();
  times->add_event(event.kind == EventKind::Acquire, now > event.ticks ? now - event.ticks : 0);
}

void record(Gil& gil, EventKind kind) noexcept {
  const Event event = happen(gil, kind);
  self.is_recording = true;
  ++gil.sequence;
  gil.recorder->record(event);
  note_time(gil, event);
  self.is_recording = false;
}

void record_quietly(Gil& gil, EventKind kind) noexcept {
  const Event event = happen(gil, kind);
  self.is_recording = true;
  if (!gil.recorder->absorb(event)) {
    ++gil.sequence;
    gil.recorder->record(event);
  }
  self.is_recording = false;
}

// Where somebody waits, or where every hold is asked for: with where the thread stands. drop_gil and take_gil
// have named their thread state as the GIL's latest holder, and its frames cannot move while we hold the
// GIL's mutex. After the clock was read: what this takes is no part of a hold that ends.
[[gnu::noinline]] void record_with_stack(Gil& gil, EventKind kind) noexcept {
  const Event event = happen(gil, kind);
  self.is_recording = true;
  ++gil.sequence;
  FrameBuffer buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read_stack() says what it wrote
  std::span<const CodePoint> stack;
  if (session.holder_distance != 0) {
    const void* const state = *reinterpret_cast<const void* const*>(key_of(gil) - session.holder_distance);
    if (state != nullptr) stack = read_stack(state, buffer);
  }
  gil.recorder->record_at(event, stack, python_code());
  note_time(gil, event);
  self.is_recording = false;
}

// Returns whether the thread had waited for the GIL.
bool stop_waiting(Gil& gil) noexcept {
  const bool has_waited = self.awaited == &gil && self.awaited_session == session.number;
  if (has_waited && gil.waiters > 0) --gil.waiters;
  self.awaited = nullptr;
  return has_waited;
}

void on_release(Gil& gil) noexcept {
  if (!may_record(gil)) return;
  if (gil.holder != self.id) [[unlikely]] {
    // A hold that began before the probe saw this GIL; or a free-threaded build, where a waiter that finds
    // the GIL switched off goes on without it and wakes the next one.
    if (self.awaited == &gil) stop_waiting(gil);
    return;
  }
  gil.holder = kNobody;
  if (gil.waiters != 0 || session.notes_every_hold) [[unlikely]] {
    record_with_stack(gil, EventKind::Release);
  } else {
    record_quietly(gil, EventKind::Release);
  }
}

void on_acquire(Gil& gil) noexcept {
  const bool has_waited = self.awaited != nullptr && stop_waiting(gil);
  if (!may_record(gil)) return;
  gil.holder = self.id;
  const bool has_changed = gil.last_holder != self.id;
  if (has_changed) {
    gil.last_holder = self.id;
    ++gil.switches;
  }
  if (has_waited || session.notes_every_hold) [[unlikely]] {
    record_with_stack(gil, EventKind::Acquire);
  } else if (has_changed || gil.waiters != 0) {
    record(gil, EventKind::Acquire);
  } else {
    record_quietly(gil, EventKind::Acquire);
  }
}

// A waiter's round ended by its time limit. CPython asks the holder to give the GIL up if the GIL is locked
// now, and no thread but the holder has taken it during the round: so do we say. (`cond` tells whether the
// entry is still this GIL's: the wait may have outlived a run of the probe.)
void on_timeout(Gil& gil, std::uintptr_t cond, std::uint64_t in_session,
                std::uint64_t switches_before) noexcept {
  if (key_of(gil) != cond || gil.recorder == nullptr || self.is_recording) return;
  if (session.number != in_session || gil.switches != switches_before || gil.holder == kNobody) return;
  record(gil, EventKind::Timeout);
}

// A thread that would sleep does what is left to do instead, off the GIL's mutex. Then its wait is over
// without a reason, as waits may be (POSIX calls it a spurious wakeup): CPython looks whether the GIL is
// free, and waits again. Once a wait, as its switch interval begins anew.
[[gnu::noinline]] void work(Recorder& recorder, ProbeClock clock, pthread_mutex_t& mutex) noexcept {
  workers.fetch_add(1, std::memory_order_relaxed);
  pthread_mutex_unlock(&mutex);
  const std::uint64_t begin = clock.read();
  recorder.work();
  if (HookTimes* const times = recorder.times()) times->add_work(clock.read() - begin);
  workers.fetch_sub(1, std::memory_order_release);
  originals.pthread_mutex_lock(&mutex);
}

// With the mutex of the new one held.
void change_gil(Gil& gil) noexcept {
  self.gil = &gil;
  if (self.last_session == session.number) gil.last_ticks = std::max(gil.last_ticks, self.last_ticks);
}

Gil* find_gil(std::uintptr_t cond) noexcept {
  if (key_of(*self.gil) == cond) [[likely]]
    return self.gil;
  Gil* const gil = gil_table.find(cond);
  if (gil != nullptr) change_gil(*gil);
  return gil;
}

// A thread that changes between GILs, or a condition variable that is no GIL's.
[[gnu::noinline]] void on_other_signal(std::uintptr_t cond, std::uintptr_t offset) noexcept {
  if (Gil* const released = find_gil(cond)) {
    on_release(*released);
  } else if (Gil* const acquired = find_gil(cond - offset)) {
    on_acquire(*acquired);
  }
}

// The table's mutex is held, from here to on_destroy().
void end_gil(Gil& gil) noexcept {
  if (gil.has_id) session.recorder->close(gil.id, gil.sequence);
  gil.has_id = false;
}

void remove(Gil& gil) noexcept {
  end_gil(gil);
  GilTable::erase(gil);
}

// GILs whose interpreters have ended, as CPython destroys none: so that any number may come, one after the
// other.
void sweep_gils() noexcept {
  constexpr std::uint32_t kFew = 32;
  if (++session.gils_made < session.gils_to_sweep) return;
  std::uint32_t alive = 0;
  gil_table.for_each([&](Gil& gil) {
    if (gil.was_forked) return;
    if (session.owners.is_gil(key_of(gil))) {
      ++alive;
    } else {
      remove(gil);
    }
  });
  session.gils_made = 0;
  session.gils_to_sweep = std::max(kFew, alive);
}

void on_init(std::uintptr_t cond) noexcept {
  const std::uintptr_t previous = std::exchange(self.initialised, cond);
  if (cond - previous != switch_cond_offset.load(std::memory_order_relaxed)) return;
  const std::scoped_lock lock(gil_table.mutex());
  if (session.recorder == nullptr) return;
  if (!session.owners.is_gil(previous)) {
    // Where an interpreter was that has ended.
    if (Gil* const stale = gil_table.find(previous)) remove(*stale);
    return;
  }
  sweep_gils();
  Gil* const gil = gil_table.insert(previous);
  if (gil == nullptr) return;
  // A child of fork() makes its parent's GIL anew, in place: the same GIL. Else an address in use again is a
  // new one.
  if (!gil->was_forked) end_gil(*gil);
  gil->was_forked = false;
  gil->recorder = nullptr;
  gil->holder = kNobody;
  gil->waiters = 0;
}

void on_destroy(std::uintptr_t cond) noexcept {
  if (gil_table.find(cond) == nullptr) return;
  const std::scoped_lock lock(gil_table.mutex());
  if (session.recorder == nullptr) return;
  if (Gil* const gil = gil_table.find(cond)) remove(*gil);
}

}  // namespace

// Recorded before the real call, both of them. drop_gil has marked the GIL free: the hold is over, and waking
// a waiter (a system call, microseconds) is part of nobody's hold. take_gil has marked it taken: the hold is
// on, and waking the thread that was forced to give it up is part of it. In both the GIL's mutex is held
// until after the call: whichever side we record on, no event of this GIL can come in between.
int hook_pthread_cond_signal(pthread_cond_t* cond) {
  const std::uintptr_t address = address_of(cond);
  const std::uintptr_t offset = switch_cond_offset.load(std::memory_order_relaxed);
  const std::uintptr_t latest = key_of(*self.gil);
  if (address == latest) {
    on_release(*self.gil);
  } else if (address - offset == latest) {
    on_acquire(*self.gil);
  } else {
    on_other_signal(address, offset);
  }
  return originals.pthread_cond_signal(cond);
}

// The request is recorded before the real call, which gives the mutex up; the timeout after it, when the
// mutex is held again and tells whether the hold is still on.
int hook_pthread_cond_timedwait(pthread_cond_t* cond, pthread_mutex_t* mutex, const timespec* until) {
  const std::uintptr_t address = address_of(cond);
  Gil* const gil = find_gil(address);
  if (gil == nullptr || !may_record(*gil)) return originals.pthread_cond_timedwait(cond, mutex, until);
  const std::uint64_t number = session.number;
  if (self.awaited != gil || self.awaited_session != number) {
    self.awaited = gil;
    self.awaited_session = number;
    ++gil->waiters;
    record(*gil, EventKind::Request);
    if (gil->recorder->has_work()) [[unlikely]] {
      work(*gil->recorder, session.clock, *mutex);
      return 0;
    }
  }
  const std::uint64_t switches = gil->switches;
  const int result = originals.pthread_cond_timedwait(cond, mutex, until);
  if (result == ETIMEDOUT) on_timeout(*gil, address, number, switches);
  return result;
}

// After the real call: a GIL is one when both of its condition variables are.
int hook_pthread_cond_init(pthread_cond_t* cond, const pthread_condattr_t* attributes) {
  const int result = originals.pthread_cond_init(cond, attributes);
  if (result == 0) on_init(address_of(cond));
  return result;
}

// Before the real call: after it the address may be somebody else's.
int hook_pthread_cond_destroy(pthread_cond_t* cond) {
  on_destroy(address_of(cond));
  return originals.pthread_cond_destroy(cond);
}

std::vector<SlotChange> hook_changes(const LoadedObject& cpython) {
  std::vector<SlotChange> changes;
#define GILSCOPE_PATCH(name, parameters) \
  add_changes(cpython, #name, reinterpret_cast<std::uintptr_t>(&hook_##name), changes);
  GILSCOPE_HOOKS(GILSCOPE_PATCH)
#undef GILSCOPE_PATCH
  return changes;
}

bool is_session_on() noexcept { return session.recorder != nullptr; }

void begin_session(Recorder& recorder, ProbeClock clock, const GilLayout& layout, const GilOwners& owners,
                   std::uintptr_t holder_distance, bool notes_every_hold) noexcept {
  gil_table.clear();
  switch_cond_offset.store(layout.switch_cond_offset, std::memory_order_relaxed);
  session.recorder = &recorder;
  session.clock = clock;
  session.layout = layout;
  session.owners = owners;
  session.holder_distance = holder_distance;
  session.notes_every_hold = notes_every_hold;
  session.next_gil = 0;
  session.gils_made = 0;
  session.gils_to_sweep = 32;
  ++session.number;
}

namespace {

pthread_mutex_t* mutex_of(const Gil& gil) noexcept {
  return reinterpret_cast<pthread_mutex_t*>(key_of(gil) + session.layout.mutex_offset);
}

}  // namespace

void record_own_hold(Gil& gil) noexcept {
  originals.pthread_mutex_lock(mutex_of(gil));
  identify_thread();
  hand_to_recorder(gil);
  gil.holder = self.id;
  gil.last_holder = self.id;
  if (session.notes_every_hold) {
    record_with_stack(gil, EventKind::Acquire);
  } else {
    record(gil, EventKind::Acquire);
  }
  pthread_mutex_unlock(mutex_of(gil));
}

// A hook uses the recorder only while it holds the mutex of an adopted GIL, and finds it in that GIL. So
// taking it out under each of these mutexes, once, waits for every hook in flight, and needs no counting on
// the hot path. No GIL can be adopted or destroyed meanwhile, as both need the table's mutex, which our
// caller holds. A thread that waits inside hook_pthread_cond_timedwait finds the GIL without recorder when it
// wakes, and passes. (A GIL whose interpreter has ended has no hook in flight. As at the start: no other
// thread may end an interpreter just now, which CPython gives us no means to prevent.)
void end_session() noexcept {
  session.recorder = nullptr;
  gil_table.for_each([](Gil& gil) {
    if (gil.recorder == nullptr) return;  // written under the table's mutex alone or with the GIL's
    if (!session.owners.is_gil(key_of(gil))) {
      gil.recorder = nullptr;
      return;
    }
    originals.pthread_mutex_lock(mutex_of(gil));
    gil.recorder = nullptr;
    pthread_mutex_unlock(mutex_of(gil));
  });
  // Acquire: what they did is done. Nobody joins them: whoever could has found its GIL without recorder.
  while (workers.load(std::memory_order_acquire) != 0) sched_yield();
}

void before_fork() noexcept { gil_table.mutex().lock(); }

void after_fork_in_parent() noexcept { gil_table.mutex().unlock(); }

// The child has one thread, and a GIL whose state is the parent's. Python makes it anew and takes it
// (PyOS_AfterFork_Child); from then on it is recorded again, as the same GIL, in the same run. Until then its
// mutex may be locked by a thread that is not there, so nothing here may touch it.
void after_fork_in_child() noexcept {
  gil_table.for_each([](Gil& gil) {
    gil.recorder = nullptr;
    gil.holder = kNobody;
    gil.last_holder = kNobody;
    gil.waiters = 0;
    gil.sequence = 0;
    gil.was_forked = true;
  });
  workers.store(0, std::memory_order_relaxed);
  self = {.gil = self.gil};
  gil_table.mutex().unlock();
}

}  // namespace gilscope
