#include "analysis/worker_time.h"

#include <algorithm>
#include <vector>

#include "analysis/statistics.h"
#include "analysis/work_figures.h"
#include "support/time.h"

namespace gilscope {
namespace {

// One figure of each trial; empty where one of them does not know it.
template <typename Figure>
std::optional<double> median_of(std::span<const TrialRecord> trials, Figure figure) {
  std::vector<double> values;
  for (const auto& trial : trials) {
    if (trial.failure) continue;
    const std::optional<double> value = figure(trial);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return median(values);
}

// Of what was traced.
template <typename Figure>
std::optional<double> median_wait(std::span<const TrialRecord> trials, Figure figure) {
  return median_of(trials, [&](const TrialRecord& trial) {
    return trial.waits ? std::optional(count_ns(figure(*trial.waits))) : std::nullopt;
  });
}

Nanoseconds wait_for_gils(const WorkWaits& waits) {
  Nanoseconds sum{};
  for (const auto& gil : waits.gils) sum += gil.wait;
  return sum;
}

}  // namespace

bool have_workers_threads(Mode mode) noexcept { return mode != Mode::Sequential && mode != Mode::Asyncio; }

WorkerTime find_worker_time(std::span<const TrialRecord> trials, unsigned workers, double alone) {
  WorkerTime time{.alone = alone};
  time.whole = *median_of(trials, [&](const TrialRecord& trial) {
    return std::optional(workers * compute_work_figures(trial.jobs).wall_ns);
  });
  time.no_task = *median_of(trials, [&](const TrialRecord& trial) {
    const auto work = compute_work_figures(trial.jobs);
    return std::optional(std::max(0.0, workers - work.concurrency) * work.wall_ns);
  });
  time.for_gil = median_wait(trials, wait_for_gils);
  time.for_locks = median_wait(trials, [](const WorkWaits& waits) { return waits.lock; });
  time.stopped = median_wait(trials, [](const WorkWaits& waits) { return waits.stopped; });
  time.rest = time.whole - alone - time.no_task - time.for_gil.value_or(0) - time.for_locks.value_or(0) -
              time.stopped.value_or(0);
  // Who is woken after a wait queues for a CPU within it, so that may be more than is left.
  const auto queued = median_of(
      trials, [](const TrialRecord& trial) { return compute_work_figures(trial.jobs).cpu_wait_ns; });
  if (queued) {
    time.no_cpu = std::clamp(time.rest, 0.0, *queued);
    time.rest -= *time.no_cpu;
  }
  return time;
}

}  // namespace gilscope
