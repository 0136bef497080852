// What the state machine knows: of each GIL, and of each thread that used it. All zero bits are the state
// before the first event. One thread at a time writes and reads; but rows are made by any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "analysis/histogram.h"
#include "probe/event.h"

namespace gilscope {

// What no legal list of events contains. The machine counts it, and goes on as said here.
enum class Violation : std::uint8_t {
  AcquireWhileHeld,     // by another thread, whose hold is taken to end here: neither forced nor voluntary
  AcquireTwice,         // by its holder: the hold goes on
  ReleaseWithoutHold,   // nobody held it: ignored
  ReleaseByOther,       // not by its holder: ignored
  RequestWhileHolding,  // by its holder: ignored
  RequestTwice,         // the earlier wait is dropped: a thread that died in it may have had the same id
  RequestWhileFree,     // nobody held it: the wait begins all the same
  TimeoutOutsideWait,   // the holder is taken to be asked all the same
  TimeWentBack,         // of one GIL's clock: no time is taken to pass
};
inline constexpr std::size_t kViolations = 9;

// A thread and a GIL as one number, which is never 0.
[[nodiscard]] inline std::uint64_t row_key(GilId gil, ThreadId thread) noexcept {
  return (std::uint64_t{static_cast<std::uint32_t>(gil)} + 1) << 32U | static_cast<std::uint32_t>(thread);
}
[[nodiscard]] inline GilId gil_of(std::uint64_t key) noexcept { return static_cast<GilId>((key >> 32U) - 1); }
[[nodiscard]] inline ThreadId thread_of(std::uint64_t key) noexcept {
  return static_cast<ThreadId>(static_cast<std::uint32_t>(key));
}

// Threads that have ended may be folded into one row by their name: a family. It goes by an id beyond all
// that the system gives.
inline constexpr std::uint32_t kFirstFamily = std::uint32_t{1} << 31U;
[[nodiscard]] constexpr bool is_family(ThreadId thread) noexcept {
  return static_cast<std::uint32_t>(thread) >= kFirstFamily;
}

// One row for each thread and GIL, or family and GIL.
struct alignas(64) ThreadRow {
  Cell key;      // row_key(); set after `first`. 0: the row is free
  Cell held;     // ticks + 1 of the acquire whose release has not come, else 0
  Cell waiting;  // ticks + 1 of the request whose acquire has not come, else 0; in a shared row how many such
                 // there are
  Cell forced;
  Cell cut;       // holds that a violation ended
  Cell first;     // ticks of the first event; of a free row, index + 1 of the next free one
  Cell last;      // ticks of the latest release
  Cell folded;    // how many threads are in the row of a family; 0: it is a thread's own
  Cell lifetime;  // of these together, each from its first event to its last
  Cell into;      // the key of the row that this one becomes a part of just now; 0: of none
  Histogram hold;
  Histogram wait;
};

// A thread that waits and has no row of its own.
struct Stranger {
  Cell waiting;  // as in ThreadRow, of one thread; 0 where the place is free
  ThreadId thread;
};
inline constexpr std::size_t kStrangers = 64;

// GILs whose interpreters have ended may be folded into one, which goes by an id beyond all others.
inline constexpr GilId kEndedGils{std::uint32_t{1} << 31U};

struct alignas(64) GilState {
  Cell last;  // ticks of the latest event
  // By index: of the thread that holds it, or else held it last; 0 before the first that is known.
  std::uint64_t row_plus_one;
  ThreadId owner;       // that thread
  bool asked;           // a Timeout came during this hold
  bool known;           // whether somebody holds it: since begin(), or the first acquire or release
  Cell seen;            // 1 from the first event on
  Cell first;           // its ticks
  Cell owner_plus_one;  // id + 1 of the interpreter that owns it; 0: nobody said
  Cell id_plus_one;     // of the GIL, where its place is not its id; 0: it is
  Cell end_plus_one;    // its interpreter has ended, after so many events
  Cell folds;   // it becomes a part of the ended ones: of the table's next sum, side + 1; 0: it does not
  Cell folded;  // how many ended ones this is the sum of; 0: it is one
  Cell handoffs;
  Cell timeouts;
  Cell uncounted_waits;  // of strangers that found no place
  std::array<Cell, kViolations> violations;
  std::array<Stranger, kStrangers> strangers;
};

}  // namespace gilscope
