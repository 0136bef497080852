#include "analysis/worker_time.h"

#include <algorithm>
#include <vector>

#include "analysis/statistics.h"
#include "analysis/work_figures.h"
#include "support/time.h"

namespace gilscope {
namespace {

// Of one figure of each round; empty where one of them does not know it.
template <typename Round, typename Figure>
std::optional<double> median_of(const std::vector<Round>& rounds, Figure figure) {
  std::vector<double> values;
  for (const auto& round : rounds) {
    const std::optional<double> value = figure(round);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return median(values);
}

// A round that was not traced has none.
using Waits = std::vector<const WorkWaits*>;

template <typename Figure>
std::optional<double> median_wait(const Waits& rounds, Figure figure) {
  return median_of(rounds, [&](const WorkWaits* waits) {
    return waits != nullptr ? std::optional(count_ns(figure(*waits))) : std::nullopt;
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
  std::vector<WorkFigures> works;
  Waits waits;
  for (const auto& trial : trials) {
    if (trial.failure) continue;
    works.push_back(compute_work_figures(trial.jobs));
    waits.push_back(trial.waits ? &*trial.waits : nullptr);
  }
  WorkerTime time{.alone = alone};
  time.whole =
      *median_of(works, [&](const WorkFigures& work) { return std::optional(workers * work.wall_ns); });
  time.no_task = *median_of(works, [&](const WorkFigures& work) {
    return std::optional(std::max(0.0, workers - work.concurrency) * work.wall_ns);
  });
  time.for_gil = median_wait(waits, wait_for_gils);
  time.for_locks = median_wait(waits, [](const WorkWaits& round) { return round.lock; });
  time.stopped = median_wait(waits, [](const WorkWaits& round) { return round.stopped; });
  time.rest = time.whole - alone - time.no_task - time.for_gil.value_or(0) - time.for_locks.value_or(0) -
              time.stopped.value_or(0);
  // Who is woken after a wait queues for a CPU within it, so that may be more than is left.
  const auto queued = median_of(works, [](const WorkFigures& work) { return work.cpu_wait_ns; });
  if (queued) {
    time.no_cpu = std::clamp(time.rest, 0.0, *queued);
    time.rest -= *time.no_cpu;
  }
  return time;
}

}  // namespace gilscope
