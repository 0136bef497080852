#include "report/thread_families.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gilscope {
namespace {

using ::testing::ElementsAre;

NamedThread make_thread(std::uint32_t id, std::string name, int held_ns) {
  NamedThread thread{.figures = {.id = ThreadId{id}, .gil = GilId{0}}, .name = std::move(name)};
  thread.figures.holds = 2;
  thread.figures.hold_ns = Nanoseconds(held_ns);
  thread.figures.waits = 1;
  thread.figures.wait_ns = Nanoseconds(id);
  thread.figures.forced = 1;
  thread.figures.lifetime_ns = Nanoseconds(100);
  thread.figures.hold_share = 0.125;
  thread.figures.wait = DurationFigures{.max_ns = Nanoseconds(id)};
  return thread;
}

std::vector<std::string> names_of(const std::vector<ThreadTableRow>& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.push_back(row.thread.name);
  return names;
}

TEST(ThreadFamilies, have_a_row_with_their_sums_once_they_are_more_than_few) {
  ProcessSummary process;
  process.threads = {make_thread(1, "MainThread", 10), make_thread(2, "Thread-1 (work)", 1),
                     make_thread(3, "Thread-2 (work)", 2), make_thread(4, "Thread-3 (work)", 30)};
  EXPECT_THAT(names_of(arrange_threads(process, 3)),
              ElementsAre("Thread-3 (work)", "MainThread", "Thread-2 (work)", "Thread-1 (work)"));
  const auto rows = arrange_threads(process, 2);
  ASSERT_THAT(names_of(rows), ElementsAre("Thread-N (work)", "MainThread"));
  const auto& figures = rows[0].thread.figures;
  EXPECT_EQ(figures.folded, 3U);
  EXPECT_EQ(figures.holds, 6U);
  EXPECT_EQ(figures.hold_ns, Nanoseconds(33));
  EXPECT_EQ(figures.waits, 3U);
  EXPECT_EQ(figures.forced, 3U);
  EXPECT_EQ(figures.hold_share, 0.375);
  EXPECT_EQ(figures.wait_share, 0.03);
  EXPECT_FALSE(figures.wait) << "percentiles do not add up";
  EXPECT_EQ(rows[0].max_wait, Nanoseconds(4));
  EXPECT_EQ(rows[1].max_wait, Nanoseconds(1));
}

TEST(ThreadFamilies, are_of_one_gil_and_count_those_that_are_one_row_already) {
  ProcessSummary process;
  process.threads = {make_thread(kFirstFamily + 1, "Thread-N (work)", 1),
                     make_thread(3, "Thread-2 (work)", 2), make_thread(3, "Thread-2 (work)", 3)};
  process.threads[0].figures.folded = 200;
  process.threads[2].figures.gil = GilId{1};
  const auto rows = arrange_threads(process, 20);
  ASSERT_THAT(names_of(rows), ElementsAre("Thread-N (work)", "Thread-2 (work)"));
  EXPECT_EQ(rows[0].thread.figures.folded, 201U);
  EXPECT_EQ(rows[1].thread.figures.gil, GilId{1});

  process.threads.erase(process.threads.begin() + 1);
  const auto alone = arrange_threads(process, 20);
  EXPECT_EQ(alone[0].thread.figures.folded, 200U);
  EXPECT_TRUE(alone[0].thread.figures.wait) << "it is as it was";
}

TEST(ThreadFamilies, are_of_none_that_have_no_name) {
  ProcessSummary process;
  for (std::uint32_t id = 1; id <= 30; ++id) process.threads.push_back(make_thread(id, "", 1));
  EXPECT_EQ(arrange_threads(process, 20).size(), 30U);
}

}  // namespace
}  // namespace gilscope
