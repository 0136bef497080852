// A run that goes on, looked at again and again: what it did within the last seconds.
#pragma once

#include <chrono>
#include <deque>

#include "recording/live_run.h"
#include "report/top_text.h"
#include "support/time.h"

namespace gilscope::cli {

class LiveWatch {
 public:
  // A look each `interval`; what is told is of the last `window`. 0: since the look before.
  LiveWatch(LiveRun run, Nanoseconds interval, Nanoseconds window);

  // Throws Error where the run can no longer be read.
  void look();

  // Of the latest look. Before the second one: since the recording began.
  [[nodiscard]] const TopFigures& figures() const noexcept { return figures_; }
  // When the next look is due. Looks that take long come less often.
  [[nodiscard]] std::chrono::steady_clock::time_point due() const noexcept { return due_; }
  // Nobody records any more, as far as the latest look could tell.
  [[nodiscard]] bool is_over() const noexcept { return figures_.all.running.empty(); }

 private:
  struct Look {
    std::chrono::steady_clock::time_point time;
    Nanoseconds age{};  // of the run, then
    RecordedRun run;
  };
  [[nodiscard]] RecordedRun read() const;
  void compare(std::chrono::steady_clock::time_point now);

  LiveRun run_;
  Nanoseconds interval_;
  Nanoseconds window_;
  std::deque<Look> looks_;  // the oldest one is where the window begins
  TopFigures figures_;
  std::chrono::steady_clock::time_point due_;
};

}  // namespace gilscope::cli
