#include "analysis/tracing_cost.h"

#include <vector>

#include <gtest/gtest.h>

namespace gilscope {
namespace {

using CostKind = TracingCost::Kind;

// Rounds whose runs without tracing took so many milliseconds, and with it `ratio` times that.
std::vector<CostRound> rounds_of(const std::vector<int>& untraced_ms, const std::vector<double>& ratios) {
  std::vector<CostRound> rounds;
  for (std::size_t i = 0; i < untraced_ms.size(); ++i) {
    const Nanoseconds untraced = std::chrono::milliseconds(untraced_ms[i]);
    const Nanoseconds traced(
        static_cast<Nanoseconds::rep>(static_cast<double>(untraced.count()) * ratios[i]));
    rounds.push_back(
        {.traced = {.wall = traced, .cpu = 2 * traced}, .untraced = {.wall = untraced, .cpu = 2 * untraced}});
  }
  return rounds;
}

TEST(TracingCost, is_unknown_without_a_round) {
  const auto cost = judge_cost({});
  EXPECT_EQ(cost.kind, CostKind::NothingDone);
  EXPECT_FALSE(cost.wall);
  EXPECT_FALSE(cost.cpu);
}

TEST(TracingCost, is_the_median_of_the_ratios_that_the_rounds_have) {
  const auto cost = judge_cost(rounds_of({100, 200, 400, 100, 100}, {1.25, 1.125, 1.5, 1.0625, 1.375}));
  EXPECT_EQ(cost.kind, CostKind::Slower);
  EXPECT_DOUBLE_EQ(cost.wall->ratio->median, 1.25);
  EXPECT_DOUBLE_EQ(cost.cpu->ratio->median, 1.25);
  EXPECT_EQ(cost.wall->untraced.median, 100e6);
  EXPECT_EQ(cost.wall->traced.median, 137.5e6);
  EXPECT_EQ(cost.cpu->untraced.median, 200e6);
  EXPECT_EQ(cost.wall->traced_ns, (std::vector<double>{125e6, 225e6, 600e6, 106.25e6, 137.5e6}));
}

// A machine that gets slower and slower while it measures: ten times, and still the ratio is that of each
// round.
TEST(TracingCost, is_not_what_the_machine_did_meanwhile) {
  const auto cost = judge_cost(rounds_of({100, 150, 200, 300, 500, 700, 1000},
                                         {1.0625, 1.0625, 1.0625, 1.0625, 1.0625, 1.0625, 1.0625}));
  EXPECT_EQ(cost.kind, CostKind::Slower);
  EXPECT_DOUBLE_EQ(cost.wall->ratio->median, 1.0625);
  EXPECT_DOUBLE_EQ(*cost.wall->ratio->low, 1.0625);
  EXPECT_DOUBLE_EQ(*cost.wall->ratio->high, 1.0625);
}

TEST(TracingCost, that_may_be_none_is_told_as_that) {
  EXPECT_EQ(judge_cost(rounds_of({100, 100, 100, 100, 100}, {0.75, 1.125, 1.25, 1.5, 0.875})).kind,
            CostKind::NotTold);
  EXPECT_EQ(judge_cost(rounds_of({100, 100, 100, 100, 100}, {1, 1, 1, 1, 1})).kind, CostKind::NotTold);
  EXPECT_EQ(judge_cost(rounds_of({100, 100, 100, 100, 100}, {0.75, 0.5, 0.875, 0.75, 0.75})).kind,
            CostKind::Faster);
}

TEST(TracingCost, of_few_rounds_has_a_ratio_and_no_interval) {
  const auto cost = judge_cost(rounds_of({100, 100, 100, 100}, {2, 2, 2, 2}));
  EXPECT_EQ(cost.kind, CostKind::TooFewRounds);
  EXPECT_EQ(cost.wall->ratio->median, 2);
  EXPECT_FALSE(cost.wall->ratio->low);
}

// The kernel counts CPU time in ticks on some machines.
TEST(TracingCost, has_no_ratio_to_a_time_that_was_none) {
  auto rounds = rounds_of({100, 100, 100, 100, 100}, {2, 2, 2, 2, 2});
  rounds[2].untraced.cpu = Nanoseconds::zero();
  const auto cost = judge_cost(rounds);
  EXPECT_EQ(cost.kind, CostKind::Slower);
  EXPECT_FALSE(cost.cpu->ratio);
}

}  // namespace
}  // namespace gilscope
