#include "report/handoff_text.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gilscope {
namespace {

using testing::HasSubstr;
using testing::Not;

ProcessSummary process_of(std::vector<HandoffSnapshot> handoffs) {
  ProcessSummary process{.pid = 4711, .handoffs = std::move(handoffs)};
  for (const auto& [id, name] :
       {std::pair(1U, "MainThread"), {2U, "parser"}, {3U, "writer \x1b[31m; a name too long"}}) {
    NamedThread thread{.name = name};
    thread.figures.id = ThreadId{id};
    process.threads.push_back(thread);
  }
  return process;
}

HandoffSnapshot handoff(unsigned from, unsigned to, std::uint64_t count, unsigned gil = 0) {
  return {.gil = GilId{gil}, .from = ThreadId{from}, .to = ThreadId{to}, .count = count};
}

TEST(HandoffText, has_a_row_for_each_thread_that_gave_the_gil_up_and_a_column_for_each_that_got_it) {
  auto process = process_of({handoff(1, 2, 1), handoff(2, 1, 3), handoff(2, 3, 29), handoff(3, 2, 30)});
  process.handoffs.push_back({.gil = GilId{0}, .to = ThreadId{1}, .count = 2});
  EXPECT_EQ(format_handoffs(process, {}),
            "GIL 0: who got it after whom          → 1      → 2      → 3      → 4\n"
            "1 parser                                -       29        3        0\n"
            "2 writer ?[31m; a name too long        30        -        0        0\n"
            "3 MainThread                            1        0        -        0\n"
            "4 (further threads)                     0        0        2        -\n");
}

TEST(HandoffText, is_nothing_where_two_threads_take_turns) {
  EXPECT_EQ(format_handoffs(process_of({}), {}), "");
  EXPECT_EQ(format_handoffs(process_of({handoff(1, 2, 100), handoff(2, 1, 99)}), {}), "");
}

TEST(HandoffText, has_the_busiest_seven_threads_the_last_of_which_are_all_others) {
  std::vector<HandoffSnapshot> ring;
  for (unsigned id = 1; id <= 7; ++id) ring.push_back(handoff(id, id % 7 + 1, 100 - id));
  EXPECT_THAT(format_handoffs(process_of(ring), {}), Not(HasSubstr("others")));
  for (unsigned id = 8; id <= 50; ++id) ring.push_back(handoff(id, id + 1, 1));
  const auto text = format_handoffs(process_of(ring), {});
  EXPECT_EQ(std::ranges::count(text, '\n'), 8);
  EXPECT_THAT(text, HasSubstr("\n6 "));
  // 43 hand-offs among themselves, and those with the seventh.
  EXPECT_THAT(text, testing::ContainsRegex("\n7 \\(45 others\\) .* 43\n$"));
}

TEST(HandoffText, has_the_busiest_three_gils) {
  std::vector<HandoffSnapshot> handoffs;
  for (unsigned gil = 0; gil < 5; ++gil) {
    for (unsigned id = 1; id <= 3; ++id) handoffs.push_back(handoff(id, id % 3 + 1, 1 + gil, gil));
  }
  const auto text = format_handoffs(process_of(handoffs), {});
  EXPECT_TRUE(text.starts_with("GIL 4: "));
  EXPECT_THAT(text, HasSubstr("\n\nGIL 3: "));
  EXPECT_THAT(text, HasSubstr("\n\nGIL 2: "));
  EXPECT_THAT(text, Not(HasSubstr("GIL 1: ")));
  EXPECT_TRUE(text.ends_with("\n(2 more GILs, with fewer hand-offs: --json has them)\n"));
}

}  // namespace
}  // namespace gilscope
