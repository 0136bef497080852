// Where the time of a mode's workers went, beside what the same tasks take one after the other. Pure
// functions.
#pragma once

#include <optional>
#include <span>

#include "run/trial_record.h"
#include "run/trial_spec.h"

namespace gilscope {

// In nanoseconds, of all workers together; all that follows `whole` sums to it. What is empty is not known,
// and part of the rest.
struct WorkerTime {
  double whole = 0;                 // number of workers × time of the work
  double alone = 0;                 // that the tasks take one after the other: ideal scaling needs no more
  std::optional<double> for_gil;    // waited for one
  std::optional<double> for_locks;  // of Python's, that other threads had
  std::optional<double> stopped;    // while the world was
  std::optional<double> no_cpu;     // in the queue for one
  double no_task = 0;               // the others had the last ones
  // More time for the same tasks, of which nothing is known: caches, memory and reference counts that are
  // shared, locks that are not Python's. Below 0 where they took less.
  double rest = 0;

  [[nodiscard]] double share(double part) const noexcept { return whole > 0 ? part / whole : 0; }
};

// Medians over the trials that went well, which has one; `alone` of the tasks one after the other.
[[nodiscard]] WorkerTime find_worker_time(std::span<const TrialRecord> trials, unsigned workers,
                                          double alone);

// Whether each of the mode's workers has a thread of its own.
[[nodiscard]] bool have_workers_threads(Mode mode) noexcept;

}  // namespace gilscope
