// The claims that rounds of tasks decide: each holds by measurements that agree with it, and does not by
// measurements that contradict it. No verdict is written down in advance.
#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "article_measurements.h"

namespace gilscope {
namespace {

using test::agreeing_measurements;
using test::claim_of;
using test::expect_contradicted;
using test::expect_holds;
using test::expect_untestable;
using test::fail;
using test::figure_of;
using test::mode_of;
using test::sure;
using testing::DoubleEq;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<int> ids_of(const std::vector<Claim>& claims) {
  std::vector<int> ids;
  std::ranges::transform(claims, std::back_inserter(ids), &Claim::id);
  return ids;
}

TEST(Article, has_thirteen_claims_which_all_hold_by_measurements_that_agree_with_it) {
  const auto claims = judge_article(agreeing_measurements());
  EXPECT_THAT(ids_of(claims), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13));
  for (const auto& claim : claims) {
    EXPECT_EQ(claim.verdict, ClaimVerdict::Holds) << claim.id << ": " << claim.reason;
    EXPECT_FALSE(claim.article_says.empty()) << claim.id;
    EXPECT_FALSE(claim.measured.empty()) << claim.id;
    EXPECT_FALSE(claim.reason.empty()) << claim.id;
  }
}

TEST(Article, has_no_claim_where_nothing_was_measured) { EXPECT_THAT(judge_article({}), IsEmpty()); }

TEST(Article, has_the_claims_for_which_something_was_measured_and_no_other) {
  const auto all = agreeing_measurements();
  ArticleMeasurements some{.has_gil = true, .usable_cpus = 2};
  some.counting = all.counting;
  EXPECT_THAT(ids_of(judge_article(some)), ElementsAre(2, 3, 9, 12));
  some.waits = all.waits;
  EXPECT_THAT(ids_of(judge_article(some)), ElementsAre(2, 3, 5, 9, 12));
  some.programs = {all.programs.front()};
  some.flavours.reason = "ran longer than 600 s (--timeout)";
  EXPECT_THAT(ids_of(judge_article(some)), ElementsAre(2, 3, 5, 9, 11, 12, 13));
}

// A failure of everything is thirteen reasons, whatever the Python and the machine.
TEST(Article, gives_a_reason_for_every_claim_that_it_cannot_test) {
  ArticleMeasurements nothing{.has_gil = true, .usable_cpus = 2};
  for (const auto* program : {"count_threads", "interleave_asyncio", "add_sub_sequential"})
    nothing.programs.push_back({program, {std::nullopt, "too slow"}});
  for (auto* rounds : {&nothing.counting, &nothing.native_held, &nothing.native_released, &nothing.queries,
                       &nothing.waits}) {
    *rounds = agreeing_measurements().counting;
    for (auto& mode : rounds->value->comparison.modes) fail(mode, "too slow");
  }
  nothing.forced_holds = {{std::nullopt, "too slow"}};
  nothing.process_counts.reason = nothing.exchange.reason = nothing.flavours.reason = "too slow";
  for (const bool has_gil : {true, false}) {
    for (const unsigned cpus : {1U, 2U}) {
      nothing.has_gil = has_gil;
      nothing.usable_cpus = cpus;
      const auto claims = judge_article(nothing);
      EXPECT_EQ(claims.size(), 13U);
      for (const auto& claim : claims) {
        EXPECT_EQ(claim.verdict, ClaimVerdict::NotTestableHere) << claim.id;
        EXPECT_FALSE(claim.reason.empty()) << claim.id;
      }
    }
  }
}

TEST(Article, says_holds_does_not_hold_and_not_testable_here) {
  EXPECT_EQ(name_of(ClaimVerdict::Holds), "holds");
  EXPECT_EQ(name_of(ClaimVerdict::DoesNotHold), "does not hold");
  EXPECT_EQ(name_of(ClaimVerdict::NotTestableHere), "not testable here");
}

struct GainClaim {
  int id;
  Mode mode;
};

// Claims 2 and 9: no gain. Of several CPUs, by counts in a mode.
class NoGain : public ::testing::TestWithParam<GainClaim> {
 protected:
  ModeSummary& mode() { return mode_of(measurements_.counting, GetParam().mode); }

  ArticleMeasurements measurements_ = agreeing_measurements();
  int id_ = GetParam().id;
};

INSTANTIATE_TEST_SUITE_P(Claims, NoGain,
                         testing::Values(GainClaim{2, Mode::Threads}, GainClaim{9, Mode::Asyncio}));

TEST_P(NoGain, is_contradicted_by_a_mode_that_was_faster) {
  expect_holds(measurements_, id_, "");
  mode().speedup = sure(1.9);
  expect_contradicted(measurements_, id_, "faster, in all of the interval");
}

TEST_P(NoGain, holds_where_the_mode_was_slower) {
  mode().speedup = sure(0.5);
  expect_holds(measurements_, id_, "");
}

TEST_P(NoGain, holds_where_the_rounds_disagree_and_there_was_one_cpu) {
  mode().speedup = {1.2, 0.9, 1.8};
  mode().parallelism = 1.0;
  expect_holds(measurements_, id_, "");
}

TEST_P(NoGain, is_open_where_the_rounds_disagree) {
  mode().speedup = {1.2, 0.9, 1.8};
  mode().parallelism = 1.6;
  expect_untestable(measurements_, id_, "the rounds disagree");
}

TEST_P(NoGain, is_open_after_too_few_rounds) {
  mode().speedup = {1.0, std::nullopt, std::nullopt};
  expect_untestable(measurements_, id_, "too few rounds for an interval: --rounds 5");
}

TEST_P(NoGain, is_open_with_one_cpu) {
  measurements_.usable_cpus = 1;
  expect_untestable(measurements_, id_, "one usable CPU");
}

TEST_P(NoGain, is_open_where_the_mode_or_the_baseline_failed) {
  fail(mode(), "ran longer than 60 s");
  expect_untestable(measurements_, id_, "ran longer than 60 s");
  measurements_ = agreeing_measurements();
  fail(mode_of(measurements_.counting, Mode::Sequential), "MemoryError");
  expect_untestable(measurements_, id_, "sequential: MemoryError");
}

TEST_P(NoGain, is_open_where_the_mode_was_not_run_or_the_run_was_interrupted_before_it) {
  mode().speedup.reset();
  expect_untestable(measurements_, id_, "no round went well");
  auto& modes = measurements_.counting.value->comparison.modes;
  std::erase_if(modes, [](const auto& one) { return one.mode == GetParam().mode; });
  expect_untestable(measurements_, id_, "not run");
}

TEST(ClaimTwo, does_not_blame_the_gil_where_there_is_none) {
  auto measurements = agreeing_measurements();
  measurements.has_gil = false;
  mode_of(measurements.counting, Mode::Threads).parallelism = 1.95;
  const auto claim = claim_of(measurements, 2);
  EXPECT_EQ(claim.verdict, ClaimVerdict::Holds);
  EXPECT_THAT(claim.reason, HasSubstr("though this Python has no GIL"));
}

TEST(ClaimTwo, is_open_without_a_gil_where_threads_had_no_second_cpu) {
  auto measurements = agreeing_measurements();
  measurements.has_gil = false;
  expect_untestable(measurements, 2, "the machine is busy");
}

TEST(ClaimTwo, has_the_figures_of_the_gil_that_explain_it) {
  auto measurements = agreeing_measurements();
  const auto claim = claim_of(measurements, 2);
  for (const auto* name : {"speedup", "parallelism", "hold_share", "wait_share"})
    EXPECT_TRUE(figure_of(claim, name)) << name;
  // Where they are unknown there are none, and no zeros.
  mode_of(measurements.counting, Mode::Threads).gil_figures.reset();
  mode_of(measurements.counting, Mode::Threads).parallelism.reset();
  EXPECT_EQ(claim_of(measurements, 2).measured.size(), 1U);
}

TEST(ClaimThree, is_contradicted_by_processes_that_gained_nothing) {
  auto measurements = agreeing_measurements();
  mode_of(measurements.counting, Mode::Processes).speedup = sure(0.97);
  expect_contradicted(measurements, 3, "two processes ran at once and gained nothing");
}

TEST(ClaimThree, is_open_where_the_processes_had_no_second_cpu) {
  auto measurements = agreeing_measurements();
  mode_of(measurements.counting, Mode::Processes).speedup = sure(0.97);
  mode_of(measurements.counting, Mode::Processes).parallelism = 0.65;
  expect_untestable(measurements, 3, "no tasks ran at once here: the machine is busy");
}

TEST(ClaimThree, says_that_the_articles_factor_is_beyond_what_two_tasks_at_once_can_gain) {
  auto measurements = agreeing_measurements();
  measurements.counting.value->bound = 2.0;
  expect_holds(measurements, 3, "3.09 × cannot come from that alone");
  expect_holds(measurements, 3, "bounds the gain by 2.00 ×");
  expect_holds(measurements, 3, "1.54 times as fast in their processes");
  EXPECT_THAT(std::get<double>(figure_of(claim_of(measurements, 3), "bound")->value), DoubleEq(2.0));
}

TEST(ClaimThree, says_nothing_of_a_bound_that_the_articles_factor_keeps_or_that_is_unknown) {
  auto measurements = agreeing_measurements();
  for (const auto bound : {std::optional(3.5), std::optional<double>()}) {
    measurements.counting.value->bound = bound;
    expect_holds(measurements, 3, "each process has a GIL of its own");
    EXPECT_THAT(claim_of(measurements, 3).reason, Not(HasSubstr("3.09")));
  }
}

TEST(ClaimThree, is_open_with_one_cpu_few_rounds_a_failure_or_a_wide_interval) {
  auto measurements = agreeing_measurements();
  auto& processes = mode_of(measurements.counting, Mode::Processes);
  measurements.usable_cpus = 1;
  expect_untestable(measurements, 3, "one usable CPU");
  measurements.usable_cpus = 2;
  processes.speedup = {1.9, 0.8, 2.1};
  expect_untestable(measurements, 3, "the rounds disagree");
  processes.speedup = {1.9, std::nullopt, std::nullopt};
  expect_untestable(measurements, 3, "too few rounds");
  fail(processes, "OSError: no more processes");
  expect_untestable(measurements, 3, "processes: OSError: no more processes");
}

TEST(ClaimThree, speaks_of_no_gil_where_there_is_none) {
  auto measurements = agreeing_measurements();
  measurements.has_gil = false;
  EXPECT_THAT(claim_of(measurements, 3).reason, Not(HasSubstr("a GIL of its own")));
}

TEST(ClaimFive, is_contradicted_by_either_kind_of_waiting_that_threads_did_not_speed_up) {
  for (const bool is_query : {true, false}) {
    auto measurements = agreeing_measurements();
    mode_of(is_query ? measurements.queries : measurements.waits, Mode::Threads).speedup = sure(1);
    expect_contradicted(measurements, 5, "gained nothing");
  }
}

TEST(ClaimFive, is_decided_by_one_kind_of_waiting_where_the_other_was_not_asked_for) {
  auto measurements = agreeing_measurements();
  measurements.queries = {};
  expect_holds(measurements, 5, "the waits overlapped");
  EXPECT_FALSE(figure_of(claim_of(measurements, 5), "queries_speedup"));
  measurements = agreeing_measurements();
  measurements.waits = {};
  expect_holds(measurements, 5, "the waits overlapped");
}

TEST(ClaimFive, is_open_where_one_kind_of_waiting_tells_nothing) {
  auto measurements = agreeing_measurements();
  mode_of(measurements.waits, Mode::Threads).speedup = {1.3, 0.9, 1.6};
  expect_untestable(measurements, 5, "the rounds disagree");
  measurements = agreeing_measurements();
  fail(mode_of(measurements.queries, Mode::Threads), "sqlite3.OperationalError: disk full");
  expect_untestable(measurements, 5, "disk full");
}

TEST(ClaimFive, needs_no_second_cpu_since_waiting_takes_none) {
  auto measurements = agreeing_measurements();
  measurements.usable_cpus = 1;
  expect_holds(measurements, 5, "");
}

TEST(ClaimTen, is_contradicted_by_a_loop_that_says_it_releases_and_still_holds) {
  auto measurements = agreeing_measurements();
  mode_of(measurements.native_released, Mode::Threads).gil_figures->hold_share = 0.99;
  expect_contradicted(measurements, 10, "still held it");
}

TEST(ClaimTen, is_open_where_the_loop_to_compare_with_did_not_hold_the_gil_either) {
  auto measurements = agreeing_measurements();
  mode_of(measurements.native_held, Mode::Threads).gil_figures->hold_share = 0.1;
  expect_untestable(measurements, 10, "nothing to compare with");
}

TEST(ClaimTen, is_open_without_a_gil_without_a_recording_and_without_one_of_the_loops) {
  auto measurements = agreeing_measurements();
  mode_of(measurements.native_released, Mode::Threads).gil_figures.reset();
  expect_untestable(measurements, 10, "not recorded");
  fail(mode_of(measurements.native_released, Mode::Threads), "No module named 'gilscope'");
  expect_untestable(measurements, 10, "No module named 'gilscope'");
  measurements.native_released = {};  // interrupted before it
  expect_untestable(measurements, 10, "not run");
  measurements.has_gil = false;
  expect_untestable(measurements, 10, "no GIL");
}

TEST(ClaimTwelve, is_contradicted_where_whatever_overlapped_ran_at_once) {
  auto measurements = agreeing_measurements();
  for (auto* rounds : {&measurements.counting, &measurements.queries}) {
    for (auto& mode : rounds->value->comparison.modes) mode.parallelism = mode.concurrency;
  }
  expect_contradicted(measurements, 12, "wherever tasks overlapped, they ran at once");
}

TEST(ClaimTwelve, is_open_where_nothing_ran_at_once) {
  auto measurements = agreeing_measurements();
  for (auto& mode : measurements.counting.value->comparison.modes) mode.parallelism = 1;
  expect_untestable(measurements, 12, "no tasks ran at once");
  measurements.usable_cpus = 1;
  expect_untestable(measurements, 12, "one usable CPU");
}

TEST(ClaimTwelve, has_both_figures_of_each_mode_that_ended_well) {
  auto measurements = agreeing_measurements();
  fail(mode_of(measurements.counting, Mode::Subinterpreters), "needs Python 3.12");
  const auto claim = claim_of(measurements, 12);
  EXPECT_EQ(claim.measured.size(), 2 * (4 + 2U));
  EXPECT_TRUE(figure_of(claim, "counting_threads_concurrency"));
  EXPECT_TRUE(figure_of(claim, "queries_threads_parallelism"));
  EXPECT_FALSE(figure_of(claim, "counting_subinterpreters_parallelism"));
}

TEST(Seconds, stand_beside_those_of_the_article_with_both_ratios) {
  const auto rows = compare_seconds(agreeing_measurements());
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].mode, Mode::Sequential);
  EXPECT_EQ(rows[1].mode, Mode::Threads);
  EXPECT_EQ(rows[2].mode, Mode::Processes);
  EXPECT_DOUBLE_EQ(rows[0].article_s, kArticleSequentialS);
  EXPECT_DOUBLE_EQ(rows[2].article_s, kArticleProcessesS);
  EXPECT_DOUBLE_EQ(rows[2].here_s, 0.52);
  // The ratio is of times, and so the inverse of the speed-up: its least belongs to the greatest gain.
  EXPECT_DOUBLE_EQ(rows[2].here_ratio.median, 1 / 1.92);
  EXPECT_DOUBLE_EQ(*rows[2].here_ratio.low, 1 / 1.94);
  EXPECT_DOUBLE_EQ(*rows[2].here_ratio.high, 1 / 1.90);
}

TEST(Seconds, have_no_interval_after_few_rounds_and_no_row_of_a_mode_that_failed) {
  auto measurements = agreeing_measurements();
  mode_of(measurements.counting, Mode::Threads).speedup = {0.9, std::nullopt, std::nullopt};
  fail(mode_of(measurements.counting, Mode::Processes), "ran longer than 60 s");
  const auto rows = compare_seconds(measurements);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_FALSE(rows[1].here_ratio.low);
  EXPECT_FALSE(rows[1].here_ratio.high);
}

TEST(Seconds, are_none_where_nothing_was_counted) {
  EXPECT_THAT(compare_seconds({}), IsEmpty());
  ArticleMeasurements failed;
  failed.counting.reason = "interrupted";
  EXPECT_THAT(compare_seconds(failed), IsEmpty());
}

}  // namespace
}  // namespace gilscope
