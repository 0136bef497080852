#include "analysis/work_figures.h"

#include <gtest/gtest.h>

#include "trials.h"

namespace gilscope {
namespace {

using test::kMillisecond;
using test::kNsPerMs;
using test::span;

TEST(WorkFigures, of_jobs_one_after_the_other_have_a_concurrency_of_one) {
  const auto figures = compute_work_figures({span(1, 0, 10), span(1, 10, 30)});
  EXPECT_EQ(figures.wall_ns, 30 * kNsPerMs);
  EXPECT_EQ(figures.cpu_ns, 30 * kNsPerMs);
  EXPECT_DOUBLE_EQ(figures.concurrency, 1);
  EXPECT_DOUBLE_EQ(figures.parallelism, 1);
}

TEST(WorkFigures, of_overlapping_jobs_of_one_process_count_its_cpu_clock_once) {
  // Two threads under one GIL: both in progress for 20 ms, of which the process used one CPU.
  const auto figures = compute_work_figures({span(1, 0, 20), span(1, 0, 20)});
  EXPECT_EQ(figures.wall_ns, 20 * kNsPerMs);
  EXPECT_EQ(figures.cpu_ns, 20 * kNsPerMs);
  EXPECT_DOUBLE_EQ(figures.concurrency, 2);
  EXPECT_DOUBLE_EQ(figures.parallelism, 1);
}

TEST(WorkFigures, of_several_processes_add_up_their_cpu_clocks) {
  const auto figures = compute_work_figures({span(1, 0, 20), span(2, 0, 20), span(3, 0, 20)});
  EXPECT_EQ(figures.cpu_ns, 60 * kNsPerMs);
  EXPECT_DOUBLE_EQ(figures.concurrency, 3);
  EXPECT_DOUBLE_EQ(figures.parallelism, 3);
}

TEST(WorkFigures, of_partly_overlapping_jobs_integrate_their_number_over_the_work) {
  // 0 to 10: one; 10 to 20: two; 20 to 40: one: (10 + 20 + 20) / 40.
  const auto figures = compute_work_figures({span(1, 0, 20), span(2, 10, 40)});
  EXPECT_EQ(figures.wall_ns, 40 * kNsPerMs);
  EXPECT_DOUBLE_EQ(figures.concurrency, 50.0 / 40);
}

TEST(WorkFigures, count_the_gap_between_two_jobs_as_work_with_nobody_at_it) {
  const auto figures = compute_work_figures({span(1, 0, 10), span(1, 30, 40)});
  EXPECT_EQ(figures.wall_ns, 40 * kNsPerMs);
  EXPECT_DOUBLE_EQ(figures.concurrency, 0.5);
}

TEST(WorkFigures, of_jobs_that_wait_show_concurrency_without_parallelism) {
  JobSpan sleeping = span(1, 0, 100);
  sleeping.cpu_end = sleeping.cpu_begin + kMillisecond;
  const auto figures = compute_work_figures({sleeping, sleeping});
  EXPECT_DOUBLE_EQ(figures.concurrency, 2);
  EXPECT_DOUBLE_EQ(figures.parallelism, 0.01);
}

TEST(WorkFigures, do_not_depend_on_the_order_of_the_jobs) {
  const auto forward = compute_work_figures({span(1, 0, 20), span(2, 5, 40), span(1, 20, 30)});
  const auto backward = compute_work_figures({span(1, 20, 30), span(2, 5, 40), span(1, 0, 20)});
  EXPECT_EQ(forward.wall_ns, backward.wall_ns);
  EXPECT_EQ(forward.cpu_ns, backward.cpu_ns);
  EXPECT_EQ(forward.concurrency, backward.concurrency);
}

TEST(WorkFigures, of_work_that_took_no_time_at_all_are_finite) {
  const auto figures = compute_work_figures({span(1, 5, 5)});
  EXPECT_EQ(figures.wall_ns, 1);
  EXPECT_EQ(figures.concurrency, 0);
  EXPECT_EQ(figures.parallelism, 0);
}

}  // namespace
}  // namespace gilscope
