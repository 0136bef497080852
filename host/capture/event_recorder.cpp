#include "capture/event_recorder.h"

#include <algorithm>
#include <optional>
#include <unistd.h>
#include <utility>

#include "capture/own_lane.h"
#include "capture/records.h"
#include "capture/stack_writer.h"
#include "capture/stream_writer.h"
#include "support/kernel_name.h"

namespace gilscope {
namespace {

// Of what has no time: each lane will do.
constexpr std::uint64_t kAnyTicks = ~std::uint64_t{0};

// After a failure to get space a thread drops this many events before it asks again.
constexpr std::uint32_t kDropsBetweenTries = 4096;

// Of a stack that the stream has told of.
std::optional<std::uint32_t> find_known(Lane& lane, std::uint64_t key) noexcept {
  auto number = lane.recent.find(key);
  if (number) return number;
  number = lane.stacks->find(key);
  if (number) lane.recent.add(key, *number);
  return number;
}

// Whose the records are from here on.
void tell_thread(RecordWriter& writer, Lane& lane, ThreadId thread) noexcept {
  if (thread == lane.thread) return;
  writer.control(ControlKind::Thread);
  writer.number(static_cast<std::uint32_t>(thread));
  lane.thread = thread;
}

void count_event(Lane& lane) noexcept {
  lane.events.store(lane.events.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

// Only the child of a fork finds anything but Open: its first event makes the file, and should other threads
// come with events just then, theirs are dropped.
bool EventRecorder::is_ready() noexcept {
  State state = state_.load(std::memory_order_acquire);
  if (state == State::Open) [[likely]]
    return true;
  if (state != State::Forked ||
      !state_.compare_exchange_strong(state, State::Opening, std::memory_order_relaxed)) {
    return false;
  }
  const bool is_open = create_file() == 0;
  state_.store(is_open ? State::Open : State::Failed, std::memory_order_release);
  return is_open;
}

// GIL and thread are compared one by one: a load that spans two fresh stores, as of the event that the hook
// has just made, waits until they have left the store buffer.
[[gnu::always_inline]] inline void EventRecorder::append(const Event& event) noexcept {
  Lane& lane = *own_lane.lane;
  const std::uint64_t ticks = event.ticks;
  if (ticks < lane.window_end && event.thread == lane.thread && event.gil == lane.gil &&
      ticks > lane.last_ticks) [[likely]] {
    BlockHeader& home = *lane.home;
    const std::uint32_t used = home.used;
    if (used <= kPayloadSize - kShortEventRoom) [[likely]] {
      const std::uint64_t delta = ticks - lane.last_ticks;
      lane.last_ticks = ticks;
      count_event(lane);
      publish(home, used + write_short_event(payload_of(home) + used, event.kind, delta));
      return;
    }
  }
  record_slowly(event);
}

void EventRecorder::record(const Event& event) noexcept {
  if (watch_.is_on()) [[unlikely]]
    watch_.see(event, false);
  append(event);
}

[[gnu::noinline]] void EventRecorder::record_slowly(const Event& event) noexcept {
  const Unnoticed unnoticed;
  if (own_lane.drops_before_try > 0 && own_lane.session == session_) {
    --own_lane.drops_before_try;
    drop(event);
    return;
  }
  if (static_cast<std::uint32_t>(event.gil) >= kMaxGils || event.ticks > kMaxTicks || !is_ready()) {
    drop(event);
    return;
  }
  Lane* const lane = take_own_lane(session_, event.ticks, file_);
  if (lane != nullptr && std::exchange(own_lane.told, session_) != session_) tell_own_name(*lane, event);
  if (lane == nullptr || !make_room(*lane, file_, kOwnerRoom + kEventRoom)) {
    own_lane.drops_before_try = kDropsBetweenTries - 1;
    drop(event);
    return;
  }
  write_event(*lane, event);
}

void EventRecorder::write_event(Lane& lane, const Event& event) noexcept {
  if (!lane.is_published) begin_stream(lane, event);
  const bool is_other_gil = event.gil != lane.gil;
  lane.gil = event.gil;
  if (is_other_gil) tell_owner_again(lane, file_);
  BlockHeader& home = *lane.home;
  RecordWriter writer(payload_of(home) + home.used);
  tell_thread(writer, lane, event.thread);
  if (is_other_gil) {
    writer.control(ControlKind::Gil);
    writer.number(static_cast<std::uint32_t>(event.gil));
  }
  writer.event(event.kind, event.ticks - lane.last_ticks);
  lane.last_ticks = event.ticks;
  count_event(lane);
  publish(home, home.used + writer.size());
  note_point_after(lane);
}

// Whether the stream has told of stacks, and takes events.
bool EventRecorder::has_stacks() const noexcept {
  return own_lane.session == session_ && own_lane.lane->stacks != nullptr && own_lane.drops_before_try == 0;
}

// A stack that the stream has told of is one number.
void EventRecorder::record_at(const Event& event, std::span<const CodePoint> stack,
                              const CodeReader& reader) noexcept {
  if (watch_.is_on()) [[unlikely]]
    watch_.see(event, true);
  std::optional<std::uint32_t> number;
  if (!stack.empty()) {
    const std::uint64_t key = key_of(event.gil, stack);
    if (file_.is_ring()) make_room_for_stack();
    if (has_stacks()) number = find_known(*own_lane.lane, key);
    if (!number) number = find_new(event, stack, reader, key);
  }
  Lane& lane = *own_lane.lane;
  if (event.kind == EventKind::Release && lane.stacks != nullptr) lane.released_at.set(number);
  record_there(event, number);
}

void EventRecorder::record_again(const Event& event) noexcept {
  if (watch_.is_on()) [[unlikely]]
    watch_.see(event, true);
  if (file_.is_ring()) make_room_for_stack();
  record_there(event, has_stacks() ? own_lane.lane->released_at.get() : std::nullopt);
}

// In a ring a new part knows of no stack: it is begun before one is looked up.
void EventRecorder::make_room_for_stack() noexcept {
  if (!has_stacks()) return;
  Lane& lane = *own_lane.lane;
  constexpr std::uint32_t kRoom = kAtRoom + kOwnerRoom + kEventRoom;
  if (lane.home->used + kRoom > kPayloadSize) static_cast<void>(make_room_unnoticed(lane, kRoom));
}

// The stack, whose number the stream has told, and its event, together or not at all: it would be taken for
// that of another one.
void EventRecorder::record_there(const Event& event, std::optional<std::uint32_t> stack) noexcept {
  if (stack) {
    Lane& lane = *own_lane.lane;
    constexpr std::uint32_t kRoom = kAtRoom + kEventRoom;
    if (lane.home->used + kRoom <= kPayloadSize || make_room_unnoticed(lane, kRoom)) note_stack(lane, *stack);
  }
  append(event);
}

[[gnu::noinline]] bool EventRecorder::make_room_unnoticed(Lane& lane, std::uint32_t size) noexcept {
  const Unnoticed unnoticed;
  return make_room(lane, file_, size);
}

[[gnu::noinline]] std::optional<std::uint32_t> EventRecorder::find_new(const Event& event,
                                                                       std::span<const CodePoint> stack,
                                                                       const CodeReader& reader,
                                                                       std::uint64_t key) noexcept {
  const Unnoticed unnoticed;
  Lane* const lane = own_stream(event, event.ticks);
  if (lane == nullptr) return std::nullopt;
  return tell_stack(*lane, file_, event.gil, stack, reader, key);
}

void EventRecorder::begin_stream(Lane& lane, const Event& event) noexcept {
  // A tick earlier, so that the first event is one like any other.
  lane.last_ticks = event.ticks > 0 ? event.ticks - 1 : 0;
  lane.thread = event.thread;
  lane.gil = event.gil;
  begin_part(lane);
  lane.is_published = true;
  file_.publish_home(*lane.home);
  tell_owner_again(lane, file_);
}

// It has known since it was about to wait where it stands: the code may be gone by now.
Stand EventRecorder::stand_at(std::uint64_t ticks, std::span<const CodePoint> stack,
                              const CodeReader& reader) noexcept {
  if (stack.empty()) return {};
  const Unnoticed unnoticed;
  const auto thread = ThreadId{static_cast<std::uint32_t>(gettid())};
  Lane* const lane = own_stream({.ticks = ticks, .thread = thread}, kAnyTicks);
  if (lane == nullptr) return {};
  const std::uint64_t key = key_of(lane->gil, stack);
  auto number = lane->stacks != nullptr ? find_known(*lane, key) : std::nullopt;
  if (!number) number = tell_stack(*lane, file_, lane->gil, stack, reader, key);
  return number ? Stand{.owner = owner_of_numbers(), .stack = *number} : Stand{};
}

// Of the stacks that the calling thread's stream has told of: in a ring those of its part.
std::uint64_t EventRecorder::owner_of_numbers() const noexcept {
  constexpr unsigned kShift = 40;
  return file_.is_ring() ? own_lane.owner + (own_lane.lane->home->sequence << kShift) : own_lane.owner;
}

void EventRecorder::record_wait(const LockWait& wait, WaitFor wait_for, const Stand& stand) noexcept {
  const Unnoticed unnoticed;
  const ThreadId thread{wait.thread};
  if (watch_.is_on() && wait_for == WaitFor::Turn)
    watch_.see(TriggerKind::Lock, thread, wait.begin, wait.end());
  Lane* const lane = own_stream({.ticks = wait.end(), .thread = thread}, kAnyTicks);
  if (lane == nullptr || !make_room(*lane, file_, kLockWaitRoom)) return;
  // As the hooks raise the time of an event, which may be ahead of the clock by some ticks.
  const std::uint64_t end = std::max(wait.end(), lane->last_ticks + 1);
  {
    Appending record(*lane);
    tell_thread(*record, *lane, thread);
    record->control(ControlKind::LockWait);
    record->number(end - lane->last_ticks);
    record->number(end - wait.begin);
    record->number(static_cast<std::uint64_t>(wait_for));
    record->number(wait.ender);
    record->number(stand.owner == owner_of_numbers() ? stand.stack + std::uint64_t{1} : 0);
    lane->last_ticks = end;
  }
  note_point_after(*lane);
}

void EventRecorder::see_step(const LongStep& step) noexcept {
  const Unnoticed unnoticed;
  if (watch_.is_on()) watch_.see(TriggerKind::Loop, step.thread, step.begin, step.begin + step.ticks);
}

// A lane as take_own_lane() gives it, whose stream has begun, at the latest with this event; nullptr: there
// is no space, or nothing to record into.
Lane* EventRecorder::own_stream(const Event& event, std::uint64_t ticks) noexcept {
  if (own_lane.drops_before_try > 0 && own_lane.session == session_) return nullptr;
  Lane* const lane = is_ready() && event.ticks <= kMaxTicks ? take_own_lane(session_, ticks, file_) : nullptr;
  if (lane != nullptr && !lane->is_published) begin_stream(*lane, event);
  return lane;
}

// Now and then: its window is over.
void EventRecorder::note_point_after(Lane& lane) const noexcept {
  if (lane.last_ticks < lane.window_end) return;
  lane.window_end = lane.last_ticks + kShortDeltaEnd;
  note_point(lane);
}

// So that the times of a process that is killed can be told, too. The other of the two points is written
// first, then named: a kill leaves one of them whole.
void EventRecorder::note_point(Lane& lane) const noexcept {
  BlockHeader& home = *lane.home;
  const std::uint32_t other = 1 - home.latest_point;
  const ClockPoint now = options_.system->read_point(options_.clock);
  home.points[other] = {now.ticks, now.time.count()};
  std::atomic_ref(home.latest_point).store(other, std::memory_order_release);
}

void EventRecorder::drop(const Event& event) noexcept {
  if (state_.load(std::memory_order_acquire) == State::Open) {
    file_.count_drop(event.thread, event.ticks);
  } else {
    unfiled_drops_.fetch_add(1, std::memory_order_relaxed);
    budget_.count_unfiled_drop();
  }
}

void EventRecorder::note_gil(GilId gil, std::int64_t interpreter) noexcept {
  const Unnoticed unnoticed;
  if (static_cast<std::uint32_t>(gil) >= kMaxGils || !is_ready()) return;
  file_.note_owner(gil, interpreter);
  Lane* const lane = take_own_lane(session_, kAnyTicks, file_);
  if (lane == nullptr || !make_room(*lane, file_, kOwnerRoom)) return;
  if (!lane->is_published) begin_stream(*lane, {.gil = gil});
  tell_owner(*lane, gil, interpreter);
}

// Of the calling thread; Python tells what it calls it later.
void EventRecorder::tell_own_name(Lane& lane, const Event& event) noexcept {
  const auto name = read_own_name(static_cast<pid_t>(event.thread));
  if (name.front() == '\0' || !make_room(lane, file_, kNameRoom)) return;
  if (!lane.is_published) begin_stream(lane, event);
  write_name(lane, event.thread, view_of(name));
}

void EventRecorder::name_thread(ThreadId thread, std::string_view name) noexcept {
  const Unnoticed unnoticed;
  if (!is_ready()) return;
  Lane* const lane = take_own_lane(session_, kAnyTicks, file_);
  if (lane == nullptr || !make_room(*lane, file_, kNameRoom)) return;
  if (!lane->is_published) begin_stream(*lane, {.thread = thread});
  write_name(*lane, thread, name.substr(0, kMaxNameLength));
}

// There is room for it.
void EventRecorder::write_name(Lane& lane, ThreadId thread, std::string_view name) noexcept {
  Appending record(lane);
  record->control(ControlKind::Name);
  record->number(static_cast<std::uint32_t>(thread));
  record->number(name.size());
  record->text(name);
}

void EventRecorder::name_process(std::string_view name) noexcept { name_thread(kProcessItself, name); }

}  // namespace gilscope
