// What the processes of a recording share beside their slots, and how a slot is read: by those that record,
// and by who looks on.
#pragma once

#include <array>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/cell.h"
#include "analysis/process_record.h"
#include "capture/event_recorder.h"
#include "probe/clock.h"
#include "probe/recorder.h"
#include "recording/blame_counters.h"
#include "recording/process_folder.h"
#include "recording/process_note.h"
#include "recording/recording.h"
#include "recording/shared_space.h"
#include "recording/started_programs.h"

namespace gilscope {

// Of the notes, and of the counters behind them.
[[nodiscard]] std::size_t bytes_of_slot();

// What the first process tells its children, in the bytes that all share.
struct CommonNote {
  Cell stacks;
  Cell clock;
  Cell max_size;
  Cell kept_ns;         // of a ring: how much it is to keep; 0: it is none
  Cell began_ticks;     // when the first process began to record: both its clocks
  Cell began_ns;        // 0: it has not
  SharedCounts counts;  // of the capture
  TriggerBoard triggers;
  ProcessKinds kinds;
  StartedPrograms started;
  std::array<char, PATH_MAX> folder;  // "": no capture
  Cell command_bytes;
  std::array<char, 3072> command;  // gilscope's: words that end with a zero each; the last may be cut

  [[nodiscard]] static CommonNote& of(const SharedSpace& space) noexcept {
    return *reinterpret_cast<CommonNote*>(space.common());
  }

  void set_began(const ClockPoint& point) noexcept;
  // Empty where it has not begun, or there is nonsense.
  [[nodiscard]] std::optional<ClockPoint> began() const noexcept;
  void set_command(const std::vector<std::string>& words) noexcept;
  [[nodiscard]] std::vector<std::string> read_command() const;
};
static_assert(sizeof(CommonNote) <= SharedSpace::kCommonBytes);

struct Told {
  std::optional<CapturePlan> capture;
  Stacks stacks = Stacks::Off;
  ClockKind clock = ClockKind::Monotonic;
};
// Throws Error where the path of the capture is too long.
void tell_common(const SharedSpace& space, const Told& told);
[[nodiscard]] Told read_common(const SharedSpace& space);

// `now` is the clock's, of before the counters were looked at, or of after they were copied. Empty where
// these cannot be notes.
[[nodiscard]] std::optional<ProcessRecord> read_process(const ProcessNote& note,
                                                        const BlameCounters::View& counted, TickLength tick,
                                                        std::uint64_t now);

}  // namespace gilscope
