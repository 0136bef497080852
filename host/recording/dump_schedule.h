// When a flight recorder writes a dump: a little after what it waits for, so that what came of it is there,
// too; and not too often.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "recording/dump.h"

namespace gilscope {

class DumpSchedule {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // `after`: what was waited for. At most so many an hour of what happens by itself; what somebody asks for
  // comes at once, and always.
  DumpSchedule(Duration after, std::uint64_t per_hour) : after_(after), per_hour_(per_hour) {}

  void add(const Trigger& trigger, Time now);
  // The dump that is due; with `is_last`, that would be.
  [[nodiscard]] std::optional<DumpReason> take(Time now, bool is_last = false);

  [[nodiscard]] bool is_pending() const noexcept { return pending_.has_value(); }
  // How many dumps more there would have been, had the hour had place for them.
  [[nodiscard]] std::uint64_t passed_over() const noexcept { return passed_over_; }

 private:
  Duration after_;
  std::uint64_t per_hour_;
  std::deque<Time> within_hour_;  // of dumps that nobody asked for
  std::optional<DumpReason> pending_;
  Time due_;
  std::uint64_t passed_over_ = 0;
  Time passed_over_until_;  // as long as the latest of these would have been pending
};

}  // namespace gilscope
