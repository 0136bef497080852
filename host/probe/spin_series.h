// How long a thread of a free-threaded CPython tries again to take a lock that another one has, before it
// sleeps: up to 40 calls of sched_yield, one right after the other (_PyMutex_LockTimed of Python/lock.c),
// each of which takes as long as others have the CPU. What comes after them is not to be seen: the lock, or
// the sleep.
#pragma once

#include <cstdint>

namespace gilscope {

// Waits that ended so.
struct SpunWaits {
  std::uint64_t count = 0;
  std::uint64_t ticks = 0;
};

// Of one thread: the latest series. All times are ticks of one clock.
class SpinSeries {
 public:
  // How many may lie between two calls of one: of either clock tens of microseconds.
  static constexpr std::uint64_t kGap = 50'000;

  // Whether a call that begins now is none of it, though there is one.
  [[nodiscard]] bool is_before(std::uint64_t begin) const noexcept {
    return count_ == kMost || (count_ != 0 && begin - end_ > kGap);
  }
  // After is_before() the series was forgotten.
  void yield(std::uint64_t begin, std::uint64_t end) noexcept {
    if (count_++ == 0) begin_ = begin;
    end_ = end;
  }
  // The thread is about to sleep at a lock, which ends the series: whether that lock is what it was about.
  [[nodiscard]] bool is_right_before(std::uint64_t now) const noexcept {
    return count_ != 0 && now - end_ <= kGap;
  }

  [[nodiscard]] bool has_begun() const noexcept { return count_ != 0; }
  [[nodiscard]] std::uint64_t begin() const noexcept { return begin_; }
  [[nodiscard]] std::uint64_t ticks() const noexcept { return count_ != 0 ? end_ - begin_ : 0; }
  void forget() noexcept { count_ = 0; }

 private:
  static constexpr std::uint32_t kMost = 40;  // MAX_SPIN_COUNT

  std::uint32_t count_ = 0;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace gilscope
