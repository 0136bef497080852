#include "analysis/worker_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trials.h"

namespace gilscope {
namespace {

using test::kMillisecond;
using test::kNsPerMs;
using test::mode_of;
using test::of_two_workers;
using test::span;
using test::trials_of;
using test::with_times;
using testing::DoubleEq;

double sum_of(const WorkerTime& time) {
  return time.alone + time.for_gil.value_or(0) + time.for_locks.value_or(0) + time.stopped.value_or(0) +
         time.no_cpu.value_or(0) + time.no_task + time.rest;
}

TEST(WorkerTime, of_threads_that_wait_for_one_another_is_what_one_worker_takes_and_the_waiting) {
  const auto trials = of_two_workers(with_times(Mode::Threads, {100}), {.gil = 95});
  const auto time = find_worker_time(trials.records, 2, 100 * kNsPerMs);
  EXPECT_THAT(time.whole, DoubleEq(200 * kNsPerMs));
  EXPECT_THAT(time.alone, DoubleEq(100 * kNsPerMs));
  EXPECT_THAT(*time.for_gil, DoubleEq(95 * kNsPerMs));
  EXPECT_THAT(time.rest, DoubleEq(5 * kNsPerMs));
  EXPECT_THAT(sum_of(time), DoubleEq(time.whole));
}

TEST(WorkerTime, in_the_queue_for_a_cpu_is_no_more_than_the_other_waits_leave) {
  const auto trials = of_two_workers(with_times(Mode::Threads, {100}), {.gil = 90, .lock = 4, .cpu = 50});
  const auto time = find_worker_time(trials.records, 2, 100 * kNsPerMs);
  EXPECT_THAT(*time.for_locks, DoubleEq(4 * kNsPerMs));
  EXPECT_THAT(*time.no_cpu, DoubleEq(6 * kNsPerMs));
  EXPECT_THAT(time.rest, DoubleEq(0));
}

TEST(WorkerTime, that_is_less_than_one_worker_took_leaves_less_than_nothing) {
  const auto trials = of_two_workers(with_times(Mode::Processes, {45}), {.gil = 0, .cpu = 8});
  const auto time = find_worker_time(trials.records, 2, 100 * kNsPerMs);
  EXPECT_THAT(*time.no_cpu, DoubleEq(0));
  EXPECT_THAT(time.rest, DoubleEq(-10 * kNsPerMs));
  EXPECT_THAT(sum_of(time), DoubleEq(time.whole));
}

TEST(WorkerTime, without_a_task_is_what_others_had_the_last_ones_for) {
  auto trials = with_times(Mode::Processes, {100});
  trials.records.front().jobs = {span(1, 0, 100), span(2, 0, 40)};
  const auto time = find_worker_time(trials.records, 2, 140 * kNsPerMs);
  EXPECT_THAT(time.no_task, DoubleEq(60 * kNsPerMs));
  EXPECT_NEAR(time.rest, 0, 1);
}

TEST(WorkerTime, that_nobody_traced_is_in_the_rest) {
  const auto time = find_worker_time(with_times(Mode::Threads, {100}).records, 1, 60 * kNsPerMs);
  EXPECT_FALSE(time.for_gil || time.for_locks || time.stopped || time.no_cpu);
  EXPECT_THAT(time.rest, DoubleEq(40 * kNsPerMs));
}

TEST(WorkerTime, has_medians_of_the_trials_that_went_well) {
  auto trials = of_two_workers(with_times(Mode::Threads, {100, 300, 110}), {.gil = 20});
  trials.records[1].waits->gils.front().wait = 70 * kMillisecond;
  trials.records[2].waits->stopped = 9 * kMillisecond;
  trials.records.push_back(test::failed_trial(TrialFailure::Kind::Task));
  const auto time = find_worker_time(trials.records, 2, 180 * kNsPerMs);
  EXPECT_THAT(time.whole, DoubleEq(220 * kNsPerMs));
  EXPECT_THAT(*time.for_gil, DoubleEq(20 * kNsPerMs));
  EXPECT_THAT(*time.stopped, DoubleEq(0));
  EXPECT_THAT(sum_of(time), DoubleEq(time.whole));
}

TEST(WorkerTime, is_that_of_modes_whose_workers_have_threads_beside_the_sequential_one) {
  const auto of = [](Mode mode) { return of_two_workers(trials_of(mode, 100), {.gil = 0}); };
  const auto comparison = compare_modes({of(Mode::Sequential), of(Mode::Threads), of(Mode::Asyncio)});
  EXPECT_TRUE(mode_of(comparison, Mode::Threads).worker_time);
  EXPECT_FALSE(mode_of(comparison, Mode::Sequential).worker_time);
  EXPECT_FALSE(mode_of(comparison, Mode::Asyncio).worker_time);
  EXPECT_FALSE(mode_of(compare_modes({of(Mode::Threads)}), Mode::Threads).worker_time);
}

}  // namespace
}  // namespace gilscope
