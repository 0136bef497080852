// What threads waited for, by the holds that they waited for.
#include "analysis/judge_parts.h"

#include <deque>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/judged_runs.h"

namespace gilscope {
namespace {

using test::blame_row;
using test::heavy_thread;
using test::judged_process;
using test::kHolder;
using test::kMsTime;

SortedRows sorted(const std::vector<BlameRow>& rows, std::optional<Nanoseconds> cpu = std::nullopt,
                  std::optional<Nanoseconds> cpu_wait = std::nullopt) {
  auto holder = heavy_thread();
  holder.cpu_ns = cpu;
  holder.cpu_wait_ns = cpu_wait;
  static std::deque<std::vector<ProcessSummary>> kept;  // what is returned points into it
  const auto& processes = kept.emplace_back(std::vector{judged_process(rows, {holder})});
  return sort_rows(gather_facts(processes).at(0));
}

// 20 holds of 5 ms each, of which `late` were longer.
BlameRow computing_with(std::uint64_t late) {
  return blame_row(
      {.holds = 20, .forced = 20, .late = late, .caused_ms = 200, .late_ms = 120, .longest_ms = 60});
}

TEST(SortedRows, have_late_holds_of_a_thread_that_computes_among_its_others_where_nobody_knows_of_cpus) {
  EXPECT_THAT(sorted({computing_with(10)}).late, testing::IsEmpty());
  EXPECT_EQ(sorted({computing_with(10)}).computing.lost(), 200 * kMsTime);
  EXPECT_EQ(sorted({computing_with(10)}).computing.holds(), 20U);
  ASSERT_EQ(sorted({computing_with(11)}).late.size(), 1U) << "more of them were late";
  EXPECT_EQ(sorted({computing_with(11)}).late[0].lost(), 120 * kMsTime);
}

TEST(SortedRows, have_them_apart_where_it_is_known_what_the_thread_did) {
  EXPECT_EQ(sorted({computing_with(10)}, 400 * kMsTime).late.size(), 1U) << "it had a CPU";
  EXPECT_EQ(sorted({computing_with(10)}, 341 * kMsTime, 59 * kMsTime).late.size(), 1U) << "likewise";
  EXPECT_THAT(sorted({computing_with(10)}, 340 * kMsTime, 60 * kMsTime).late, testing::IsEmpty())
      << "it had none for half of what the late ones took";
  const auto seen = [](std::uint64_t holds) {
    auto row =
        blame_row({.line = 8, .holds = holds, .forced = holds, .late = 0, .caused_ms = 60, .late_ms = 0});
    row.work = HeldWork{.kind = WorkKind::Call, .name = "re.Pattern.search"};
    return row;
  };
  EXPECT_EQ(sorted({computing_with(0), seen(3)}).late.size(), 1U) << "waiters saw it";
  EXPECT_THAT(sorted({computing_with(0), seen(2)}).late, testing::IsEmpty()) << "it stood there by chance";
}

// Beside the line a sentence names the one that caused most there.
TEST(SortedRows, name_first_who_was_at_the_line_that_cost_most) {
  constexpr ThreadId kElsewhere{7};
  const auto brief = [](ThreadId thread, unsigned line, int caused_ms) {
    return blame_row({.thread = thread,
                      .line = line,
                      .holds = 20,
                      .forced = 0,
                      .late = 0,
                      .caused_ms = caused_ms,
                      .late_ms = 0,
                      .longest_ms = 1});
  };
  const auto all = sorted({brief(kElsewhere, 3, 60), brief(kElsewhere, 4, 60), brief(kElsewhere, 5, 60),
                           brief(kHolder, 9, 100)})
                       .brief;
  EXPECT_EQ(all.heaviest()->to->line, 9U);
  EXPECT_THAT(all.culprits(), testing::ElementsAre(kHolder, kElsewhere));
}

// Where a hold that goes on at the end will end nobody knows.
TEST(SortedRows, are_told_by_the_line_that_cost_most_of_those_that_are_known) {
  auto open = blame_row({.holds = 1, .forced = 0, .late = 0, .caused_ms = 300, .late_ms = 0});
  open.to.reset();
  const auto known = blame_row({.line = 9, .late = 0, .caused_ms = 100, .late_ms = 0});
  const auto computing = sorted({open, known}).computing;
  EXPECT_EQ(computing.lost(), 400 * kMsTime);
  EXPECT_EQ(computing.heaviest()->to->line, 9U);
}

}  // namespace
}  // namespace gilscope
