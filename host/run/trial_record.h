// What is known of one trial: the plain type that `run` hands to `analysis`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/time.h"

namespace gilscope {

// When one job ran, on CLOCK_MONOTONIC, and the CPU clock of its process (children included) at both ends.
struct JobSpan {
  std::size_t job = 0;
  unsigned worker = 0;
  std::int64_t pid = 0;
  Nanoseconds begin{};
  Nanoseconds end{};
  Nanoseconds cpu_begin{};
  Nanoseconds cpu_end{};
  std::optional<Nanoseconds> cpu_wait;  // of the worker's thread in the queue for a CPU; empty: not known
};

struct TrialFailure {
  enum class Kind {
    Load,    // a task could not be loaded
    Task,    // a task raised
    Worker,  // a worker died, or the mode itself broke
    Timeout,
    Ended,  // the trial's process ended before its tasks, or not as it should after them
  };
  Kind kind = Kind::Task;
  std::string message;    // one line
  std::string traceback;  // or the last of what was written to standard error; "" for none
};

// What one GIL did during the timed work.
struct GilWork {
  Nanoseconds wall{};  // of the recording, which is the work but for some microseconds
  std::uint64_t holds = 0;
  Nanoseconds hold{};
  std::uint64_t waits = 0;
  Nanoseconds wait{};
  std::uint64_t forced = 0;
  std::uint64_t handoffs = 0;

  friend bool operator==(const GilWork&, const GilWork&) = default;
};

// For what the workers waited during the timed work; sums over them.
struct WorkWaits {
  std::vector<GilWork> gils;  // that the workers used; none on a free-threaded build that keeps it off
  Nanoseconds lock{};         // for Python's locks, that other threads had
  Nanoseconds stopped{};      // while the world was stopped
};

struct TrialRecord {
  Nanoseconds setup{};
  std::vector<JobSpan> jobs;
  std::vector<std::optional<std::string>> digests;  // of each job's pickled result; empty: cannot be pickled
  std::optional<std::uint64_t> peak_rss_bytes;      // sum of the peaks of the trial's processes
  bool gil_enabled = true;                          // at the end, in any worker
  std::string start_method;                         // of processes, as it was; "" in other modes
  std::vector<std::string> slow_modules;            // that silently became pure Python in a sub-interpreter
  std::optional<WorkWaits> waits;                   // empty: not traced
  std::optional<TrialFailure> failure;
};

// Throws Error where the text is not what host/run/trial_modes.py writes.
TrialRecord parse_trial_record(std::string_view text);

}  // namespace gilscope
