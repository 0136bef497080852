#include <Python.h>

#include "probe/hooks.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <unistd.h>
#include <utility>

#include "probe/held_stack.h"
#include "probe/hook_level.h"
#include "probe/python_stack.h"
#include "probe/seen_stack.h"

namespace gilscope {

constinit GilCalls originals{};
constinit Gil no_gil;
constinit std::array<HookLevel, kHookLevels> hook_levels;
constinit thread_local std::array<ThreadMemory, kHookLevels> thread_memories
    __attribute__((tls_model("initial-exec")));

namespace {

std::uintptr_t address_of(const pthread_cond_t* cond) noexcept {
  return reinterpret_cast<std::uintptr_t>(cond);
}

}  // namespace

[[gnu::noinline]] void HookLevel::identify_thread() noexcept {
  const auto id = static_cast<std::uint32_t>(gettid());
  self().id = ThreadId{id};
  // Of many threads that end soon, some are timed at early events, others at later ones; none at its first,
  // which is the first to touch the recorder's memory, and would stand for others that do not.
  self().until_timed = 2 + id % HookTimes::kOneOf;
}

[[gnu::always_inline]] inline bool HookLevel::may_record(Gil& gil) noexcept {
  if (self().is_recording) [[unlikely]]
    return false;
  if (gil.recorder == nullptr && !adopt(gil)) [[unlikely]]
    return false;
  if (self().id == kNobody) [[unlikely]]
    identify_thread();
  return true;
}

// The counter is read out of order with the lock that orders the events, and a thread may come to a processor
// whose counter is behind. No two events of a GIL have one time, nor two of a thread: their times grow
// (a Lamport clock; change_gil does the part of the thread).
[[gnu::always_inline]] inline Event HookLevel::happen(Gil& gil, EventKind kind) noexcept {
  gil.last_ticks = std::max(gil.last_ticks + 1, task_.clock.read());
  self().last_ticks = gil.last_ticks;
  self().last_session = session_;
  return {
      .ticks = gil.last_ticks, .gil = gil.id, .thread = self().id, .kind = kind, .sequence = gil.sequence};
}

// When an event that concerns others, too, is recorded: from the reading of the clock to here.
void HookLevel::note_time(const Gil& gil, const Event& event) noexcept {
  if (--self().until_timed != 0) [[likely]]
    return;
  self().until_timed = HookTimes::kOneOf;
  HookTimes* const times = gil.recorder->times();
  if (times == nullptr) return;
  const std::uint64_t now = task_.clock.read();
  times->add_event(event.kind == EventKind::Acquire, now > event.ticks ? now - event.ticks : 0);
}

void HookLevel::record(Gil& gil, EventKind kind) noexcept {
  const Event event = happen(gil, kind);
  self().is_recording = true;
  ++gil.sequence;
  gil.recorder->record(event);
  note_time(gil, event);
  self().is_recording = false;
}

[[gnu::always_inline]] inline void HookLevel::record_quietly(Gil& gil, EventKind kind) noexcept {
  const Event event = happen(gil, kind);
  self().is_recording = true;
  if (!gil.recorder->absorb(event)) {
    ++gil.sequence;
    gil.recorder->record(event);
  }
  self().is_recording = false;
}

// Its thread state; nullptr: it may not be read.
const void* HookLevel::holder_of(const Gil& gil) const noexcept {
  if (task_.holder_distance == 0 || is_python_ending()) return nullptr;
  return *reinterpret_cast<const void* const*>(gil.key() - task_.holder_distance);
}

// What the GIL was kept for rather than for Python code, since somebody waits for it; false where that is not
// known.
bool HookLevel::add_work(Gil& gil, std::uint64_t now, std::span<const CodePoint>& stack,
                         FrameBuffer& buffer) noexcept {
  const bool has_look = std::exchange(gil.has_look, false);
  gil.was_seen = false;
  if (gil.key() == task_.watched) {
    const auto collection = collection_between(task_.clock, gil.wanted_since, now);
    if (collection) {
      stack = put_first(*collection, stack, buffer);
      return true;
    }
  }
  if (has_look) stack = put_first(table_.look_of(gil), stack, buffer);
  return has_look;
}

// Where somebody waits, or where every hold is asked for: with where the thread stands. drop_gil and take_gil
// have named their thread state as the GIL's latest holder, and its frames cannot move while we hold the
// GIL's mutex. After the clock was read: what this takes is no part of a hold that ends. A thread that has
// waited since it gave the GIL up, and told where, stands there still: of two stacks one is read.
[[gnu::noinline]] void HookLevel::record_with_stack(Gil& gil, EventKind kind) noexcept {
  const Event event = happen(gil, kind);
  self().is_recording = true;
  ++gil.sequence;
  const void* const state = holder_of(gil);
  const Standing standing = state != nullptr ? standing_of(state) : Standing{};
  const bool is_where_noted = kind == EventKind::Acquire && std::exchange(self().is_where_noted, false);
  if (is_where_noted && state != nullptr && standing == self().noted) {
    gil.recorder->record_again(event);
  } else {
    FrameBuffer buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read_stack() says what it wrote
    auto stack = state != nullptr ? read_stack(state, buffer) : std::span<const CodePoint>();
    if (kind == EventKind::Release) {
      const bool has_work = gil.waiters != 0 && add_work(gil, event.ticks, stack, buffer);
      self().noted = standing;
      self().noted_ticks =
          has_work ? ThreadMemory::kNever : event.ticks;  // the work is of the hold that ends
    }
    gil.recorder->record_at(event, stack, python_code());
  }
  note_time(gil, event);
  self().is_recording = false;
}

// A timeout, with where the holder stands; false where that is not known just now.
[[gnu::noinline]] bool HookLevel::record_seen(Gil& gil) noexcept {
  const void* const state = holder_of(gil);
  FrameBuffer buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): see_stack() says what it wrote
  auto stack = state == nullptr ? std::span<const CodePoint>() : see_stack(state, buffer);
  if (stack.empty()) return false;
  if (gil.has_look) stack = put_first(table_.look_of(gil), stack, buffer);
  const Event event = happen(gil, EventKind::Timeout);
  self().is_recording = true;
  ++gil.sequence;
  gil.recorder->record_at(event, stack, seen_code());
  gil.was_seen = true;
  note_time(gil, event);
  self().is_recording = false;
  return true;
}

// Returns whether the thread had waited for the GIL.
bool HookLevel::stop_waiting(Gil& gil) noexcept {
  const bool has_waited = self().awaited == &gil && self().awaited_session == session_;
  if (has_waited && gil.waiters > 0) --gil.waiters;
  self().awaited = nullptr;
  return has_waited;
}

[[gnu::always_inline]] inline void HookLevel::on_release(Gil& gil) noexcept {
  if (!may_record(gil)) return;
  if (gil.holder != self().id) [[unlikely]] {
    // A hold that began before the probe saw this GIL; or a free-threaded build, where a waiter that finds
    // the GIL switched off goes on without it and wakes the next one.
    if (self().awaited == &gil) stop_waiting(gil);
    return;
  }
  gil.holder = kNobody;
  if (gil.waiters != 0 || task_.notes_every_hold) [[unlikely]] {
    record_with_stack(gil, EventKind::Release);
  } else {
    record_quietly(gil, EventKind::Release);
  }
}

[[gnu::always_inline]] inline void HookLevel::on_acquire(Gil& gil) noexcept {
  const bool has_waited = self().awaited != nullptr && stop_waiting(gil);
  if (!may_record(gil)) return;
  gil.holder = self().id;
  const bool has_changed = gil.last_holder != self().id;
  if (has_changed) {
    gil.last_holder = self().id;
    ++gil.switches;
  }
  if (has_waited || task_.notes_every_hold) [[unlikely]] {
    record_with_stack(gil, EventKind::Acquire);
  } else if (has_changed || gil.waiters != 0) {
    record(gil, EventKind::Acquire);
  } else {
    record_quietly(gil, EventKind::Acquire);
    return;
  }
  gil.wanted_since = gil.last_ticks;
}

// A waiter's round ended by its time limit. CPython asks the holder to give the GIL up if the GIL is locked
// now, and no thread but the holder has taken it during the round: so do we say. (`cond` tells whether the
// entry is still this GIL's: the wait may have outlived a run of the probe.)
void HookLevel::on_timeout(Gil& gil, std::uintptr_t cond, std::uint64_t in_session,
                           std::uint64_t switches_before) noexcept {
  if (gil.key() != cond || gil.recorder == nullptr || self().is_recording) return;
  if (session_ != in_session || gil.switches != switches_before || gil.holder == kNobody) return;
  ++self().timeouts;
  // So often that it may never give it up.
  constexpr std::uint32_t kVeryLong = 32;
  const bool is_to_be_seen = self().timeouts % kVeryLong == 0 && !gil.was_seen;
  if (!is_to_be_seen || !record_seen(gil)) record(gil, EventKind::Timeout);
  // At the second Python code would have given it up.
  if (self().timeouts < 2 || gil.has_look) return;
  const void* const state = holder_of(gil);
  const auto look = state == nullptr ? std::nullopt : look_at_holder(state);
  if (!look) return;
  table_.look_of(gil) = *look;
  gil.has_look = true;
}

// A thread that would sleep does what is left to do instead, off the GIL's mutex. Then its wait is over
// without a reason, as waits may be (POSIX calls it a spurious wakeup): CPython looks whether the GIL is
// free, and waits again. Once a wait, as its switch interval begins anew.
[[gnu::noinline]] void HookLevel::work(Recorder& recorder, pthread_mutex_t& mutex) noexcept {
  workers_.fetch_add(1, std::memory_order_relaxed);
  pthread_mutex_unlock(&mutex);
  const std::uint64_t begin = task_.clock.read();
  recorder.work();
  if (HookTimes* const times = recorder.times()) times->add_work(task_.clock.read() - begin);
  workers_.fetch_sub(1, std::memory_order_release);
  originals.pthread_mutex_lock(&mutex);
}

// With the mutex of the new one held.
void HookLevel::change_gil(Gil& gil) noexcept {
  self().gil = &gil;
  if (self().last_session == session_) gil.last_ticks = std::max(gil.last_ticks, self().last_ticks);
}

Gil* HookLevel::find_gil(std::uintptr_t cond) noexcept {
  if (self().gil->key() == cond) [[likely]]
    return self().gil;
  Gil* const gil = table_.find(cond);
  if (gil != nullptr) change_gil(*gil);
  return gil;
}

// A thread that changes between GILs, or a condition variable that is no GIL's.
[[gnu::noinline]] void HookLevel::on_other_signal(std::uintptr_t cond) noexcept {
  if (Gil* const released = find_gil(cond)) {
    on_release(*released);
  } else if (Gil* const acquired = find_gil(cond - switch_cond_offset_.load(std::memory_order_relaxed))) {
    on_acquire(*acquired);
  }
}

// Recorded before the real call, both of them. drop_gil has marked the GIL free: the hold is over, and waking
// a waiter (a system call, microseconds) is part of nobody's hold. take_gil has marked it taken: the hold is
// on, and waking the thread that was forced to give it up is part of it. In both the GIL's mutex is held
// until after the call: whichever side we record on, no event of this GIL can come in between.
[[gnu::always_inline]] inline void HookLevel::on_signal(std::uintptr_t cond) noexcept {
  Gil& latest = *self().gil;
  const std::uintptr_t key = latest.key();
  if (cond == key) {
    on_release(latest);
  } else if (cond - switch_cond_offset_.load(std::memory_order_relaxed) == key) {
    on_acquire(latest);
  } else {
    on_other_signal(cond);
  }
}

// The request is recorded before the real call, which gives the mutex up; the timeout after it, when the
// mutex is held again and tells whether the hold is still on.
int HookLevel::wait(pthread_cond_t* cond, pthread_mutex_t* mutex, const timespec* until) {
  const std::uintptr_t address = address_of(cond);
  Gil* const gil = find_gil(address);
  if (gil == nullptr || !may_record(*gil)) return below_.pthread_cond_timedwait(cond, mutex, until);
  const std::uint64_t number = session_;
  if (self().awaited != gil || self().awaited_session != number) {
    self().awaited = gil;
    self().awaited_session = number;
    self().timeouts = 0;
    self().is_where_noted = self().last_ticks == self().noted_ticks;
    ++gil->waiters;
    record(*gil, EventKind::Request);
    if (gil->waiters == 1) gil->wanted_since = gil->last_ticks;
    if (gil->recorder->has_work()) [[unlikely]] {
      work(*gil->recorder, *mutex);
      return 0;
    }
  }
  const std::uint64_t switches = gil->switches;
  const int result = below_.pthread_cond_timedwait(cond, mutex, until);
  if (result == ETIMEDOUT) on_timeout(*gil, address, number, switches);
  return result;
}

namespace {

template <std::size_t level>
int hook_pthread_cond_signal(pthread_cond_t* cond) noexcept {
  hook_levels[level].on_signal(address_of(cond));
  return hook_levels[level].below().pthread_cond_signal(cond);
}

// Not noexcept: pthread_cancel unwinds through a real wait.
template <std::size_t level>
int hook_pthread_cond_timedwait(pthread_cond_t* cond, pthread_mutex_t* mutex, const timespec* until) {
  return hook_levels[level].wait(cond, mutex, until);
}

// After the real call: a GIL is one when both of its condition variables are.
template <std::size_t level>
int hook_pthread_cond_init(pthread_cond_t* cond, const pthread_condattr_t* attributes) noexcept {
  const int result = hook_levels[level].below().pthread_cond_init(cond, attributes);
  if (result == 0) hook_levels[level].on_init(address_of(cond));
  return result;
}

// Before the real call: after it the address may be somebody else's.
template <std::size_t level>
int hook_pthread_cond_destroy(pthread_cond_t* cond) noexcept {
  hook_levels[level].on_destroy(address_of(cond));
  return hook_levels[level].below().pthread_cond_destroy(cond);
}

template <std::size_t... levels>
constexpr std::array<GilCalls, kHookLevels> make_hooks(std::index_sequence<levels...> /*unused*/) {
  return {GilCalls{
#define GILSCOPE_HOOK(name, parameters) .name = hook_##name<levels>,
      GILSCOPE_HOOKS(GILSCOPE_HOOK)
#undef GILSCOPE_HOOK
  }...};
}
constexpr auto kHooks = make_hooks(std::make_index_sequence<kHookLevels>{});

}  // namespace

const GilCalls& hooks_of(std::size_t level) noexcept { return kHooks[level]; }

}  // namespace gilscope
