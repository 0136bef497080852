// What a run notes at its end of its processes, beside their events: `run.json` in the folder of a capture.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "capture/code_stacks.h"
#include "probe/event.h"
#include "probe/hook_times.h"
#include "probe/lock_table.h"
#include "support/time.h"

namespace gilscope {

inline constexpr const char* kNotesFile = "run.json";

struct ThreadRecord {
  ThreadId id{};
  std::string name;                     // "" where nobody named it
  std::optional<Nanoseconds> cpu;       // within the recording
  std::optional<Nanoseconds> cpu_wait;  // likewise, how long it was in the queue for a CPU
  bool has_outlived = false;            // it had not ended when the recording did
  // Ticks that it waited for Python's locks: for a turn, and for work (see WaitFor); empty: nobody looked.
  std::optional<std::uint64_t> turn_ticks;
  std::optional<std::uint64_t> work_ticks;
  std::optional<std::uint64_t> world_ticks;  // likewise, that it stood in a stopped world
  // Of one that Python named and whose CPU time is known: how long it is in the recording.
  std::optional<std::uint64_t> life_ticks;
};

// Steps of an event loop in a thread, at one place, that took kLongStep or longer.
struct LoopSteps {
  ThreadId thread{};
  CodePlace place;  // where the loop was seen to stand, or what it ran; as work_of() tells: a collection
  std::uint64_t count = 0;
  std::uint64_t alone = 0;  // of these, while nothing else waited for the loop that is known of
  std::uint64_t ticks = 0;
  std::uint64_t longest = 0;  // ticks, and when that one began
  std::uint64_t longest_begin = 0;

  friend bool operator==(const LoopSteps&, const LoopSteps&) = default;
};

// Waits for Python's locks at one place that ended at another one.
struct LockWaits {
  std::optional<CodePlace> place;     // the user's line that led there; empty: no Python code ran
  std::string within;                 // the library's function that waited; "": the user's own
  bool is_for_work = false;           // rather than for a turn: see WaitFor
  std::optional<CodePlace> ended_at;  // where that one stood who ended them; empty, too: not known
  std::string ended_within;           // likewise
  std::uint64_t threads = 0;          // that waited, as far as they could be told apart
  std::uint64_t count = 0;
  std::uint64_t ticks = 0;
  std::uint64_t by_peers = 0;  // ticks of these: ended by who has waited for the same lock himself
  std::uint64_t longest = 0;   // ticks, and when that one began,
  std::uint64_t longest_begin = 0;
  ThreadId longest_thread{};              // whose it was,
  std::optional<ThreadId> longest_ender;  // and who ended it
  LockKind lock = LockKind::Unknown;      // of builds that are free-threaded
  std::string lock_type;                  // of an object: its type

  friend bool operator==(const LockWaits&, const LockWaits&) = default;
};

// A wait for a lock of Python's that goes on for a second or longer, and had not ended with the recording.
struct OpenLockWaits {
  ThreadId thread{};
  std::optional<CodePlace> place;  // as LockWaits has these
  std::string within;
  bool is_for_work = false;
  std::uint64_t since = 0;         // ticks
  std::optional<ThreadId> holder;  // who has the lock, and waits for one as well; empty: not known

  friend bool operator==(const OpenLockWaits&, const OpenLockWaits&) = default;
};

// Pauses in which the world was stopped (of builds that are free-threaded), by where they were asked for.
struct WorldStops {
  std::optional<CodePlace> place;  // empty: no Python code ran
  std::string call;                // what was called there; "": not known
  bool is_collection = false;      // of garbage, by itself or by `call`
  std::uint64_t count = 0;
  std::uint64_t ticks = 0;
  std::uint64_t until_stood = 0;  // of these
  std::uint64_t lost = 0;         // by all that stood, together
  std::uint64_t longest = 0;
  std::uint64_t longest_begin = 0;
  ThreadId longest_thread{};  // that asked for it

  friend bool operator==(const WorldStops&, const WorldStops&) = default;
};

// The GIL of a free-threaded build that came back for good: some module was imported that needs it.
struct GilReturn {
  std::uint64_t since = 0;         // ticks
  std::optional<CodePlace> place;  // of the import; empty: not known
  std::string module;

  friend bool operator==(const GilReturn&, const GilReturn&) = default;
};

// Steps, waits or pauses, with when the longest began since then; 0 before.
template <typename Rows>
[[nodiscard]] Rows since(std::uint64_t begin, Rows rows) {
  for (auto& row : rows) row.longest_begin -= std::min(begin, row.longest_begin);
  return rows;
}

[[nodiscard]] inline std::vector<OpenLockWaits> since(std::uint64_t begin, std::vector<OpenLockWaits> waits) {
  for (auto& wait : waits) wait.since -= std::min(begin, wait.since);
  return waits;
}

[[nodiscard]] inline std::optional<GilReturn> since(std::uint64_t begin, std::optional<GilReturn> gil) {
  if (gil) gil->since -= std::min(begin, gil->since);
  return gil;
}

struct ProcessNotes {
  std::int64_t pid = 0;
  std::int64_t parent_pid = 0;
  std::uint64_t folded = 0;  // see ProcessRecord; not in a capture
  std::string start_method;  // as in the events file: "" of the first process
  std::string name;          // "": nobody named it
  std::uint64_t begin = 0;   // ticks
  std::optional<std::uint64_t>
      end;  // of one that was killed: unknown; of one that still runs: that of the run
  std::optional<Nanoseconds> cpu;
  std::vector<ThreadRecord> threads;
  HookTimes hooks{};
  std::vector<LoopSteps> steps;
  std::uint64_t further_steps = 0;  // that were long, too, at more places than are kept
  std::vector<LockWaits> lock_waits;
  std::uint64_t further_lock_waits = 0;  // at more places than are kept
  std::vector<OpenLockWaits> open_lock_waits;
  std::vector<WorldStops> stops;
  std::uint64_t further_stops = 0;  // likewise
  std::uint64_t spins = 0;          // waits for locks that ended before anybody slept: at no place
  std::uint64_t spin_ticks = 0;
  std::optional<GilReturn> gil_return;
  bool became_program = false;  // another one (exec)
};

// Pythons that recorded processes have started, and that did not join.
struct UnrecordedProgram {
  std::string command;  // of all of them; cut
  std::uint64_t count = 0;

  friend bool operator==(const UnrecordedProgram&, const UnrecordedProgram&) = default;
};

// What is missing from what was recorded, beside dropped events.
struct RecordingLosses {
  std::uint64_t unrecorded_processes = 0;  // had no place, or what they recorded cannot be read any more
  std::uint64_t overlooked_gils = 0;       // more were alive at once than the probe takes
  bool were_slots_overwritten = false;     // by somebody else, while the probe ran
  bool are_stacks_unreadable = false;      // they were asked for; this build of CPython has other frames
  Nanoseconds suspended{};                 // the machine, meanwhile: times across that are not reliable
  Nanoseconds throttled{};                 // the first process's cgroup, as its quota of CPU time was used up
  std::vector<UnrecordedProgram> unrecorded_programs;  // the most first
  // Of the CPU time of the first process and of all that were waited for: what processes took that are not in
  // the recording. Empty: not known.
  std::optional<double> unseen_cpu_share;
};

struct RunNotes {
  bool has_gil = true;
  std::optional<int> exit_code;
  // "": Python's own end; "SIGTERM" or another signal; "exit": nothing of Python ran after it (os._exit);
  // "exec": it became another program; "unknown".
  std::string ended_by;
  std::vector<std::int64_t> running;  // processes that recorded, and had not ended
  // Added to a release and its acquire that concern nobody else, measured in this run.
  std::optional<double> pair_cost_ns;
  RecordingLosses losses;
  std::vector<ProcessNotes> processes;  // the first one first
};

// Overwrites what was there. Throws Error.
void write_run_notes(const std::filesystem::path& folder, const RunNotes& notes);

// Empty where the run has left none: it was killed, or has not ended. Throws Error where the file is damaged.
[[nodiscard]] std::optional<RunNotes> read_run_notes(const std::filesystem::path& folder);

}  // namespace gilscope
