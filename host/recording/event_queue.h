// Between the hooks and the tables: the events that a hook leaves behind, in memory of its thread alone,
// until somebody takes them out, off the GIL's mutex. All zero bits: empty. The memory may be another
// process's.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "analysis/cell.h"
#include "capture/stack_table.h"
#include "probe/event.h"
#include "recording/shared_lock.h"

namespace gilscope {

// An event that concerns more than its thread.
struct QueuedEvent {
  std::uint64_t ticks;
  std::uint64_t quiet_begin;  // of a hold that began quietly and ends here: ticks + 1, else 0
  std::uint64_t quiet_holds;  // of this thread and GIL, before: how many,
  std::uint64_t quiet_ticks;  // and how long
  std::uint32_t gil;          // its place: see BlameTables::place_of
  std::uint32_t thread;
  std::uint32_t sequence;  // of the GIL
  std::uint32_t what;      // kind, two flags, and the stack's number + 1

  [[nodiscard]] static QueuedEvent of(const Event& event) noexcept {
    return {.ticks = event.ticks,
            .quiet_begin = 0,
            .quiet_holds = 0,
            .quiet_ticks = 0,
            .gil = static_cast<std::uint32_t>(event.gil),
            .thread = static_cast<std::uint32_t>(event.thread),
            .sequence = event.sequence,
            .what = static_cast<std::uint32_t>(event.kind)};
  }
  void note_stack(std::optional<std::uint32_t> stack) noexcept {
    what |= kIsNoted | (stack ? *stack + 1 : 0) << kStackShift;
  }

  [[nodiscard]] Event event() const noexcept {
    return {.ticks = ticks,
            .gil = GilId{gil},
            .thread = ThreadId{thread},
            .kind = static_cast<EventKind>(what & kKindMask),
            .sequence = sequence};
  }
  // Whether where it stands was asked for.
  [[nodiscard]] bool is_noted() const noexcept { return (what & kIsNoted) != 0; }
  // Whether the thread had a place to count quiet holds in: else the event says nothing of them.
  [[nodiscard]] bool tells_of_quiet() const noexcept { return (what & kTellsOfQuiet) != 0; }
  [[nodiscard]] std::optional<std::uint32_t> stack() const noexcept {
    const std::uint32_t plus_one = what >> kStackShift;
    return plus_one == 0 ? std::nullopt : std::optional(plus_one - 1);
  }

  static constexpr std::uint32_t kKindMask = 3;
  static constexpr std::uint32_t kIsNoted = 4;
  static constexpr std::uint32_t kTellsOfQuiet = 8;
  static constexpr unsigned kStackShift = 4;
};
static_assert(sizeof(QueuedEvent) == 48);

// The events of one thread: it puts them in, whoever has the lock takes them out.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): what two threads write to is on two cache lines
struct alignas(64) EventRing {
  static constexpr std::uint64_t kEvents = 512;

  Cell owner;                      // the system's id of the thread; 0: nobody's yet
  Cell head;                       // how many were put in, ever
  alignas(64) Cell tail;           // how many were taken out
  alignas(64) RecentStacks known;  // what the store would say of them
  std::array<QueuedEvent, kEvents> events;
};

// Of this process.
[[nodiscard]] bool has_ended(ThreadId thread) noexcept;

// One for a process.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): whether it is stuck is not beside the lock
struct EventQueue {
  static constexpr std::uint32_t kRings = 1024;
  static constexpr std::uint32_t kGils = 1024;
  static constexpr std::uint64_t kFewRows = 128;  // so many are not folded
  static constexpr std::uint64_t kFewGils = 16;   // likewise, of those whose interpreters have ended

  // Once, by the process whose it is.
  void begin() noexcept;

  // For whoever takes events out, and for the tables that they go to: threads of the process, and readers in
  // others. See SharedLock.
  void lock() noexcept { shared.lock(); }
  [[nodiscard]] bool try_lock() noexcept { return shared.try_lock(); }
  [[nodiscard]] bool lock_within(Nanoseconds patience) noexcept { return shared.lock_within(patience); }
  void unlock() noexcept { shared.unlock(); }

  // The calling thread's, by its system's id; nullptr where too many threads have one.
  [[nodiscard]] EventRing* ring_of(std::uint32_t thread) noexcept;

  [[nodiscard]] std::span<const EventRing> rings_in_use() const noexcept {
    return std::span(rings).first(std::min<std::uint64_t>(rings_used.read(), kRings));
  }

  // Takes events out, those of a GIL in their order, and calls `take` with each: with all that are there, or
  // with so many at least. False where there may be more. By who has the lock.
  template <typename Take>
  bool drain(std::uint64_t limit, Take take) noexcept;

  SharedLock shared;
  Cell takes_every_hold;  // 1: holds for which nobody waits are noted, too
  Cell is_stuck;          // 1: an event found no place in time, and none comes any more
  alignas(64) Cell rings_used;
  Cell rings_to_sweep;           // once so many are used, those of threads that have ended are looked for
  Cell rows_to_fold;             // likewise, of rows of the table
  Cell rows_refused;             // how often there was none left
  Cell gils_placed;              // places for GILs that were ever taken
  std::array<Cell, kGils> next;  // the sequence of each GIL's next event
  std::array<std::uint16_t, 2048> found;  // by sequence: in which ring an event was seen last
  std::array<EventRing, kRings> rings;

 private:
  // Takes those that are next, one after the other, from the ring on.
  template <typename Take>
  std::uint64_t follow(std::uint64_t first, Take& take) noexcept;
  // Frees the rings of threads that have ended; false where there is none.
  bool sweep(std::span<EventRing> in_use) noexcept;
  [[nodiscard]] std::uint16_t& place_of(std::uint32_t gil, std::uint64_t sequence) noexcept {
    return found[(sequence + std::uint64_t{gil} * 37) % found.size()];
  }
};

template <typename Take>
std::uint64_t EventQueue::follow(std::uint64_t first, Take& take) noexcept {
  std::uint64_t taken = 0;
  for (std::uint64_t current = first;;) {
    EventRing& ring = rings[current];
    auto tail = ring.tail.get();
    const auto head = ring.head.read();
    if (head - tail > EventRing::kEvents) return taken;  // another process's, and nonsense
    const auto begin = tail;
    std::uint32_t gil = 0;
    for (; tail != head; ++tail) {
      const QueuedEvent& event = ring.events[tail % EventRing::kEvents];
      gil = event.gil % kGils;
      if (event.sequence != static_cast<std::uint32_t>(next[gil].get())) {
        place_of(gil, event.sequence) = static_cast<std::uint16_t>(current);
        break;
      }
      take(event);
      next[gil].add(1);
    }
    ring.tail.set(tail);
    taken += tail - begin;
    // Who has the next one? That it was seen there is a guess, which the next turn proves or not.
    const auto guess = std::uint64_t{place_of(gil, static_cast<std::uint32_t>(next[gil].get()))} % kRings;
    if (tail == begin || guess == current) return taken;
    current = guess;
  }
}

template <typename Take>
bool EventQueue::drain(std::uint64_t limit, Take take) noexcept {
  const auto used = std::min<std::uint64_t>(rings_used.read(), kRings);
  std::uint64_t taken = 0;
  for (bool is_news = true; is_news;) {
    is_news = false;
    for (std::uint64_t i = 0; i < used; ++i) {
      if (rings[i].tail.get() == rings[i].head.read()) continue;
      const auto more = follow(i, take);
      is_news = is_news || more != 0;
      taken += more;
      if (taken >= limit) return false;
    }
  }
  return true;
}

}  // namespace gilscope
