#include "analysis/blamed_stacks.h"

#include <gtest/gtest.h>

#include "analysis/process_records.h"

namespace gilscope {
namespace {

constexpr ThreadId kMain{1};
constexpr ThreadId kWorker{2};

TEST(BlamedStacks, merge_the_spans_that_end_on_one_stack_and_rank_them) {
  ProcessRecord process;
  process.blame.emplace();
  auto& spans = process.blame->spans;
  auto& stacks = process.blame->stacks;
  const auto main = stacks.add(CodePlace{"app.py", "main", 1});
  const auto parse = stacks.add(CodePlace{"app.py", "parse", 41});
  const StackId in_parse = stacks.add({parse, main});
  const StackId in_main = stacks.add(std::vector{main});
  spans[{.thread = kMain, .from = in_main, .to = in_parse}].waits = {{kWorker, 30}};
  spans[{.gil = GilId{1}, .thread = kMain, .to = in_parse}].waits = {{kWorker, 20}};
  spans[{.thread = kWorker, .to = in_parse}].waits = {{kMain, 70}};
  spans[{.thread = kWorker, .from = in_main}].waits = {{kMain, 5}};
  spans[{.thread = kMain, .to = in_main}].waits = {{kWorker, 0}};
  spans[{}].waits = {{kMain, 400}};
  const auto list = list_blamed_stacks(process);
  ASSERT_EQ(list.size(), 4U);
  EXPECT_EQ(list[0].thread, kWorker);
  EXPECT_EQ(list[0].caused_wait, Nanoseconds(70));
  EXPECT_EQ(list[1].thread, kMain);
  EXPECT_EQ(list[1].caused_wait, Nanoseconds(50));
  const std::vector<CodePlace> stack{{"app.py", "parse", 41}, {"app.py", "main", 1}};
  EXPECT_EQ(list[1].stack, stack);
  EXPECT_TRUE(list[2].stack.empty());
  EXPECT_FALSE(list[3].thread);
  EXPECT_EQ(list[3].caused_wait, Nanoseconds(400));
}

TEST(BlamedStacks, of_what_was_only_counted_there_are_none) {
  EXPECT_TRUE(list_blamed_stacks(test::make_process(1, {})).empty());
}

}  // namespace
}  // namespace gilscope
