// A run that goes on, as somebody sees it who only looks: what its processes share tells of all of them, up
// to now. Nothing is written to it, and no signal comes. See docs/decisions/0029.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/process_record.h"
#include "capture/run_notes.h"
#include "probe/clock.h"
#include "recording/common_note.h"
#include "recording/shared_space.h"

namespace gilscope {

class LiveRun {
 public:
  // That which records the process: it is the first one, or has joined. Throws Error: there is no such
  // process, it is another user's, it is not recorded, …
  static LiveRun find(std::int64_t pid);

  // That which this process has open as that descriptor; empty: it is something else by now. Throws Error.
  static std::optional<LiveRun> at(int file);

  // As another process made it. Throws Error where that has not begun, or its clock may not be read here.
  explicit LiveRun(SharedSpace space);

  // "": events are counted, not kept.
  [[nodiscard]] std::string capture() const { return told_.capture ? told_.capture->folder : ""; }
  // What is kept of it: see CapturePlan. Empty: no ring.
  [[nodiscard]] std::optional<Nanoseconds> keep() const {
    return told_.capture ? told_.capture->keep : std::nullopt;
  }
  [[nodiscard]] const TriggerBoard& triggers() const { return CommonNote::of(space_).triggers; }
  [[nodiscard]] const ProbeClock& clock() const noexcept { return clock_; }
  // Since its recording began.
  [[nodiscard]] Nanoseconds age() const { return clock_.sample().time - began_.time; }
  // How long a tick is.
  [[nodiscard]] double tick_ns() const { return TickConversion(began_, clock_.sample()).tick_ns(); }
  [[nodiscard]] std::vector<std::string> command() const { return CommonNote::of(space_).read_command(); }

  // As Recording has both, but for what only the processes themselves know; `running` has all that go on.
  [[nodiscard]] RecordedRun collect() const;
  [[nodiscard]] RunNotes notes() const;

 private:
  template <typename Read>
  [[nodiscard]] auto read_settled_slots(Read read) const;
  template <typename Visit>
  [[nodiscard]] RecordingLosses for_each_slot(Visit visit) const;
  [[nodiscard]] bool records(std::int64_t pid) const;

  SharedSpace space_;
  Told told_;
  ProbeClock clock_;
  ClockPoint began_;
};

}  // namespace gilscope
