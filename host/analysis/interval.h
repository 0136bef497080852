// What events are turned into: a hold or a wait, from begin to end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "probe/event.h"

namespace gilscope {

enum class IntervalKind : std::uint8_t {
  Hold,
  Wait,
  // Of a thread that has no GIL, and does not wait for one, in captures alone: it waits for a lock that
  // another one has, for what another one does, or in a stopped world.
  LockWait,
  WorkWait,
  Stopped,
};

// As exports have it.
[[nodiscard]] constexpr std::string_view name_of(IntervalKind kind) noexcept {
  constexpr std::array<std::string_view, 5> kNames{"hold", "wait", "lock wait", "work wait", "stopped"};
  return kNames.at(static_cast<std::size_t>(kind));
}

// Rather than for a GIL.
[[nodiscard]] constexpr bool is_of_lock(IntervalKind kind) noexcept { return kind >= IntervalKind::LockWait; }

struct Interval {
  IntervalKind kind{};
  GilId gil{};
  ThreadId thread{};
  std::uint64_t begin = 0;  // ticks, both
  std::uint64_t end = 0;
  bool is_forced = false;  // the hold ended by a forced release
};

}  // namespace gilscope
