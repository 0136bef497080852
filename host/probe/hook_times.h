// What the hooks of a process took, where that is more than a look at the clock: timed in samples, by the
// threads themselves. In memory that other processes may read: all zero bits are nothing yet.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace gilscope {

struct HookTimes {
  // Of the events of a thread that concern others, too, one of so many is timed. A prime: where a thread's
  // events come in a pattern (request, acquire, release), each of these has its turn.
  static constexpr std::uint32_t kOneOf = 61;

  // Some ten microseconds, or a little more: who took longer was set aside by the system meanwhile.
  static constexpr std::uint64_t kMostTicks = std::uint64_t{1} << 17U;

  std::uint64_t timed;       // events
  std::uint64_t acquires;    // of these
  std::uint64_t ticks;       // that they took, in the hook, with the GIL's mutex held
  std::uint64_t work_ticks;  // of Recorder::work(), all of it, with nothing locked

  // Relaxed, all three: sums that others read. Threads of several GILs may add at once.
  void add_event(bool is_acquire, std::uint64_t took) noexcept {
    add(timed, 1);
    if (is_acquire) add(acquires, 1);
    add(ticks, std::min(took, kMostTicks));
  }
  void add_work(std::uint64_t took) noexcept { add(work_ticks, took); }

 private:
  static void add(std::uint64_t& sum, std::uint64_t more) noexcept {
    std::atomic_ref(sum).fetch_add(more, std::memory_order_relaxed);
  }
};

}  // namespace gilscope
