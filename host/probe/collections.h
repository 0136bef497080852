// When an interpreter collected garbage. CPython tells whom it finds in the list that it keeps in its own
// state, and that `gc.callbacks` is: while collections are watched it finds a list of ours there, whose one
// callable passes on what it hears to the program's. So the program sees its own list alone.
//
// All of it with the GIL held of the interpreter that is watched, or with that GIL's mutex by who gives it
// up.
#pragma once

#include <cstdint>

#include "probe/clock.h"

namespace gilscope {

// From now on, of the interpreter that the calling thread is attached to: it holds its GIL. Where the list is
// not found there are no collections, and nothing else is wrong. Several may watch at once: those who come
// while others do hear of the same interpreter, by the same clock, and nothing if theirs is another. Throws
// nothing; leaves no Python error.
void watch_collections(ProbeClock clock) noexcept;

// Any thread. What cannot be put back just now (the GIL is not held, Python has ended) goes on passing on.
void unwatch_collections() noexcept;

// What of the time from `begin` to `end`, which is now, the watched interpreter collected; one that is on
// included. HOT.
struct Collected {
  std::uint64_t ticks = 0;
  int generation = 0;          // of the one that took longest
  bool was_asked_for = false;  // by gc.collect()
};
[[nodiscard]] Collected collected_between(ProbeClock clock, std::uint64_t begin, std::uint64_t end) noexcept;

// Without a GIL that is all that is known: whether the calling thread collects, of the interpreter that was
// watched first. HOT.
[[nodiscard]] bool is_collecting() noexcept;

}  // namespace gilscope
