// What threads without a GIL pay for memory that they share.
#include "analysis/memory_cost.h"

#include <gtest/gtest.h>

#include "trials.h"

namespace gilscope {
namespace {

using test::kMillisecond;
using test::span;

// Rounds of two tasks that ran at once in so many processes; `cpu` is of both together.
ModeTrials two_at_once(Mode mode, int wall_ms, int cpu_ms, int processes, GilKind gil = GilKind::None) {
  ModeTrials trials{.mode = mode, .gil = gil};
  for (int round = -2; round <= 2; ++round) {
    TrialRecord record = test::good_trial(wall_ms);
    auto job = span(1, 0, wall_ms);
    job.cpu_end = job.cpu_begin + (cpu_ms / processes + round) * kMillisecond;
    job.cpu_wait = Nanoseconds{};
    record.jobs = {job, job};
    record.jobs[1].pid = processes;
    trials.records.push_back(record);
  }
  return trials;
}

ModeTrials sequential() {
  ModeTrials trials = test::trials_of(Mode::Sequential, 400);
  trials.gil = GilKind::None;
  return trials;
}

std::optional<MemoryCost> cost_of(const ModeTrials& threads, const ModeTrials& processes) {
  return compare_modes({sequential(), threads, processes}).memory_cost;
}

TEST(MemoryCost, is_what_threads_cost_more_than_sequential_work_and_processes) {
  const auto cost =
      cost_of(two_at_once(Mode::Threads, 420, 840, 1), two_at_once(Mode::Processes, 200, 400, 2));
  ASSERT_TRUE(cost);
  EXPECT_NEAR(cost->threads.median, 2.1, 0.01);
  EXPECT_NEAR(cost->processes.median, 1, 0.01);
}

TEST(MemoryCost, is_none_where_processes_cost_as_much) {
  EXPECT_FALSE(cost_of(two_at_once(Mode::Threads, 420, 840, 1), two_at_once(Mode::Processes, 380, 760, 2)))
      << "two CPUs of one core";
}

TEST(MemoryCost, is_none_where_processes_were_not_as_many_at_a_time) {
  EXPECT_FALSE(cost_of(two_at_once(Mode::Threads, 420, 840, 1), two_at_once(Mode::Processes, 400, 400, 2)))
      << "nobody knows whether it is the CPUs";
}

TEST(MemoryCost, is_none_where_threads_waited) {
  EXPECT_FALSE(cost_of(two_at_once(Mode::Threads, 560, 840, 1), two_at_once(Mode::Processes, 200, 400, 2)))
      << "a quarter of the time: for locks, as it may be";
}

TEST(MemoryCost, is_none_of_threads_under_a_gil_or_of_a_little_more) {
  const auto processes = two_at_once(Mode::Processes, 200, 400, 2);
  EXPECT_FALSE(cost_of(two_at_once(Mode::Threads, 420, 840, 1, GilKind::Shared), processes));
  EXPECT_FALSE(cost_of(two_at_once(Mode::Threads, 230, 460, 1), processes));
}

TEST(MemoryCost, counts_the_queue_for_a_cpu_as_no_waiting) {
  auto threads = two_at_once(Mode::Threads, 560, 840, 1);
  for (auto& record : threads.records) {
    for (auto& job : record.jobs) job.cpu_wait = 140 * kMillisecond;
  }
  EXPECT_TRUE(cost_of(threads, two_at_once(Mode::Processes, 200, 400, 2)));
}

TEST(MemoryCost, takes_as_many_rounds_as_an_interval) {
  auto threads = two_at_once(Mode::Threads, 420, 840, 1);
  threads.records.resize(kMinSamples - 1);
  EXPECT_FALSE(cost_of(threads, two_at_once(Mode::Processes, 200, 400, 2)));
  EXPECT_FALSE(compare_modes({sequential(), two_at_once(Mode::Threads, 420, 840, 1)}).memory_cost)
      << "and processes to hold it against";
}

}  // namespace
}  // namespace gilscope
