// From the jobs of one trial to the figures of its work. Pure functions.
#pragma once

#include <optional>
#include <vector>

#include "run/trial_record.h"

namespace gilscope {

struct WorkFigures {
  double wall_ns = 0;                 // from the first begin of a job to the last end
  double cpu_ns = 0;                  // of all workers' processes within it
  std::optional<double> cpu_wait_ns;  // of all workers' threads in the queue for a CPU; empty: not known
  double concurrency = 0;             // jobs begun and not ended, integrated over the work / wall
  double parallelism = 0;             // cpu / wall
};

// `jobs` must not be empty.
WorkFigures compute_work_figures(const std::vector<JobSpan>& jobs);

}  // namespace gilscope
