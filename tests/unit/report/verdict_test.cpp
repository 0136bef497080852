// The words of a verdict; which verdict it is, analysis/comparison_test.cpp asks.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/compare_report.h"
#include "trials.h"

namespace gilscope {
namespace {

using test::failed_trial;
using test::trials_of;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Estimate certain(double speedup) { return {speedup, speedup - 0.01, speedup + 0.01}; }

// Two tasks in progress, one of them running: threads under one GIL.
ModeSummary summary(Mode mode, const Estimate& speedup, double concurrency = 2, double parallelism = 1) {
  ModeSummary summary{.mode = mode};
  summary.work_ns = Estimate{1e8, 0.9e8, 1.1e8};
  summary.speedup = speedup;
  summary.concurrency = concurrency;
  summary.parallelism = parallelism;
  return summary;
}

Comparison none_wins(ModeSummary summary) {
  Comparison comparison;
  comparison.verdict = {.kind = Verdict::Kind::NoneWins, .without_gain = {summary.mode}};
  comparison.modes = {std::move(summary)};
  return comparison;
}

TEST(VerdictText, of_one_winner_names_it_with_its_factor_and_interval_and_says_why_threads_gain_nothing) {
  Comparison comparison;
  comparison.modes = {summary(Mode::Threads, certain(0.98)), summary(Mode::Processes, {1.9, 1.85, 1.95})};
  comparison.verdict = {.kind = Verdict::Kind::OneWins,
                        .best_mode = Mode::Processes,
                        .peers = {},
                        .without_gain = {Mode::Threads}};
  EXPECT_EQ(describe_verdict(comparison),
            "processes, 1.90 × (1.85 to 1.95); threads gain nothing, 0.98 ×: 2.0 tasks in progress, 1.0 "
            "running at a "
            "time");
}

TEST(VerdictText, says_for_what_the_workers_waited_most_where_that_is_much) {
  auto threads = summary(Mode::Threads, certain(0.98));
  const auto text_of = [&](const WorkerTime& time) {
    threads.worker_time = time;
    return describe_verdict(none_wins(threads));
  };
  EXPECT_THAT(text_of({.whole = 200, .alone = 98, .for_gil = 96, .for_locks = 4}),
              HasSubstr("running at a time, waiting for the GIL 48 %"));
  EXPECT_THAT(text_of({.whole = 200, .alone = 98, .for_gil = 10, .for_locks = 70, .no_task = 22}),
              HasSubstr("waiting for locks 35 %"));
  EXPECT_THAT(text_of({.whole = 200, .alone = 190, .for_gil = 10}), Not(HasSubstr("waiting")));
  EXPECT_THAT(text_of({.whole = 200, .alone = 100, .rest = 100}), Not(HasSubstr("waiting")));
}

TEST(VerdictText, of_several_winners_says_that_their_intervals_overlap) {
  Comparison comparison;
  comparison.modes = {summary(Mode::Processes, {1.9, 1.85, 1.95}), summary(Mode::Threads, {1.8, 1.7, 1.9})};
  comparison.verdict = {
      .kind = Verdict::Kind::SeveralWin, .best_mode = Mode::Processes, .peers = {Mode::Threads}};
  EXPECT_EQ(describe_verdict(comparison),
            "processes, 1.90 × (1.85 to 1.95); threads cannot be told from it: the intervals overlap");
}

TEST(VerdictText, joins_names_as_a_sentence_does) {
  Comparison comparison;
  comparison.modes = {summary(Mode::Processes, {1.9, 1.85, 1.95})};
  comparison.verdict = {.kind = Verdict::Kind::SeveralWin, .best_mode = Mode::Processes};
  comparison.verdict.peers = {Mode::Threads, Mode::Subinterpreters};
  EXPECT_THAT(describe_verdict(comparison), HasSubstr("; threads and subinterpreters cannot"));
  comparison.verdict.peers = {Mode::Threads, Mode::Subinterpreters, Mode::Asyncio};
  EXPECT_THAT(describe_verdict(comparison), HasSubstr("; threads, subinterpreters and asyncio cannot"));
}

TEST(VerdictText, of_none_says_which_cannot_be_told_from_sequential_and_which_are_slower) {
  Comparison comparison;
  comparison.modes = {summary(Mode::Threads, certain(0.98)), summary(Mode::Processes, certain(0.5))};
  comparison.verdict = {
      .kind = Verdict::Kind::NoneWins, .without_gain = {Mode::Threads}, .slower = {Mode::Processes}};
  EXPECT_EQ(
      describe_verdict(comparison),
      "no mode wins over sequential: threads cannot be told from it, processes slower; threads gain nothing, "
      "0.98 ×: 2.0 tasks in progress, 1.0 running at a time");
}

TEST(VerdictText, of_none_names_the_slower_ones_alone_where_all_are) {
  Comparison comparison;
  comparison.modes = {summary(Mode::Processes, certain(0.5))};
  comparison.verdict = {.kind = Verdict::Kind::NoneWins, .slower = {Mode::Processes}};
  EXPECT_EQ(describe_verdict(comparison), "no mode wins over sequential: processes slower");
}

TEST(VerdictText, has_its_verbs_agree_with_their_nouns) {
  EXPECT_THAT(describe_verdict(none_wins(summary(Mode::Threads, certain(0.98)))),
              HasSubstr("; threads gain nothing"));
  EXPECT_THAT(describe_verdict(none_wins(summary(Mode::Asyncio, certain(0.98)))),
              HasSubstr("; asyncio gains nothing"));
  auto threads = none_wins(summary(Mode::Threads, certain(0.5)));
  threads.verdict = {.kind = Verdict::Kind::NoneWins, .slower = {Mode::Threads}};
  EXPECT_THAT(describe_verdict(threads), HasSubstr("; threads lose, 0.50 ×"));
  auto asyncio = none_wins(summary(Mode::Asyncio, certain(0.5)));
  asyncio.verdict = {.kind = Verdict::Kind::NoneWins, .slower = {Mode::Asyncio}};
  EXPECT_THAT(describe_verdict(asyncio), HasSubstr("; asyncio loses, 0.50 ×"));
}

TEST(VerdictText, does_not_say_that_a_mode_gains_nothing_where_the_interval_is_wide) {
  const auto text = describe_verdict(none_wins(summary(Mode::Threads, {1.43, 0.62, 1.7})));
  EXPECT_THAT(text, HasSubstr("threads cannot be judged, 1.43 × (0.62 to 1.70)"));
  EXPECT_THAT(text, Not(HasSubstr("gain")));
}

TEST(VerdictText, explains_a_mode_that_used_several_cpus_without_being_faster) {
  EXPECT_THAT(describe_verdict(none_wins(summary(Mode::Threads, certain(1), 2, 1.9))),
              EndsWith("threads gain nothing, 1.00 ×: 1.9 running at a time, yet no faster"));
}

TEST(VerdictText, asks_for_the_rounds_that_are_needed) {
  const auto text =
      describe_verdict(compare_modes({trials_of(Mode::Sequential, 9, 1), trials_of(Mode::Threads, 9, 1)}));
  EXPECT_EQ(text, "no verdict: 5 rounds or more are needed to tell the spread");
}

TEST(VerdictText, says_what_is_missing_without_a_baseline) {
  const auto text = describe_verdict(compare_modes({trials_of(Mode::Threads, 9)}));
  EXPECT_THAT(text, StartsWith("no verdict: the sequential mode"));
  EXPECT_THAT(text, HasSubstr("was not run or did not end well"));
}

TEST(VerdictText, says_that_sequential_alone_is_nothing_to_compare) {
  EXPECT_THAT(describe_verdict(compare_modes({trials_of(Mode::Sequential, 9)})),
              StartsWith("no verdict: there is nothing beside the sequential mode"));
}

TEST(VerdictText, says_how_short_the_tasks_were_where_they_are_too_short) {
  auto trials = trials_of(Mode::Sequential, 9);
  for (auto& record : trials.records) {
    record.jobs.front().end = record.jobs.front().begin + std::chrono::microseconds(8);
  }
  EXPECT_THAT(describe_verdict(compare_modes({trials})),
              StartsWith("no verdict: the tasks took 8.00 µs in all"));
}

TEST(VerdictText, warns_of_results_that_differ_whatever_the_verdict) {
  auto different = trials_of(Mode::Threads, 9);
  for (auto& record : different.records) record.digests = {"other"};
  EXPECT_THAT(describe_verdict(compare_modes({trials_of(Mode::Sequential, 9), different})),
              EndsWith("; but the results differ between modes"));
  EXPECT_THAT(describe_verdict(compare_modes({trials_of(Mode::Sequential, 9), trials_of(Mode::Threads, 9)})),
              Not(HasSubstr("differ")));
}

TEST(Reason, is_that_of_the_failure_or_that_it_was_never_run) {
  const auto comparison = compare_modes(
      {{Mode::Threads, GilKind::Shared, {failed_trial(TrialFailure::Kind::Task, "KeyError: 'x'")}},
       {Mode::Asyncio, GilKind::Shared, {}}});
  EXPECT_EQ(describe_reason(comparison.modes.at(0)), "KeyError: 'x'");
  EXPECT_EQ(describe_reason(comparison.modes.at(1)), "no trial of it was made before the comparison ended");
}

}  // namespace
}  // namespace gilscope
