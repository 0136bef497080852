#include "probe/hook_level.h"

#include <algorithm>
#include <sched.h>
#include <utility>

namespace gilscope {
namespace {

// The table's mutex is held, and mutexes of GILs are about to be locked: who waits for the table with one of
// these must know (lock_table), before they are.
class LockingGils {
 public:
  explicit LockingGils(std::atomic<bool>& is_on) noexcept : is_on_(is_on) {
    is_on_.store(true, std::memory_order_seq_cst);
  }
  LockingGils(const LockingGils&) = delete;
  LockingGils& operator=(const LockingGils&) = delete;
  LockingGils(LockingGils&&) = delete;
  LockingGils& operator=(LockingGils&&) = delete;
  ~LockingGils() { is_on_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool>& is_on_;
};

}  // namespace

void HookLevel::hand_to_recorder(Gil& gil) noexcept {
  if (!gil.has_id) {
    gil.id = GilId{next_gil_++};
    gil.sequence = 0;
  }
  gil.has_id = true;
  gil.has_look = false;
  gil.was_seen = false;
  gil.recorder = task_.recorder;
  gil.recorder->open(gil.id, task_.owners.owner_of(gil.key()));
}

// Another thread adopts its GIL just now, or an interpreter is made or ends. Only tries the table's mutex:
// its holder may be about to wait for the GIL's mutex, which we hold, and says so; an event that comes just
// then belongs to no run.
bool HookLevel::lock_table() noexcept {
  while (!table_.mutex().try_lock()) {
    if (locks_gils_.load(std::memory_order_acquire)) return false;
    sched_yield();
  }
  return true;
}

// The first event of a GIL in this run.
[[gnu::noinline]] bool HookLevel::adopt(Gil& gil) noexcept {
  if (!lock_table()) return false;
  if (task_.recorder != nullptr) {
    // One of an interpreter that shares another's GIL has no event: the address is in use again.
    if (task_.owners.is_gil(gil.key())) {
      hand_to_recorder(gil);
    } else {
      GilTable::erase(gil);
    }
  }
  table_.mutex().unlock();
  return gil.recorder != nullptr;
}

// The table's mutex is held, from here to on_destroy().
void HookLevel::end_gil(Gil& gil) const noexcept {
  if (gil.has_id) task_.recorder->close(gil.id, gil.sequence);
  gil.has_id = false;
}

void HookLevel::remove(Gil& gil) noexcept {
  end_gil(gil);
  GilTable::erase(gil);
}

// GILs whose interpreters have ended, as CPython destroys none: so that any number may come, one after the
// other.
void HookLevel::sweep_gils() noexcept {
  constexpr std::uint32_t kFew = 32;
  if (++gils_made_ < gils_to_sweep_) return;
  std::uint32_t alive = 0;
  table_.for_each([&](Gil& gil) {
    if (gil.was_forked) return;
    if (task_.owners.is_gil(gil.key())) {
      ++alive;
    } else {
      remove(gil);
    }
  });
  gils_made_ = 0;
  gils_to_sweep_ = std::max(kFew, alive);
}

void HookLevel::on_init(std::uintptr_t cond) noexcept {
  const std::uintptr_t previous = std::exchange(self().initialised, cond);
  if (cond - previous != switch_cond_offset_.load(std::memory_order_relaxed)) return;
  const std::scoped_lock lock(table_.mutex());
  if (task_.recorder == nullptr) return;
  if (!task_.owners.is_gil(previous)) {
    // Where an interpreter was that has ended.
    if (Gil* const stale = table_.find(previous)) remove(*stale);
    return;
  }
  sweep_gils();
  Gil* const gil = table_.insert(previous);
  if (gil == nullptr) return;
  // A child of fork() makes its parent's GIL anew, in place: the same GIL. Else an address in use again is a
  // new one.
  if (!gil->was_forked) end_gil(*gil);
  gil->was_forked = false;
  gil->recorder = nullptr;
  gil->holder = kNobody;
  gil->waiters = 0;
  gil->has_look = false;
  gil->was_seen = false;
}

void HookLevel::on_destroy(std::uintptr_t cond) noexcept {
  if (table_.find(cond) == nullptr) return;
  const std::scoped_lock lock(table_.mutex());
  if (task_.recorder == nullptr) return;
  if (Gil* const gil = table_.find(cond)) remove(*gil);
}

void HookLevel::begin(const HookTask& task, const GilCalls& below) noexcept {
  table_.clear();
  switch_cond_offset_.store(task.layout.switch_cond_offset, std::memory_order_relaxed);
  task_ = task;
  if (below_.pthread_cond_signal == nullptr) below_ = below;  // not while a late hook may read it
  next_gil_ = 0;
  gils_made_ = 0;
  gils_to_sweep_ = 32;
  ++session_;
}

std::optional<Calibration> HookLevel::calibration_of_holder() const noexcept {
  const Gil& gil = *self().gil;
  const std::uintptr_t cond = gil.key();
  if (&gil == &no_gil || gil.recorder == nullptr || gil.holder != self().id) return std::nullopt;
  return Calibration{.cond = cond, .layout = task_.layout};
}

pthread_mutex_t* HookLevel::mutex_of(const Gil& gil) const noexcept {
  return reinterpret_cast<pthread_mutex_t*>(gil.key() + task_.layout.mutex_offset);
}

void HookLevel::await_hooks() const noexcept {
  const Gil& gil = *self().gil;
  if (gil.key() == 0) return;
  originals.pthread_mutex_lock(mutex_of(gil));
  pthread_mutex_unlock(mutex_of(gil));
}

void HookLevel::record_own_hold(Gil& gil) noexcept {
  const LockingGils locking(locks_gils_);
  originals.pthread_mutex_lock(mutex_of(gil));
  identify_thread();
  hand_to_recorder(gil);
  gil.holder = self().id;
  gil.last_holder = self().id;
  if (task_.notes_every_hold) {
    record_with_stack(gil, EventKind::Acquire);
  } else {
    record(gil, EventKind::Acquire);
  }
  pthread_mutex_unlock(mutex_of(gil));
}

// A hook uses the recorder only while it holds the mutex of an adopted GIL, and finds it in that GIL. So
// taking it out under each of these mutexes, once, waits for every hook in flight, and needs no counting on
// the hot path. No GIL can be adopted or destroyed meanwhile, as both need the table's mutex, which our
// caller holds. A thread that waits inside wait() finds the GIL without recorder when it
// wakes, and passes. (A GIL whose interpreter has ended has no hook in flight. As at the start: no other
// thread may end an interpreter just now, which CPython gives us no means to prevent.)
void HookLevel::end() noexcept {
  const LockingGils locking(locks_gils_);
  task_.recorder = nullptr;
  table_.for_each([this](Gil& gil) {
    if (gil.recorder == nullptr) return;  // written under the table's mutex alone or with the GIL's
    if (!task_.owners.is_gil(gil.key())) {
      gil.recorder = nullptr;
      return;
    }
    originals.pthread_mutex_lock(mutex_of(gil));
    gil.recorder = nullptr;
    pthread_mutex_unlock(mutex_of(gil));
  });
  // Acquire: what they did is done. Nobody joins them: whoever could has found its GIL without recorder.
  while (workers_.load(std::memory_order_acquire) != 0) sched_yield();
}

// The child has one thread, and a GIL whose state is the parent's. Python makes it anew and takes it
// (PyOS_AfterFork_Child); from then on it is recorded again, as the same GIL, in the same run. Until then its
// mutex may be locked by a thread that is not there, so nothing here may touch it.
void HookLevel::after_fork_in_child() noexcept {
  const auto forget = [](Gil& gil) {
    gil.recorder = nullptr;
    gil.holder = kNobody;
    gil.last_holder = kNobody;
    gil.waiters = 0;
    gil.has_look = false;
    gil.was_seen = false;
    gil.sequence = 0;
    gil.was_forked = true;
  };
  if (is_on()) table_.for_each(forget);  // untouched pages of the table stay untouched
  workers_.store(0, std::memory_order_relaxed);
  self() = {.gil = self().gil};
  table_.mutex().unlock();
}

}  // namespace gilscope
