// What a flight recorder is to be told of: the processes of a recording post here, and somebody outside them
// looks now and then. In memory that they share: all zero bits are a board on which nothing is wanted, and
// nothing stands.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "probe/event.h"
#include "support/time.h"

namespace gilscope {

enum class TriggerKind : std::uint8_t {
  Hold,     // of a GIL, for which somebody waited
  Wait,     // for a GIL
  Lock,     // a wait for one of Python's locks, for a turn
  Loop,     // a step of an event loop
  Signal,   // that was sent to one of the processes
  Request,  // of somebody
};
inline constexpr std::size_t kLimitedKinds = 4;  // the first of these: what lasts

// "hold", …
[[nodiscard]] std::string_view name_of(TriggerKind kind) noexcept;

struct Trigger {
  TriggerKind kind{};
  std::uint32_t pid = 0;
  ThreadId thread{};
  std::uint64_t begin = 0;  // ticks, both
  std::uint64_t end = 0;

  friend bool operator==(const Trigger&, const Trigger&) = default;
};

class TriggerBoard {
 public:
  static constexpr std::size_t kPlaces = 64;

  // What lasts that long is wanted; 0: nothing of that kind. Before anybody records.
  void set_limit(TriggerKind kind, Nanoseconds limit) noexcept;
  [[nodiscard]] Nanoseconds limit(TriggerKind kind) const noexcept;
  [[nodiscard]] bool wants_any() const noexcept;

  // Any thread of any process, in a hook or in a signal's handler. With 64 that nobody has read yet the
  // oldest is written over.
  void post(const Trigger& trigger) noexcept;

  // Those after the first `seen`, which becomes how many there were; the oldest first. By somebody who only
  // looks: what was written over, or is being written, is passed over, and counted all the same.
  [[nodiscard]] std::vector<Trigger> read_after(std::uint64_t& seen) const;

 private:
  struct Place {
    std::atomic<std::uint64_t> number;  // that it has, from 1 on; 0: none yet
    std::atomic<std::uint64_t> kind_and_pid;
    std::atomic<std::uint64_t> thread;
    std::atomic<std::uint64_t> begin;
    std::atomic<std::uint64_t> end;
  };

  std::array<std::atomic<std::int64_t>, kLimitedKinds> limits_;  // ns
  std::atomic<std::uint64_t> count_;
  std::array<Place, kPlaces> places_;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "processes share it");

}  // namespace gilscope
