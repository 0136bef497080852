#include "report/cost_report.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden.h"

namespace gilscope {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

CostContext cost_context() {
  return {.python = {{"version", "3.13.0"},
                     {"implementation", "CPython"},
                     {"executable", "/usr/bin/python3"},
                     {"prefix", "/usr"},  // not this document's to show
                     {"linkage", "static"},
                     {"free_threaded", false},
                     {"config_args", nullptr}},
          .machine = {{"cpus", 8}, {"usable_cpus", 8.0}, {"model", "AMD EPYC 9654"}},
          .command = {"gilscope", "run", "--cost", "app.py"},
          .rounds = 5,
          .said_share = 0.0412};
}

CostRound round_of(int traced_ms, int untraced_ms) {
  return {.traced = {.wall = milliseconds(traced_ms), .cpu = milliseconds(2 * traced_ms - 90)},
          .untraced = {.wall = milliseconds(untraced_ms), .cpu = milliseconds(2 * untraced_ms - 100)}};
}

TracingCost slower() {
  return judge_cost({round_of(1080, 1000), round_of(1105, 1010), round_of(1074, 996), round_of(1130, 1042),
                     round_of(1062, 1003)});
}

TracingCost not_told() {
  return judge_cost({round_of(990, 1000), round_of(1021, 1002), round_of(1000, 1001), round_of(1004, 1000),
                     round_of(980, 1010)});
}

TEST(CostReport, looks_as_it_did) {
  test::expect_golden("cost.txt", format_cost(slower(), cost_context()));
  test::expect_golden("cost.json", cost_json(slower(), cost_context()).dump(2) + "\n");
}

TEST(CostReport, of_two_rounds_without_a_report_looks_as_it_did) {
  auto context = cost_context();
  context.python = nullptr;
  context.machine = nullptr;
  context.said_share.reset();
  context.of = CostOf::Capture;
  const auto cost = judge_cost({round_of(110, 100), round_of(121, 100)});
  test::expect_golden("cost_few_rounds.txt", format_cost(cost, context));
  test::expect_golden("cost_few_rounds.json", cost_json(cost, context).dump(2) + "\n");
}

TEST(CostReport, never_calls_chance_a_cost) {
  EXPECT_THAT(describe_cost(slower()), HasSubstr("tracing makes this take 8.0 % longer (95 %: "));
  EXPECT_THAT(describe_cost(not_told()),
              HasSubstr("cannot be told from chance: the difference is -0.1 % (95 %: -3.0 % to 1.9 %)"));
  EXPECT_THAT(describe_cost(judge_cost({round_of(900, 1000), round_of(910, 1000), round_of(920, 1000),
                                        round_of(900, 1000), round_of(930, 1000)})),
              HasSubstr("no slower: the difference is -9.0 %"));
  EXPECT_THAT(describe_cost(judge_cost({round_of(1100, 1000)})),
              HasSubstr("the difference is 10.0 %; 5 rounds or more are needed"));
  EXPECT_THAT(describe_cost({}), HasSubstr("no round was done"));
}

TEST(CostReport, says_what_of_the_cost_a_busy_machine_does_not_hide) {
  EXPECT_THAT(describe_cost(not_told()), HasSubstr("; more --rounds tell more"));
  std::vector<CostRound> rounds;
  for (const int wall_ms : {990, 1010, 1200, 800, 1000}) {
    rounds.push_back({.traced = {.wall = milliseconds(wall_ms), .cpu = milliseconds(624)},
                      .untraced = {.wall = milliseconds(1000), .cpu = milliseconds(600)}});
  }
  EXPECT_THAT(describe_cost(judge_cost(rounds)),
              HasSubstr("; of CPU time it takes 4.0 % more (95 %: 4.0 % to 4.0 %)"));
}

TEST(CostReport, says_nothing_of_minus_nothing) {
  const auto round =
      CostRound{.traced = {.wall = Nanoseconds(999'999'999)}, .untraced = {.wall = milliseconds(1000)}};
  EXPECT_THAT(describe_cost(judge_cost({round})), HasSubstr("difference is 0.0 %"));
}

TEST(CostReport, says_that_there_was_nothing_to_trace) {
  auto context = cost_context();
  context.has_gil = false;
  EXPECT_THAT(format_cost(slower(), context), HasSubstr("there was nothing to trace"));
  EXPECT_THAT(format_cost(slower(), cost_context()), Not(HasSubstr("nothing to trace")));
}

TEST(CostReport, fits_its_columns) {
  for (const auto& cost : {slower(), not_told(), judge_cost({}), judge_cost({round_of(50'000'000, 1)})}) {
    std::istringstream lines(format_cost(cost, cost_context()));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(count_columns(line), 100U) << line;
  }
}

}  // namespace
}  // namespace gilscope
