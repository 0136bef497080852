// Work in place of a line: what stacks tell of it, and what becomes of rows.
#include "analysis/held_work.h"

#include <gtest/gtest.h>

#include "analysis/run_summary.h"

namespace gilscope {
namespace {

TEST(HeldWork, is_told_by_a_place_of_no_file) {
  EXPECT_EQ(work_of({.file = "<call>", .function = "zlib.compress"}),
            (HeldWork{WorkKind::Call, "zlib.compress"}));
  EXPECT_EQ(work_of({.file = "<freeing>", .function = ""}), (HeldWork{WorkKind::Freeing, ""}));
  EXPECT_EQ(work_of({.file = "<garbage collection>", .function = "generation 2"}),
            (HeldWork{WorkKind::Collection, "generation 2"}));
  EXPECT_EQ(work_of({.file = "<gc.collect>", .function = "generation 0"}),
            (HeldWork{WorkKind::Collect, "generation 0"}));
  EXPECT_EQ(work_of({.file = "<string>", .function = "f"}), std::nullopt);
  EXPECT_EQ(work_of({.file = "<call>", .function = "f", .line = 1}), std::nullopt) << "somebody's code";
}

TEST(HeldWork, is_the_row_s_and_no_line_of_it) {
  BlameRecord blame;
  const CodePlace line{.file = "app.py", .function = "f", .line = 7};
  const auto at_line = blame.stacks.add(line);
  const auto at_call = blame.stacks.add(CodePlace{.file = "<call>", .function = "zlib.compress"});
  const auto plain = blame.stacks.add(std::vector{at_line});
  const auto calling = blame.stacks.add(std::vector{at_call, at_line});
  constexpr ThreadId kThread{1};
  const auto add = [&](StackId from, StackId to) {
    blame.spans[{.thread = kThread, .from = from, .to = to}] = {
        .holds = 1, .hold_ticks = 5, .waits = {{ThreadId{2}, 5}}};
  };
  add(plain, plain);
  add(plain, calling);
  add(calling, calling);
  const auto rows = rank_blame(blame, TickLength{1});
  ASSERT_EQ(rows.size(), 2U) << "where a hold begins, what was done before is over";
  EXPECT_EQ(rows[0].work, (HeldWork{WorkKind::Call, "zlib.compress"}));
  EXPECT_EQ(rows[0].holds, 2U);
  EXPECT_EQ(rows[1].work, std::nullopt);
  for (const auto& row : rows) {
    EXPECT_EQ(row.from, line);
    EXPECT_EQ(row.to, line);
    EXPECT_EQ(row.stack, std::vector{line});
  }
}

// The names of its threads are told by functions of gilscope's, which run in the program's threads.
TEST(BlameRows, do_not_tell_of_gilscope_itself) {
  BlameRecord blame;
  const CodePlace line{.file = "threading.py", .function = "Thread._bootstrap_inner", .line = 7};
  const auto at_line = blame.stacks.add(line);
  for (const char* const own :
       {"<frozen _gilscope_names>", "/venv/lib/python3.13/site-packages/gilscope/_names.py"}) {
    const auto at_own = blame.stacks.add(CodePlace{.file = own, .function = "delete", .line = 100});
    const auto stack = blame.stacks.add(std::vector{at_own, at_line});
    blame.spans[{.thread = ThreadId{1}, .from = stack, .to = stack}] = {
        .holds = 1, .hold_ticks = 5, .waits = {{ThreadId{2}, 5}}};
  }
  const auto rows = rank_blame(blame, TickLength{1});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].from, line);
  EXPECT_EQ(rows[0].to, line);
  EXPECT_EQ(rows[0].stack, std::vector{line});
}

}  // namespace
}  // namespace gilscope
