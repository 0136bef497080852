// What events are turned into: a hold or a wait, from begin to end.
#pragma once

#include <cstdint>

#include "probe/event.h"

namespace gilscope {

enum class IntervalKind : std::uint8_t { Hold, Wait };

struct Interval {
  IntervalKind kind{};
  GilId gil{};
  ThreadId thread{};
  std::uint64_t begin = 0;  // ticks, both
  std::uint64_t end = 0;
  bool is_forced = false;  // the hold ended by a forced release
};

}  // namespace gilscope
