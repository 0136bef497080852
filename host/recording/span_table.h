// What Blame makes of a list of events, counted live, in memory of a bounded size that may be another
// process's: the spans of a process and who waits for its GILs. All zero bits: empty. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "analysis/blame.h"
#include "analysis/cell.h"
#include "analysis/interval.h"
#include "analysis/machine_snapshot.h"
#include "analysis/row_table.h"

namespace gilscope {

// Where spans begin and end, by the numbers of a StackStore.
struct SpanEnds {
  std::optional<std::uint32_t> from;
  std::optional<std::uint32_t> to;
};

struct SpanTable {
  // Once a wait has begun; more calls change nothing.
  void begin_wait(GilId gil, ThreadId thread, std::uint64_t ticks) noexcept;
  // A switch interval ran out in a wait that began then.
  void note_timeout(GilId gil, ThreadId thread, std::uint64_t begin, std::uint64_t ticks) noexcept;
  // The thread gets the GIL, which nobody held.
  void end_wait(GilId gil, ThreadId thread, std::uint64_t ticks) noexcept;
  // A hold ends, for which somebody waits or not.
  void end_hold(const Interval& hold, SpanEnds ends) noexcept;
  [[nodiscard]] bool is_awaited(GilId gil) const noexcept;
  // Somebody who waits has seen where the holder stands; empty: there is another holder.
  void see_holder(GilId gil, std::optional<std::uint32_t> stack) noexcept;
  [[nodiscard]] std::optional<std::uint32_t> seen_holder(GilId gil) const noexcept;

  // `rename` is called with the keys of rows (row_key), and returns those that spans and waits go by now. Who
  // is killed meanwhile leaves the spans as they were or as they are after.
  template <typename Rename>
  void rename(Rename rename) noexcept;
  // Adds the spans of another table, whose GILs nobody holds or awaits any more. `renumber` is called with
  // the numbers + 1 of its stacks, and returns what they are here.
  template <typename Rename, typename Renumber>
  void add(const SpanTable& other, Rename rename, Renumber renumber) noexcept;
  // The switch interval of a GIL there, where it is known.
  void take_interval(GilId gil, const SpanTable& other, GilId of) noexcept {
    const auto interval = other.gils.at(static_cast<std::uint32_t>(of)).interval.get();
    if (interval != 0) gils.at(static_cast<std::uint32_t>(gil)).interval.set(interval);
  }
  // Waits end there that no hold has caused since they were charged last.
  void end_waits(GilId gil, std::uint64_t ticks) noexcept;

  [[nodiscard]] std::uint64_t spans_used() const noexcept { return spans().used.read(); }

  // All spans, up to `now`, where a StackId is a stack's number. `quiet`: see read_machine. The memory may be
  // another process's, alive or not.
  [[nodiscard]] Spans read(const RowTable& table, std::span<const QuietFigures> quiet, bool has_every_hold,
                           std::uint64_t now) const;

  [[nodiscard]] SwitchIntervals read_switch_intervals(const RowTable& table) const;

  // The StackIds are numbers, too.
  [[nodiscard]] LongWaits read_long_waits(const RowTable& table) const;

  // Where the thread of a row stood when it got the GIL last and when it gave it up last, where that was
  // noted; and how many holds it had had then, which tells whether that is still the latest.
  struct Standing {
    Cell stack_plus_one;
    Cell holds_plus_one;

    void set(std::optional<std::uint32_t> stack, std::uint64_t holds) noexcept;
    [[nodiscard]] std::optional<std::uint32_t> at(std::uint64_t holds) const noexcept;
  };
  // A wait, and where the thread stood after it; a reader takes no half of one.
  struct Lament {
    Cell ticks;  // 0: none
    Cell stack_plus_one;
  };
  struct Standings {
    Standing acquired;
    Standing released;
    std::array<Lament, kLongWaits> laments;  // the longest, in no order

    void add_wait(std::uint64_t ticks, std::uint32_t stack) noexcept;
    void add(const Standings& more) noexcept;
    void forget_places() noexcept {
      acquired.stack_plus_one.set(0);
      released.stack_plus_one.set(0);
    }
  };
  // Nobody waits there.
  void clear_waiters(std::uint32_t gil) noexcept { gils.at(gil) = {}; }
  // Of the row, by its index.
  [[nodiscard]] Standings& standings_at(std::size_t row) noexcept { return standings[row]; }
  // Of a row of that table; nullptr: of a shared one, of whose threads nothing is known.
  [[nodiscard]] Standings* standings_of(const RowTable& table, const ThreadRow& row) noexcept;
  // Where the hold began that is on.
  [[nodiscard]] std::optional<std::uint32_t> begin_of_hold(const RowTable& table,
                                                           const ThreadRow& row) const noexcept;

  static constexpr std::size_t kGils = Bounds{}.gils;
  static constexpr std::size_t kNamed = 32;  // waiters of a GIL
  static constexpr std::size_t kNamedOfSpan = 6;
  static constexpr std::size_t kRows = 4096;  // a power of two

  // Those that have no place of their own are counted together: `count` of them, who all waited up to `sum`.
  struct Others {
    Cell count;
    Cell sum;
    Cell counted;  // how many of them waited when the GIL's waits were last charged,
    Cell charged;  // and when
  };
  struct Waiter {
    Cell thread;   // 0: the place is free
    Cell charged;  // up to when its wait belongs to a span
    Cell has_timed_out;
  };
  struct alignas(64) Waiters {
    Cell count;     // who waits now
    Cell used;      // places up to the last that was ever taken
    Cell interval;  // see follow_interval
    Cell seen_at;   // number + 1 of the stack where one of them saw the holder; 0: none did
    Others others;
    std::array<Waiter, kNamed> named;
  };
  struct CausedWait {
    Cell thread;
    Cell ticks;
  };
  struct alignas(64) Row {
    Cell key;     // well mixed from the next three; 0: free
    Cell holder;  // row_key(); set once, after the ends
    Cell from;    // number + 1 of a stack
    Cell to;
    Cell holds;
    Cell hold_ticks;
    Cell max_hold_ticks;
    Cell forced;
    Cell other_waits;
    Cell max_wait;
    Cell late_holds;  // see is_late
    Cell late_wait;
    std::array<CausedWait, kNamedOfSpan> waits;
  };

  std::array<Waiters, kGils> gils;
  struct Rows {
    Cell used;
    std::array<Row, kRows> rows;

    // Without ends once there are many: so that threads still have a row each.
    Row* find_or_add(std::uint64_t holder, std::uint64_t from, std::uint64_t to) noexcept;
    void clear() noexcept;
  };
  std::array<Standings, RowTable::places_of(Bounds{})> standings;  // by row
  Cell side;                                                       // 0 or 1: which are the spans
  std::array<Rows, 2> sides;

 private:
  [[nodiscard]] const Rows& spans() const noexcept { return sides.at(side.read() % 2); }
  Row* find_or_add(GilId gil, ThreadId thread, SpanEnds ends) noexcept;
  static void add_wait(Row& row, std::uint64_t thread, std::uint64_t ticks) noexcept;
  template <typename Rename>
  static void add(Row& sum, const Row& more, Rename rename) noexcept;
  static void add_figures(Row& sum, const Row& more) noexcept;
  struct Charged {
    std::uint64_t longest = 0;  // of one thread
    std::uint64_t all = 0;
  };
  // Returns what the span was given.
  Charged charge(GilId gil, Row* span, std::uint64_t begin, std::uint64_t end) noexcept;
};

template <typename Rename>
void SpanTable::rename(Rename rename) noexcept {
  const Rows& old = spans();
  Rows& renamed = sides.at(1 - side.get() % 2);
  renamed.clear();
  for (const Row& row : std::span(old.rows).first(old.used.get() != 0 ? kRows : 0)) {
    const auto holder = row.holder.get();
    if (holder == 0) continue;
    Row* const sum = renamed.find_or_add(rename(holder), row.from.get(), row.to.get());
    if (sum != nullptr) add(*sum, row, rename);  // there are no more than before
  }
  side.set(1 - side.get() % 2);
}

template <typename Rename>
void SpanTable::add(Row& sum, const Row& more, Rename rename) noexcept {
  add_figures(sum, more);
  for (const CausedWait& wait : more.waits) {
    const auto waiter = static_cast<std::uint32_t>(wait.thread.get());
    if (waiter == 0) continue;
    const ThreadId now = thread_of(rename(row_key(gil_of(more.holder.get()), ThreadId{waiter})));
    add_wait(sum, static_cast<std::uint32_t>(now), wait.ticks.get());
  }
}

template <typename Rename, typename Renumber>
void SpanTable::add(const SpanTable& other, Rename rename, Renumber renumber) noexcept {
  Rows& rows_here = sides.at(side.get() % 2);
  for (const Row& row : std::span(other.spans().rows).first(other.spans_used() != 0 ? kRows : 0)) {
    const auto holder = row.holder.get();
    if (holder == 0) continue;
    Row* const sum = rows_here.find_or_add(rename(holder), renumber(row.from.get()), renumber(row.to.get()));
    if (sum != nullptr) add(*sum, row, rename);  // it is: without lines there is room for all families
  }
}

}  // namespace gilscope
