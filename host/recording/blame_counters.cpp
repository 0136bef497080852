#include "recording/blame_counters.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <sched.h>
#include <unistd.h>
#include <utility>

#include "capture/stack_table.h"

namespace gilscope {
namespace {

// What whoever takes events out does before others may: some ten microseconds.
constexpr std::uint64_t kAtOnce = 256;
constexpr std::uint64_t kAll = ~std::uint64_t{0};

constinit std::atomic<std::uint64_t> sessions{0};

// What a thread remembers of the recorder that it used last, of each level(). Trivial, so that it needs no
// guard.
struct CountedThread {
  std::uint64_t session = 0;
  QuietHolds* quiet = nullptr;  // of the GIL and the thread of its latest event; nullptr: there was no place
  GilId gil{};
  std::optional<std::uint32_t> place;  // of the GIL
  ThreadId thread{};
  EventRing* ring = nullptr;  // nullptr: there was none left
  std::uint64_t head = 0;     // of the ring
  std::uint64_t tail = 0;     // as it was when last looked at
  KeptStack released_at;      // of its latest release, where that came with one
};
constinit thread_local std::array<CountedThread, Recorder::kLevels> counted_threads
    __attribute__((tls_model("initial-exec")));

// The cache line is asked for, to be written to; nobody waits for it. (__builtin_prefetch() knows of writing
// only where the compiler may assume newer processors; to older ones the instruction is none.)
void want_line(const void* place) noexcept {
#ifdef __x86_64__
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(place)));
#else
  __builtin_prefetch(place, 1);
#endif
}

// There is room for it. Whoever takes events out, on another core, has the ring's memory there afterwards: to
// get it back takes as long as all else that a hook does, so the place of the next event is wanted now.
void push(CountedThread& lane, const QueuedEvent& queued) noexcept {
  lane.ring->events[lane.head % EventRing::kEvents] = queued;
  lane.ring->head.set(++lane.head);
  const QueuedEvent& next = lane.ring->events[lane.head % EventRing::kEvents];
  want_line(&next);
  want_line(&next.what);
}

}  // namespace

BlameCounters::BlameCounters(Bounds bounds, std::byte* memory, ProcessNote* names)
    : bounds_(bounds),
      memory_(memory == nullptr ? std::optional<ZeroedMemory>(std::in_place, size_of(bounds)) : std::nullopt),
      data_(memory == nullptr ? memory_->data() : memory),
      tables_(bounds, data_),
      names_(names) {
  begin_anew();
}

void BlameCounters::begin_anew() noexcept {
  if (memory_) memory_->clear();
  tables_.queue().begin();
  tables_.queue().rows_to_fold.set(std::min(EventQueue::kFewRows, std::uint64_t{bounds_.rows}));
  if (has_every_hold_) take_every_hold();
  set_has_work(false);
  session_ = sessions.fetch_add(1, std::memory_order_relaxed) + 1;
}

// What the long way may change and the program must not see.
[[gnu::noinline]] void BlameCounters::attach(const Event& event) noexcept {
  const int error = errno;
  CountedThread& lane = counted_threads[level()];
  if (lane.session != session_) {
    lane = {.session = session_, .ring = tables_.queue().ring_of(static_cast<std::uint32_t>(gettid()))};
    if (lane.ring != nullptr) {
      lane.head = lane.ring->head.read();
      lane.tail = lane.ring->tail.read();
    }
  }
  lane.gil = event.gil;
  lane.thread = event.thread;
  lane.place = find_place(event.gil, event.sequence);
  lane.quiet = lane.place ? find_quiet_holds(*lane.place, event) : nullptr;
  errno = error;
}

// It has one since it was opened, or there was none left.
std::optional<std::uint32_t> BlameCounters::find_place(GilId gil, std::uint32_t sequence) noexcept {
  if (const auto known = tables_.place_of(gil)) return known;
  EventQueue& queue = tables_.queue();
  if (!queue.lock_within(kPatience)) return std::nullopt;
  tables_.drain(kAll);
  tables_.fold_gils();
  const auto place = tables_.take_place(gil, sequence);
  queue.unlock();
  return place;
}

void BlameCounters::open(GilId gil, std::int64_t interpreter) noexcept {
  const int error = errno;
  const auto place = find_place(gil, 0);
  if (place) tables_.open(*place, interpreter);
  errno = error;
}

// Rows are found, made and folded by who has the lock. Where somebody else has it, or there is no row left,
// the thread goes without, and asks again at its next event.
QuietHolds* BlameCounters::find_quiet_holds(std::uint32_t place, const Event& event) noexcept {
  EventQueue& queue = tables_.queue();
  if (!queue.try_lock()) return nullptr;
  const auto rows_before = tables_.table().rows_in_use();
  QuietHolds* const quiet = tables_.quiet_of(GilId{place}, event.thread, event.ticks);
  const auto rows = tables_.table().rows_in_use();
  constexpr std::uint64_t kRefusals = 256;
  if (rows != rows_before && names_ != nullptr) names_->name_native(event.thread);
  if (quiet == nullptr) queue.rows_refused.add(1);
  const bool is_refused = quiet == nullptr && queue.rows_refused.get() % kRefusals == 1;
  // Better by a thread that waits. Where none does, nobody is disturbed here.
  constexpr std::uint64_t kSoon = 16;
  if (tables_.is_to_fold()) set_has_work(true);
  fold_if(is_refused || (rows != rows_before && (rows == bounds_.rows || tables_.is_to_fold(kSoon))));
  queue.unlock();
  return quiet;
}

// By who has the lock.
void BlameCounters::fold_if(bool is_to) noexcept {
  if (!is_to || names_ == nullptr) return;
  tables_.drain(kAll);
  tables_.fold(*names_, has_ended_);
}

bool BlameCounters::absorb(const Event& event) noexcept {
  const CountedThread& lane = counted_threads[level()];
  if (lane.session != session_ || lane.gil != event.gil || lane.thread != event.thread ||
      lane.quiet == nullptr) [[unlikely]] {
    return false;
  }
  QuietHolds& quiet = *lane.quiet;
  if (event.kind == EventKind::Release) {
    if (quiet.held.get() == 0) [[unlikely]]
      return false;
    quiet.end(event.ticks);
    return true;
  }
  if (quiet.is_quiet.get() == 0) return false;
  quiet.held.set(event.ticks + 1);
  return true;
}

void BlameCounters::put(QueuedEvent queued, const Event& event) noexcept {
  CountedThread& lane = counted_threads[level()];
  if (lane.session != session_ || lane.gil != event.gil || lane.thread != event.thread ||
      lane.quiet == nullptr) [[unlikely]] {
    attach(event);
  }
  if (!lane.place || tables_.queue().is_stuck.read() != 0) [[unlikely]] {
    tables_.count_lost();
    return;
  }
  queued.gil = *lane.place;
  QuietHolds* const quiet = lane.quiet;
  if (quiet != nullptr) {
    queued.what |= QueuedEvent::kTellsOfQuiet;
    queued.quiet_holds = quiet->holds.count();
    queued.quiet_ticks = quiet->holds.sum();
    if (event.kind == EventKind::Release && quiet->is_quiet.get() != 0)
      queued.quiet_begin = quiet->held.get();
  }
  const bool has_room = lane.ring != nullptr && lane.head - lane.tail < EventRing::kEvents / 2;
  if (has_room) [[likely]] {
    push(lane, queued);
  } else if (!put_in_time(queued)) {
    tables_.queue().is_stuck.set(1);
    tables_.count_lost();
    return;
  }
  if (quiet != nullptr) quiet->note_event(event);
}

// Whether it is worth another try: not where the lock is not to be had, or an event that others wait for
// never comes. Neither happens unless somebody is stopped for good in the middle of a few instructions; but
// then the program has to go on.
bool BlameCounters::make_way(std::uint64_t tries) noexcept {
  constexpr std::uint64_t kMostTries = 10'000;
  EventQueue& queue = tables_.queue();
  if (tries == kMostTries || !queue.lock_within(kPatience)) return false;
  tables_.drain(kAll);
  queue.unlock();
  if (tries != 0) sched_yield();
  return true;
}

// Half of the ring may be full: then there is work. Where all of it is, it is done here, under the GIL's
// mutex. It does not take long to become possible: what an event waits for is put by threads that hold other
// GILs' mutexes, and are about to. False where it did.
[[gnu::noinline]] bool BlameCounters::put_in_time(const QueuedEvent& queued) noexcept {
  CountedThread& lane = counted_threads[level()];
  EventQueue& queue = tables_.queue();
  if (lane.ring != nullptr) {
    for (std::uint64_t tries = 0;; ++tries) {
      lane.tail = lane.ring->tail.read();
      if (lane.head - lane.tail >= EventRing::kEvents / 2) set_has_work(true);
      if (lane.head - lane.tail < EventRing::kEvents) break;
      if (!make_way(tries)) return false;
    }
    push(lane, queued);
    return true;
  }
  // Without a ring: its turn comes as soon as the earlier ones are out.
  Cell& next = queue.next[queued.gil];
  for (std::uint64_t tries = 0; make_way(tries); ++tries) {
    if (static_cast<std::uint32_t>(next.read()) != queued.sequence) continue;
    if (!queue.lock_within(kPatience)) return false;
    tables_.apply(queued);
    next.add(1);
    queue.unlock();
    return true;
  }
  return false;
}

void BlameCounters::record_at(const Event& event, std::span<const CodePoint> stack,
                              const CodeReader& reader) noexcept {
  QueuedEvent queued = QueuedEvent::of(event);
  std::optional<std::uint32_t> number;
  if (!stack.empty()) {
    const CountedThread& lane = counted_threads[level()];
    if (lane.session != session_) attach(event);
    const std::uint64_t key = key_of(event.gil, stack);
    if (lane.ring != nullptr) number = lane.ring->known.find(key);
    if (!number) {
      number = tables_.stacks().number_of(event.gil, stack, reader);
      if (number && lane.ring != nullptr) lane.ring->known.add(key, *number);
    }
  }
  queued.note_stack(number);
  put(queued, event);
  if (event.kind == EventKind::Release) counted_threads[level()].released_at.set(number);
}

void BlameCounters::record_again(const Event& event) noexcept {
  QueuedEvent queued = QueuedEvent::of(event);
  const CountedThread& lane = counted_threads[level()];
  queued.note_stack(lane.session == session_ ? lane.released_at.get() : std::nullopt);
  put(queued, event);
}

void BlameCounters::work() noexcept {
  // Before anything else: where somebody else is at it, the others go on waiting.
  set_has_work(false);
  EventQueue& queue = tables_.queue();
  if (!queue.try_lock()) return;
  if (!tables_.drain(kAtOnce)) {
    set_has_work(true);
  } else {
    fold_if(tables_.is_to_fold());
  }
  queue.unlock();
}

BlameCounters::View::View(const Bounds& bounds, std::byte* memory, Of whose) : tables_(bounds, memory) {
  EventQueue& queue = tables_.queue();
  if (whose == Of::ThisProcess) queue.lock();
  is_locked_ = whose == Of::ThisProcess || queue.lock_within(kPatience);
  if (is_locked_) tables_.finish_fold();
  quiet_ = tables_.read_quiet_holds();
  if (is_locked_) tables_.drain(kAll);
  tables_.settle(quiet_);
}

BlameCounters::View::View(const Bounds& bounds, std::byte* copy, std::vector<QuietFigures> quiet)
    : tables_(bounds, copy), quiet_(std::move(quiet)) {
  tables_.finish_fold();
  tables_.drain(kAll);
  tables_.settle(quiet_);
}

BlameCounters::View::~View() {
  if (is_locked_) tables_.queue().unlock();
}

}  // namespace gilscope
