// A pause of a free-threaded CPython's threads, as the thread sees it that asks for it (stop_the_world and
// start_the_world of Python/pystate.c): it may wait, in rounds, until all stand; and when it is done it wakes
// those who stood or wanted to go on meanwhile. What it did between is nowhere to be seen but by the times of
// these.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gilscope {

// What the end of one more thread's standing still adds to what is known of the pause.
struct PauseStep {
  bool is_first = false;          // of this pause's
  std::uint64_t ticks = 0;        // that the pause has become longer by
  std::uint64_t until_stood = 0;  // of the first: how long it was until all stood
  std::uint64_t lost = 0;         // by the thread that was woken
  std::uint64_t begin = 0;        // of the pause,
  std::uint64_t length = 0;       // and how long it is so far
};

// Of one thread. All times are ticks of one clock.
class WorldPause {
 public:
  // It has waited for the others to stand. `is_over`: the last one came, rather than the time of a round.
  void wait(std::uint64_t begin, std::uint64_t end, bool is_over) noexcept {
    if (has_woken_ || is_standing_ || asked_ == 0) *this = {};
    if (asked_ == 0) asked_ = begin;
    stood_ = end;
    is_standing_ = is_over;
  }

  // It is about to wake a thread that has waited since `stopped` to go on.
  PauseStep wake(std::uint64_t stopped, std::uint64_t now) noexcept {
    if (has_woken_ && stopped >= end_) *this = {};  // since the end of the latest
    PauseStep step{.is_first = !has_woken_, .lost = now - std::min(stopped, now)};
    const std::uint64_t before = has_woken_ ? end_ - begin_ : 0;
    if (step.is_first) {
      begin_ = asked_ != 0 ? std::min(asked_, stopped) : stopped;
      step.until_stood = asked_ != 0 ? stood_ - std::min(begin_, stood_) : 0;
    }
    begin_ = std::min({begin_, stopped, now});
    end_ = std::max(end_, now);
    has_woken_ = true;
    step.begin = begin_;
    step.length = end_ - begin_;
    step.ticks = step.length - before;
    return step;
  }

  // It does something else, which it does not within a pause.
  void forget() noexcept { *this = {}; }

 private:
  std::uint64_t asked_ = 0;  // 0: it has not waited
  std::uint64_t stood_ = 0;
  bool is_standing_ = false;
  bool has_woken_ = false;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace gilscope
