#include <chrono>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/comparison.h"
#include "trials.h"

namespace gilscope {
namespace {

using test::failed_trial;
using test::good_trial;
using test::trials_of;
using test::with_times;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Verdict, names_the_one_mode_that_is_faster_than_sequential) {
  const auto verdict = compare_modes({trials_of(Mode::Sequential, 100), trials_of(Mode::Threads, 101),
                                      trials_of(Mode::Processes, 50), trials_of(Mode::Asyncio, 130)})
                           .verdict;
  EXPECT_EQ(verdict.kind, Verdict::Kind::OneWins);
  EXPECT_EQ(verdict.best_mode, Mode::Processes);
  EXPECT_THAT(verdict.peers, IsEmpty());
  EXPECT_THAT(verdict.without_gain, ElementsAre(Mode::Threads));
  EXPECT_THAT(verdict.slower, ElementsAre(Mode::Asyncio));
}

TEST(Verdict, names_the_faster_of_two_whose_intervals_are_apart_alone) {
  const auto verdict = compare_modes({trials_of(Mode::Sequential, 100), trials_of(Mode::Subinterpreters, 60),
                                      trials_of(Mode::Processes, 50)})
                           .verdict;
  EXPECT_EQ(verdict.kind, Verdict::Kind::OneWins);
  EXPECT_EQ(verdict.best_mode, Mode::Processes);
}

TEST(Verdict, names_several_where_their_intervals_overlap) {
  const auto verdict = compare_modes({trials_of(Mode::Sequential, 100), trials_of(Mode::Subinterpreters, 51),
                                      trials_of(Mode::Processes, 50), trials_of(Mode::Threads, 70)})
                           .verdict;
  EXPECT_EQ(verdict.kind, Verdict::Kind::SeveralWin);
  EXPECT_EQ(verdict.best_mode, Mode::Processes);
  EXPECT_THAT(verdict.peers, ElementsAre(Mode::Subinterpreters));
}

TEST(Verdict, takes_intervals_that_touch_in_one_point_as_overlapping) {
  // 48…52 and 52…56.
  const auto verdict = compare_modes({trials_of(Mode::Sequential, 100), trials_of(Mode::Subinterpreters, 54),
                                      trials_of(Mode::Processes, 50)})
                           .verdict;
  EXPECT_EQ(verdict.kind, Verdict::Kind::SeveralWin);
}

TEST(Verdict, says_that_no_mode_wins_where_all_are_as_fast_or_slower) {
  const auto verdict = compare_modes({trials_of(Mode::Sequential, 100), trials_of(Mode::Threads, 100),
                                      trials_of(Mode::Processes, 200)})
                           .verdict;
  EXPECT_EQ(verdict.kind, Verdict::Kind::NoneWins);
  EXPECT_FALSE(verdict.best_mode.has_value());
  EXPECT_THAT(verdict.without_gain, ElementsAre(Mode::Threads));
  EXPECT_THAT(verdict.slower, ElementsAre(Mode::Processes));
}

TEST(Verdict, takes_no_notice_of_a_difference_below_five_per_cent_however_sure_it_is) {
  ASSERT_EQ(kNoticeable, 0.05);
  const std::vector<int> baseline(9, 10'000);
  const auto judge = [&](int milliseconds) {
    return compare_modes({with_times(Mode::Sequential, baseline),
                          with_times(Mode::Threads, std::vector<int>(9, milliseconds))})
        .verdict;
  };
  EXPECT_EQ(judge(9'523).kind, Verdict::Kind::OneWins);   // 1.0501
  EXPECT_EQ(judge(9'524).kind, Verdict::Kind::NoneWins);  // 1.04998
  EXPECT_THAT(judge(9'524).without_gain, ElementsAre(Mode::Threads));
  EXPECT_THAT(judge(10'526).without_gain, ElementsAre(Mode::Threads));  // 0.95003
  EXPECT_THAT(judge(10'527).slower, ElementsAre(Mode::Threads));        // 0.94994
}

TEST(Verdict, takes_no_notice_of_a_large_difference_that_is_not_sure) {
  // The median is 1.43 times as fast, and some rounds are slower than any of sequential's.
  const auto verdict = compare_modes({with_times(Mode::Sequential, {100, 99, 101, 100, 102}),
                                      with_times(Mode::Threads, {70, 60, 150, 65, 160})})
                           .verdict;
  EXPECT_EQ(verdict.kind, Verdict::Kind::NoneWins);
  EXPECT_THAT(verdict.without_gain, ElementsAre(Mode::Threads));
}

TEST(Verdict, does_not_call_a_mode_slower_that_was_faster_in_some_rounds) {
  const auto verdict = compare_modes({with_times(Mode::Sequential, {100, 99, 101, 100, 102}),
                                      with_times(Mode::Threads, {150, 60, 155, 65, 160})})
                           .verdict;
  EXPECT_EQ(verdict.kind, Verdict::Kind::NoneWins);
  EXPECT_THAT(verdict.without_gain, ElementsAre(Mode::Threads));
  EXPECT_THAT(verdict.slower, IsEmpty());
}

TEST(Verdict, leaves_out_modes_that_did_not_end_well) {
  auto failed = trials_of(Mode::Processes, 20, 4);
  failed.records.push_back(failed_trial(TrialFailure::Kind::Timeout));
  const auto verdict =
      compare_modes({trials_of(Mode::Sequential, 100), failed, trials_of(Mode::Threads, 50)}).verdict;
  EXPECT_EQ(verdict.kind, Verdict::Kind::OneWins);
  EXPECT_EQ(verdict.best_mode, Mode::Threads);
}

TEST(Verdict, has_no_baseline_where_sequential_is_missing_or_failed) {
  EXPECT_EQ(compare_modes({trials_of(Mode::Threads, 100)}).verdict.kind, Verdict::Kind::NoBaseline);
  EXPECT_EQ(compare_modes({}).verdict.kind, Verdict::Kind::NoBaseline);
  auto failed = trials_of(Mode::Sequential, 100, 4);
  failed.records.push_back(failed_trial(TrialFailure::Kind::Task));
  EXPECT_EQ(compare_modes({failed, trials_of(Mode::Threads, 100)}).verdict.kind, Verdict::Kind::NoBaseline);
  EXPECT_EQ(
      compare_modes({{Mode::Sequential, GilKind::Shared, {}}, trials_of(Mode::Threads, 100)}).verdict.kind,
      Verdict::Kind::NoBaseline);
}

TEST(Verdict, has_nothing_to_say_of_sequential_alone) {
  EXPECT_EQ(compare_modes({trials_of(Mode::Sequential, 100)}).verdict.kind, Verdict::Kind::NothingElse);
  const ModeTrials failed{Mode::Threads, GilKind::Shared, {failed_trial(TrialFailure::Kind::Task)}};
  EXPECT_EQ(compare_modes({trials_of(Mode::Sequential, 100), failed}).verdict.kind,
            Verdict::Kind::NothingElse);
}

TEST(Verdict, is_none_where_others_had_the_cpus_while_the_sequential_work_wanted_one) {
  const auto kind_with = [](std::optional<int> waited_ms) {
    auto sequential = trials_of(Mode::Sequential, 100);
    for (auto& record : sequential.records) {
      for (auto& job : record.jobs) {
        job.cpu_end = job.cpu_begin + 30 * test::kMillisecond;
        if (waited_ms) job.cpu_wait = *waited_ms * test::kMillisecond;
      }
    }
    return compare_modes({sequential, trials_of(Mode::Threads, 50)}).verdict.kind;
  };
  EXPECT_EQ(kind_with(std::nullopt), Verdict::Kind::OneWins) << "the system does not tell";
  EXPECT_EQ(kind_with(10), Verdict::Kind::OneWins) << "three quarters of the time";
  EXPECT_EQ(kind_with(11), Verdict::Kind::Starved);
  EXPECT_EQ(kind_with(9), Verdict::Kind::OneWins);
}

TEST(Verdict, asks_for_more_rounds_where_there_are_too_few_for_intervals) {
  const auto verdict =
      compare_modes({trials_of(Mode::Sequential, 100, 4), trials_of(Mode::Threads, 10, 4)}).verdict;
  EXPECT_EQ(verdict.kind, Verdict::Kind::TooFewRounds);
  EXPECT_FALSE(verdict.best_mode.has_value());
}

TEST(Verdict, asks_for_more_rounds_where_only_some_modes_have_enough) {
  // Interrupted in the fifth round, between sequential and threads.
  const auto verdict =
      compare_modes({trials_of(Mode::Sequential, 100, 5), trials_of(Mode::Threads, 10, 4)}).verdict;
  EXPECT_EQ(verdict.kind, Verdict::Kind::TooFewRounds);
  EXPECT_THAT(verdict.without_gain, IsEmpty());
}

TEST(Verdict, does_not_judge_work_of_less_than_a_millisecond) {
  const auto micro = [](Mode mode, int time) {
    ModeTrials trials = trials_of(mode, 1);
    for (auto& record : trials.records) {
      record.jobs.front().end = record.jobs.front().begin + std::chrono::microseconds(time);
    }
    return trials;
  };
  EXPECT_EQ(compare_modes({micro(Mode::Sequential, 999), micro(Mode::Threads, 100)}).verdict.kind,
            Verdict::Kind::TooShort);
  EXPECT_EQ(compare_modes({micro(Mode::Sequential, 1000), micro(Mode::Threads, 100)}).verdict.kind,
            Verdict::Kind::OneWins);
}

}  // namespace
}  // namespace gilscope
