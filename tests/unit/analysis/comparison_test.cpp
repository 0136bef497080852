#include "analysis/comparison.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trials.h"

namespace gilscope {
namespace {

using test::failed_trial;
using test::good_trial;
using test::kMillisecond;
using test::kNsPerMs;
using test::mode_of;
using test::span;
using test::trials_of;
using test::with_times;
using testing::DoubleEq;
using testing::ElementsAre;

ModeTrials with_digests(Mode mode, const std::vector<std::vector<std::optional<std::string>>>& rounds) {
  ModeTrials trials = trials_of(mode, 100, rounds.size());
  for (std::size_t round = 0; round < rounds.size(); ++round) trials.records[round].digests = rounds[round];
  return trials;
}

TEST(Gil, of_subinterpreters_is_their_own_from_312_on) {
  EXPECT_EQ(gil_of(Mode::Subinterpreters, 11, true), GilKind::Shared);
  EXPECT_EQ(gil_of(Mode::Subinterpreters, 12, true), GilKind::Own);
  EXPECT_EQ(gil_of(Mode::Subinterpreters, 15, true), GilKind::Own);
}

TEST(Gil, of_processes_is_their_own_and_of_the_others_shared) {
  for (const int minor : {11, 12, 15}) {
    EXPECT_EQ(gil_of(Mode::Processes, minor, true), GilKind::Own);
    EXPECT_EQ(gil_of(Mode::Threads, minor, true), GilKind::Shared);
    EXPECT_EQ(gil_of(Mode::Asyncio, minor, true), GilKind::Shared);
    EXPECT_EQ(gil_of(Mode::Sequential, minor, true), GilKind::Shared);
  }
}

TEST(Gil, is_none_in_every_mode_of_a_free_threaded_build_that_kept_it_off) {
  for (const auto mode : kModes) EXPECT_EQ(gil_of(mode, 13, false), GilKind::None);
}

TEST(Comparison, has_the_samples_of_every_round_and_their_medians) {
  const auto comparison = compare_modes({with_times(Mode::Sequential, {100, 104, 98, 101, 110})});
  const auto& mode = comparison.modes.at(0);
  EXPECT_EQ(mode.status, ModeStatus::Ok);
  EXPECT_THAT(mode.work_samples_ns,
              ElementsAre(100 * kNsPerMs, 104 * kNsPerMs, 98 * kNsPerMs, 101 * kNsPerMs, 110 * kNsPerMs));
  EXPECT_EQ(mode.work_ns->median, 101 * kNsPerMs);
  EXPECT_EQ(*mode.work_ns->low, 98 * kNsPerMs);
  EXPECT_EQ(*mode.work_ns->high, 110 * kNsPerMs);
  EXPECT_EQ(mode.setup_ns->median, 2 * kNsPerMs);
  EXPECT_EQ(mode.cpu_ns, 101 * kNsPerMs);
  EXPECT_EQ(mode.max_rss_bytes, 0x1p20);
  EXPECT_THAT(*mode.concurrency, DoubleEq(1));
  EXPECT_THAT(*mode.parallelism, DoubleEq(1));
}

TEST(Comparison, keeps_the_order_and_the_gil_of_the_trials) {
  auto processes = trials_of(Mode::Processes, 60);
  processes.gil = GilKind::Own;
  const auto comparison = compare_modes({processes, trials_of(Mode::Sequential, 100)});
  EXPECT_EQ(comparison.modes.at(0).mode, Mode::Processes);
  EXPECT_EQ(comparison.modes.at(0).gil, GilKind::Own);
  EXPECT_EQ(comparison.modes.at(1).mode, Mode::Sequential);
}

TEST(Comparison, carries_the_start_method_and_the_slow_modules) {
  auto trials = trials_of(Mode::Processes, 60);
  for (auto& record : trials.records) record.start_method = "forkserver";
  auto isolated = trials_of(Mode::Subinterpreters, 60);
  for (auto& record : isolated.records) record.slow_modules = {"datetime"};
  const auto comparison = compare_modes({trials, isolated});
  EXPECT_EQ(comparison.modes.at(0).start_method, "forkserver");
  EXPECT_THAT(comparison.modes.at(1).slow_modules, ElementsAre("datetime"));
}

TEST(Comparison, knows_no_memory_where_no_trial_did) {
  auto trials = trials_of(Mode::Sequential, 100);
  for (auto& record : trials.records) record.peak_rss_bytes.reset();
  EXPECT_FALSE(compare_modes({trials}).modes.at(0).max_rss_bytes.has_value());
}

TEST(Speedup, is_the_sequential_median_over_the_modes) {
  const auto comparison = compare_modes({trials_of(Mode::Sequential, 100), trials_of(Mode::Processes, 50)});
  const auto& speedup = *mode_of(comparison, Mode::Processes).speedup;
  EXPECT_DOUBLE_EQ(speedup.median, 2);
  EXPECT_GT(*speedup.low, 1.8);
  EXPECT_LT(*speedup.high, 2.2);
}

TEST(Speedup, of_sequential_is_exactly_one) {
  const auto comparison = compare_modes({trials_of(Mode::Sequential, 100)});
  const auto& speedup = *comparison.modes.at(0).speedup;
  EXPECT_EQ(speedup.median, 1);
  EXPECT_EQ(*speedup.low, 1);
  EXPECT_EQ(*speedup.high, 1);
}

TEST(Speedup, is_unknown_without_a_sequential_mode_that_went_well) {
  auto failed = trials_of(Mode::Sequential, 100, 2);
  failed.records.push_back(failed_trial(TrialFailure::Kind::Task));
  const auto with_failure = compare_modes({failed, trials_of(Mode::Threads, 100)});
  EXPECT_FALSE(mode_of(with_failure, Mode::Threads).speedup.has_value());
  EXPECT_FALSE(mode_of(with_failure, Mode::Sequential).speedup.has_value());
  const auto without = compare_modes({trials_of(Mode::Threads, 100)});
  EXPECT_FALSE(without.modes.at(0).speedup.has_value());
}

TEST(Speedup, of_few_rounds_has_no_interval) {
  const auto comparison =
      compare_modes({trials_of(Mode::Sequential, 100, 4), trials_of(Mode::Threads, 50, 4)});
  EXPECT_GT(mode_of(comparison, Mode::Threads).speedup->median, 1.9);
  EXPECT_FALSE(mode_of(comparison, Mode::Threads).speedup->low.has_value());
  EXPECT_FALSE(mode_of(comparison, Mode::Sequential).speedup->low.has_value());
}

TEST(Status, of_a_mode_whose_trial_failed_is_failed_with_the_reason_and_the_rounds_before) {
  auto trials = trials_of(Mode::Threads, 100, 2);
  trials.records.push_back(failed_trial(TrialFailure::Kind::Ended, "its process was ended by SIGSEGV"));
  const auto comparison = compare_modes({trials_of(Mode::Sequential, 100), trials});
  const auto& mode = mode_of(comparison, Mode::Threads);
  EXPECT_EQ(mode.status, ModeStatus::Failed);
  EXPECT_EQ(mode.failure->message, "its process was ended by SIGSEGV");
  EXPECT_EQ(mode.work_samples_ns.size(), 2U);
  EXPECT_FALSE(mode.speedup.has_value());
  EXPECT_FALSE(mode.results_equal.has_value());
}

TEST(Status, of_every_kind_of_failure_but_a_timeout_is_failed) {
  using Kind = TrialFailure::Kind;
  for (const auto kind : {Kind::Load, Kind::Task, Kind::Worker, Kind::Ended}) {
    const auto comparison = compare_modes({{Mode::Threads, GilKind::Shared, {failed_trial(kind)}}});
    EXPECT_EQ(comparison.modes.at(0).status, ModeStatus::Failed);
  }
  const auto comparison = compare_modes({{Mode::Threads, GilKind::Shared, {failed_trial(Kind::Timeout)}}});
  EXPECT_EQ(comparison.modes.at(0).status, ModeStatus::Timeout);
  EXPECT_FALSE(comparison.modes.at(0).work_ns.has_value());
}

TEST(Status, of_a_mode_that_never_ran_is_unavailable_and_not_ok) {
  const auto comparison =
      compare_modes({trials_of(Mode::Sequential, 100), {Mode::Threads, GilKind::Shared, {}}});
  const auto& mode = mode_of(comparison, Mode::Threads);
  EXPECT_EQ(mode.status, ModeStatus::Unavailable);
  EXPECT_FALSE(mode.work_ns.has_value());
  EXPECT_FALSE(mode.results_equal.has_value());
  EXPECT_FALSE(comparison.all_good());
}

TEST(Results, are_compared_within_a_round_for_rounds_differ_in_their_hash_seed) {
  const auto comparison = compare_modes({with_digests(Mode::Sequential, {{"a", "b"}, {"c", "d"}}),
                                         with_digests(Mode::Threads, {{"a", "b"}, {"c", "d"}})});
  EXPECT_EQ(mode_of(comparison, Mode::Threads).results_equal, true);
  EXPECT_TRUE(comparison.all_good());
}

TEST(Results, that_differ_in_one_job_of_one_round_are_not_equal) {
  const auto comparison = compare_modes({with_digests(Mode::Sequential, {{"a", "b"}, {"c", "d"}}),
                                         with_digests(Mode::Threads, {{"a", "b"}, {"c", "X"}}),
                                         with_digests(Mode::Processes, {{"a", "b"}, {"c", "d"}})});
  EXPECT_EQ(mode_of(comparison, Mode::Sequential).results_equal, true);
  EXPECT_EQ(mode_of(comparison, Mode::Threads).results_equal, false);
  EXPECT_EQ(mode_of(comparison, Mode::Processes).results_equal, true);
  EXPECT_FALSE(comparison.all_good());
}

TEST(Results, of_the_other_round_do_not_count) {
  const auto comparison = compare_modes(
      {with_digests(Mode::Sequential, {{"a"}, {"b"}}), with_digests(Mode::Threads, {{"b"}, {"a"}})});
  EXPECT_EQ(mode_of(comparison, Mode::Threads).results_equal, false);
}

TEST(Results, that_cannot_be_pickled_are_unknown_and_no_fault) {
  const auto comparison = compare_modes(
      {with_digests(Mode::Sequential, {{"a", std::nullopt}}), with_digests(Mode::Threads, {{"a", "b"}})});
  EXPECT_FALSE(mode_of(comparison, Mode::Sequential).results_equal.has_value());
  EXPECT_FALSE(mode_of(comparison, Mode::Threads).results_equal.has_value());
  EXPECT_TRUE(comparison.all_good());
}

TEST(Results, that_are_partly_unknown_are_unequal_where_the_known_part_is) {
  const auto comparison = compare_modes({with_digests(Mode::Sequential, {{std::nullopt, "a"}}),
                                         with_digests(Mode::Threads, {{std::nullopt, "b"}})});
  EXPECT_EQ(mode_of(comparison, Mode::Threads).results_equal, false);
}

TEST(Results, are_compared_to_the_first_mode_that_went_well) {
  auto failed = with_digests(Mode::Sequential, {{"wrong"}});
  failed.records.push_back(failed_trial(TrialFailure::Kind::Task));
  const auto comparison = compare_modes(
      {failed, with_digests(Mode::Threads, {{"a"}, {"b"}}), with_digests(Mode::Processes, {{"a"}, {"b"}})});
  EXPECT_FALSE(mode_of(comparison, Mode::Sequential).results_equal.has_value());
  EXPECT_EQ(mode_of(comparison, Mode::Processes).results_equal, true);
}

TEST(Results, of_an_interrupted_mode_are_compared_in_the_rounds_that_it_has) {
  const auto comparison =
      compare_modes({with_digests(Mode::Sequential, {{"a"}, {"b"}}), with_digests(Mode::Threads, {{"a"}}),
                     with_digests(Mode::Processes, {{"X"}})});
  EXPECT_EQ(mode_of(comparison, Mode::Threads).results_equal, true);
  EXPECT_EQ(mode_of(comparison, Mode::Processes).results_equal, false);
}

// A GIL that was held so many of 100 ms.
GilWork gil_held(int milliseconds) {
  return {.wall = 100 * kMillisecond, .holds = 10, .hold = milliseconds * kMillisecond};
}

ModeTrials with_gils(Mode mode, const std::vector<std::vector<GilWork>>& rounds) {
  ModeTrials trials = trials_of(mode, 100, rounds.size());
  for (std::size_t round = 0; round < rounds.size(); ++round)
    trials.records[round].waits = {.gils = rounds[round]};
  return trials;
}

TEST(GilFigures, are_the_medians_of_the_rounds) {
  const auto comparison =
      compare_modes({with_gils(Mode::Threads, {{gil_held(10)}, {gil_held(90)}, {gil_held(40)}})});
  const auto& figures = mode_of(comparison, Mode::Threads).gil_figures;
  ASSERT_TRUE(figures);
  EXPECT_THAT(figures->hold_share, DoubleEq(0.4));
  EXPECT_THAT(figures->hold_ns, DoubleEq(40 * kNsPerMs));
  EXPECT_THAT(figures->holds, DoubleEq(10));
}

TEST(GilFigures, of_several_gils_add_up_but_for_the_share_which_is_that_of_the_busy_ones) {
  const auto comparison =
      compare_modes({with_gils(Mode::Subinterpreters, {{gil_held(90), gil_held(70), gil_held(0)}})});
  const auto& figures = *mode_of(comparison, Mode::Subinterpreters).gil_figures;
  EXPECT_THAT(figures.hold_share, DoubleEq(0.8));
  EXPECT_THAT(figures.hold_ns, DoubleEq(160 * kNsPerMs));
  EXPECT_THAT(figures.holds, DoubleEq(30));
}

TEST(GilFigures, compare_waits_to_the_time_that_tasks_were_in_progress) {
  ModeTrials trials = with_gils(Mode::Threads, {{{.wall = 100 * kMillisecond, .handoffs = 20}}});
  trials.records[0].jobs = {span(1, 0, 100), span(1, 0, 100)};
  trials.records[0].digests = {"same", "same"};
  trials.records[0].waits->gils.front().wait = 80 * kMillisecond;
  const auto comparison = compare_modes({trials});
  EXPECT_THAT(mode_of(comparison, Mode::Threads).gil_figures->wait_share, DoubleEq(0.4));
  EXPECT_THAT(mode_of(comparison, Mode::Threads).gil_figures->handoffs_per_s, DoubleEq(200));
}

TEST(GilFigures, are_unknown_where_nothing_was_traced) {
  const auto comparison = compare_modes({trials_of(Mode::Sequential, 100)});
  EXPECT_FALSE(mode_of(comparison, Mode::Sequential).gil_figures);
  EXPECT_FALSE(comparison.ceiling);
}

TEST(Ceiling, is_the_time_of_the_sequential_work_over_the_time_held_in_it) {
  const auto comparison =
      compare_modes({with_gils(Mode::Sequential, {{gil_held(50)}, {gil_held(40)}, {gil_held(25)}}),
                     with_gils(Mode::Threads, {{gil_held(100)}, {gil_held(100)}, {gil_held(100)}})});
  ASSERT_TRUE(comparison.ceiling);
  EXPECT_THAT(*comparison.ceiling, DoubleEq(2.5));
}

TEST(Comparison, is_good_only_where_every_mode_went_well) {
  EXPECT_TRUE(compare_modes({trials_of(Mode::Sequential, 100), trials_of(Mode::Threads, 100)}).all_good());
  const ModeTrials failed{Mode::Threads, GilKind::Shared, {failed_trial(TrialFailure::Kind::Task)}};
  EXPECT_FALSE(compare_modes({trials_of(Mode::Sequential, 100), failed}).all_good());
  const ModeTrials hung{Mode::Threads, GilKind::Shared, {failed_trial(TrialFailure::Kind::Timeout)}};
  EXPECT_FALSE(compare_modes({trials_of(Mode::Sequential, 100), hung}).all_good());
}

TEST(Comparison, is_good_where_no_mode_wins) {
  EXPECT_TRUE(compare_modes({trials_of(Mode::Sequential, 100), trials_of(Mode::Threads, 300)}).all_good());
}

TEST(Comparison, is_good_where_a_mode_cannot_be_run_but_another_can) {
  const ModeTrials unavailable{
      .mode = Mode::Subinterpreters, .gil = GilKind::Own, .records = {}, .unavailable = "why"};
  const auto comparison = compare_modes({trials_of(Mode::Sequential, 100), unavailable});
  EXPECT_EQ(mode_of(comparison, Mode::Subinterpreters).status, ModeStatus::Unavailable);
  EXPECT_TRUE(comparison.all_good());
  EXPECT_FALSE(compare_modes({unavailable}).all_good());
}

TEST(SequentialRatio, is_the_time_of_one_comparison_by_that_of_the_other) {
  const auto slow = compare_modes({trials_of(Mode::Sequential, 300), trials_of(Mode::Threads, 100)});
  const auto fast = compare_modes({trials_of(Mode::Sequential, 200)});
  const auto ratio = sequential_ratio(slow, fast);
  ASSERT_TRUE(ratio);
  EXPECT_DOUBLE_EQ(ratio->median, 1.5);
  EXPECT_LT(*ratio->low, 1.5);
  EXPECT_GT(*ratio->high, 1.5);
}

TEST(SequentialRatio, of_a_comparison_by_itself_is_exactly_1) {
  const auto comparison = compare_modes({trials_of(Mode::Sequential, 200)});
  const auto ratio = sequential_ratio(comparison, comparison);
  ASSERT_TRUE(ratio);
  EXPECT_EQ(ratio->low, 1.0);
  EXPECT_EQ(ratio->high, 1.0);
}

TEST(SequentialRatio, is_unknown_without_two_good_times) {
  const auto good = compare_modes({trials_of(Mode::Sequential, 200)});
  const auto none = compare_modes({trials_of(Mode::Threads, 200)});
  const auto failed =
      compare_modes({{Mode::Sequential, GilKind::Shared, {failed_trial(TrialFailure::Kind::Task)}}});
  for (const auto& other : {none, failed}) {
    EXPECT_EQ(sequential_ratio(good, other), std::nullopt);
    EXPECT_EQ(sequential_ratio(other, good), std::nullopt);
  }
}

}  // namespace
}  // namespace gilscope
