// Sees in a recorder's events what a flight recorder waits for, and posts it. By the rules of
// Recorder::record; where nothing is wanted it is a comparison an event.
#pragma once

#include <cstdint>

#include "capture/trigger_board.h"
#include "probe/clock.h"
#include "probe/event.h"

namespace gilscope {

class TriggerWatch {
 public:
  // `board` outlives it; nullptr, or one on which nothing is wanted: nothing is looked at. `began` is of the
  // clock, and the longer ago the better: it tells how long a tick is.
  void begin(TriggerBoard* board, ProbeClock clock, const ClockPoint& began) noexcept;

  [[nodiscard]] bool is_on() const noexcept { return board_ != nullptr; }

  // Each event of the calling thread, in their order; `concerns_others`: a release for which somebody waits,
  // or an acquire after a wait. While it is on.
  void see(const Event& event, bool concerns_others) const noexcept;
  // Of a thread: what has lasted, and is over.
  void see(TriggerKind kind, ThreadId thread, std::uint64_t begin, std::uint64_t end) const noexcept;

 private:
  TriggerBoard* board_ = nullptr;
  ProbeClock clock_;
  ClockPoint began_;
};

}  // namespace gilscope
