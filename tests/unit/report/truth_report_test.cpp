#include "report/truth_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/event_lists.h"

namespace gilscope {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

ProcessTruth true_one() {
  return {.pid = 4001, .report = check_truth(std::vector{test::acquire(1, 7), test::release(5, 7)})};
}

// Two threads hold it at once.
ProcessTruth false_one() {
  return {.pid = 4002, .report = check_truth(std::vector{test::acquire(1, 7), test::acquire(2, 8)})};
}

TEST(TruthReport, says_that_all_is_well) {
  EXPECT_EQ(format_truth({true_one()}),
            "Truth check: passed. What 2 events of 1 process say, real GILs can have done.\n");
  EXPECT_TRUE(is_true({true_one(), true_one()}));
  EXPECT_TRUE(is_true({}));
}

TEST(TruthReport, says_what_cannot_be_and_where) {
  const std::vector truths{true_one(), false_one()};
  EXPECT_FALSE(is_true(truths));
  const auto text = format_truth(truths, {.columns = 200});
  EXPECT_THAT(text, StartsWith("Truth check: FAILED."));
  EXPECT_THAT(
      text,
      HasSubstr("- process 4002: a thread acquired a GIL that another thread held (1 event, first event 1, "
                "thread 8, GIL 0)\n"));
  const auto json = truth_json(truths);
  EXPECT_EQ(json["passed"], false);
  EXPECT_EQ(json["events"], 4);
  ASSERT_EQ(json["findings"].size(), 1U);
  EXPECT_EQ(json["findings"][0]["pid"], 4002);
  EXPECT_EQ(json["findings"][0]["first_event"], 1);
  EXPECT_EQ(json["findings"][0]["thread"], 8);
}

TEST(TruthReport, says_how_much_was_not_checked) {
  auto truth = true_one();
  truth.events_after_drop = 12;
  EXPECT_THAT(format_truth({truth}, {.columns = 300}), HasSubstr("passed"));
  EXPECT_THAT(format_truth({truth}, {.columns = 300}), HasSubstr("12 could not be checked"));
  EXPECT_EQ(truth_json({truth})["unchecked_events"], 12);
}

}  // namespace
}  // namespace gilscope
