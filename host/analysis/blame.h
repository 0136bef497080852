// Which holds made other threads wait, and from where to where in the code they went. Driven by the events of
// a process in their order; pure. Memory grows with the number of spans, not with events.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "capture/code_stacks.h"
#include "probe/event.h"

namespace gilscope {

// Holds of one thread that went from one place to another: a hold begins where the thread was when it got the
// GIL (which is where it had given it up), and ends where it gives it up. A voluntary release names where the
// hold ended, not always what filled it; a forced one ends on the culprit.
struct SpanKey {
  GilId gil{};
  std::optional<ThreadId> thread;  // empty: nobody held the GIL, or somebody since before the events began
  std::optional<StackId> from;     // empty: not noted, or the thread ran no Python code
  std::optional<StackId> to;

  friend auto operator<=>(const SpanKey&, const SpanKey&) = default;
};

// Of threads of which only the sum is known.
inline constexpr ThreadId kFurtherThreads{0};

struct SpanFigures {
  std::uint64_t holds = 0;  // for which somebody waited; the others are in no span
  std::uint64_t hold_ticks = 0;
  std::uint64_t max_hold_ticks = 0;
  std::uint64_t forced = 0;
  std::map<ThreadId, std::uint64_t> waits;  // in ticks: who waited while it was held
  std::uint64_t max_wait_ticks = 0;         // of one thread, during one hold
  std::uint64_t late_holds = 0;             // of `holds`: see is_late
  std::uint64_t late_wait_ticks = 0;        // of `waits`: during those

  SpanFigures& operator+=(const SpanFigures& more);
};

using Spans = std::map<SpanKey, SpanFigures>;

// The switch interval as waiters show it, in ticks; 0: nobody has waited for so long. A thread that waits is
// never woken early and often late, so a shorter one is believed at once, and a longer one by and by, as
// sys.setswitchinterval() may have changed it.
[[nodiscard]] inline std::uint64_t follow_interval(std::uint64_t known, std::uint64_t seen) noexcept {
  return known == 0 || seen < known ? seen : known + (seen - known) / 8;
}
using SwitchIntervals = std::map<GilId, std::uint64_t>;

// Python code gives the GIL up within a switch interval of the request and a moment. A hold during which
// somebody waited for three of them was not such code's alone.
inline constexpr std::uint64_t kLateIntervals = 3;
[[nodiscard]] inline bool is_late(std::uint64_t longest_wait, std::uint64_t interval) noexcept {
  return interval != 0 && longest_wait / kLateIntervals >= interval;
}

// The longest waits of a thread for a GIL after which it said where it stands; longest first.
inline constexpr std::size_t kLongWaits = 4;
struct LongWait {
  std::uint64_t ticks = 0;
  StackId stack{};

  friend bool operator==(const LongWait&, const LongWait&) = default;
};
using LongWaits = std::map<std::pair<GilId, ThreadId>, std::vector<LongWait>>;

// One hold for which others waited.
struct BlamedHold {
  SpanKey span;
  std::uint64_t begin = 0;  // ticks
  std::uint64_t end = 0;
  bool is_forced = false;
  bool is_late = false;
  std::map<ThreadId, std::uint64_t>
      waits;  // ticks, up to the end of the hold: nobody stops waiting during it
};

// A wait belongs, part by part, to the holds that it overlaps, and where nobody holds the GIL (the system is
// still waking a waiter) to nobody: so the spans' waits sum to the waits of the process, to the tick.
class Blame {
 public:
  // `stands`: where the thread of the event stands, where that was noted: at a release for which somebody
  // waits, and at an acquire after a wait; at a timeout, where the holder does. Events of GILs that
  // GilMachine has no place for are passed over. Returns the hold that the event ended, where others waited
  // for it.
  std::optional<BlamedHold> apply(const Event& event, std::optional<StackId> stands);

  // Those that have not ended, up to `now`; `to` is where somebody who waited saw the holder last.
  [[nodiscard]] std::vector<BlamedHold> open_holds(std::uint64_t now) const;

  // All spans; what has not ended counts up to `now`.
  [[nodiscard]] Spans spans(std::uint64_t now) const;

  // Of waits that have ended.
  [[nodiscard]] const LongWaits& long_waits() const noexcept { return long_waits_; }

  // Of the GILs of which it is known.
  [[nodiscard]] SwitchIntervals switch_intervals() const;

 private:
  struct Waiter {
    ThreadId thread{};
    std::uint64_t begin = 0;
    std::uint64_t charged = 0;  // up to when its wait belongs to somebody
    bool has_timed_out = false;
  };
  struct Gil {
    std::optional<ThreadId> holder;
    bool is_known = false;       // who holds it: since the first acquire or release
    bool is_asked = false;       // a waiter's switch interval ran out during the hold
    std::uint64_t interval = 0;  // see follow_interval
    std::uint64_t last = 0;
    std::uint64_t acquired = 0;
    std::optional<StackId> from;
    std::optional<StackId> seen_at;           // where somebody who waits saw the holder
    std::map<ThreadId, std::uint64_t> waits;  // of the hold that is on, or of the time since the last one
    std::vector<Waiter> waiters;
    std::unordered_map<ThreadId, StackId> stands;  // of threads whose latest release said where they stand
    // Those that had the GIL, and the latest of them: a timeout of another one tells of a wait that began
    // before its events did.
    std::unordered_set<ThreadId> seen;
    std::optional<ThreadId> latest;
  };

  static void begin_wait(Gil& gil, ThreadId thread, std::uint64_t ticks);
  // Gives the waits up to `ticks` to who holds the GIL.
  static void charge(Gil& gil, std::uint64_t ticks);
  static void note_timeout(Gil& gil, ThreadId thread);
  static std::optional<BlamedHold> end_hold(GilId id, Gil& gil, std::optional<StackId> to);
  static void add(Spans& spans, const BlamedHold& hold);
  static void end_freedom(Spans& spans, GilId id, Gil& gil);
  std::optional<BlamedHold> acquire(Gil& gil, const Event& event, std::optional<StackId> stands);
  std::optional<BlamedHold> release(Gil& gil, const Event& event, std::optional<StackId> stands);

  void end_wait(const Gil& gil, const Event& event, std::optional<StackId> stands);

  std::vector<Gil> gils_;
  Spans spans_;
  LongWaits long_waits_;
};

}  // namespace gilscope
