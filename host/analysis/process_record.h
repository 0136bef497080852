// What the processes of a run recorded: the plain types that a recording hands to the analysis.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/blame.h"
#include "analysis/gil_summary.h"
#include "analysis/machine_snapshot.h"
#include "capture/run_notes.h"
#include "support/machine.h"
#include "support/time.h"

namespace gilscope {

enum class ProcessRole : std::uint8_t {
  First,       // where the recording began
  Fork,        // os.fork, or multiprocessing's start method of that name
  Spawn,       // multiprocessing's
  Forkserver,  // multiprocessing's
  Server,      // the server that forks those: no code of the user's
  Started,     // a Python of its own, by subprocess or any other way
};

// As captures have it: "" of the first process. What is not known is taken for that, too.
[[nodiscard]] ProcessRole role_of_start_method(std::string_view start_method) noexcept;
[[nodiscard]] std::string_view start_method_of_role(ProcessRole role) noexcept;

// What its spans' ends are called is in `stacks`.
struct BlameRecord {
  Spans spans;
  LongWaits long_waits;
  CodeStacks stacks;
  SwitchIntervals switch_intervals;
};

struct ProcessRecord {
  std::int64_t pid = 0;
  std::int64_t parent_pid = 0;
  std::uint64_t folded = 0;  // of how many processes that have ended this is the sum; 0: it is of one
  ProcessRole role = ProcessRole::First;
  std::string name;    // "": nobody named it
  Nanoseconds wall{};  // up to its stop; of a process that ended without one, up to its last event
  std::optional<Nanoseconds> cpu;
  TickLength tick;
  MachineSnapshot figures;
  std::vector<ThreadRecord> threads;
  HookTimes hooks{};
  std::vector<LoopSteps> steps;
  std::uint64_t further_steps = 0;  // as ProcessNotes has them, all three
  std::vector<LockWaits> lock_waits;
  std::uint64_t further_lock_waits = 0;
  std::vector<OpenLockWaits> open_lock_waits;
  std::vector<WorldStops> stops;
  std::uint64_t further_stops = 0;
  std::uint64_t spins = 0;
  std::uint64_t spin_ticks = 0;
  std::optional<GilReturn> gil_return;  // since the begin of the recording
  std::optional<BlameRecord> blame;     // of a capture; empty where events were counted
  bool became_program = false;          // another one (exec)
};

struct RecordedRun {
  std::vector<ProcessRecord> processes;  // the first one first; those without an event are left out
  bool has_gil = true;
  ClockKind clock = ClockKind::Monotonic;
  std::uint64_t dropped_events = 0;  // a capture had no space for them
  RecordingLosses losses;
  std::optional<double> pair_cost_ns;          // as RunNotes has it
  Nanoseconds readings{};                      // what readings took while it was recorded
  std::optional<std::uint64_t> capture_bytes;  // empty: there is no capture
  std::optional<int> exit_code;
  std::string ended_by;               // as RunNotes has it
  std::vector<std::int64_t> running;  // likewise
};

}  // namespace gilscope
