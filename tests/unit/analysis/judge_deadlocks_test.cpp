#include "analysis/judge_deadlocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gilscope {
namespace {

using testing::ElementsAre;

constexpr Nanoseconds ms(std::int64_t count) { return Nanoseconds(count * 1'000'000); }
constexpr std::uint32_t kMainThread = 4001;

struct StuckThread {
  std::uint32_t thread;
  std::uint32_t holder = 0;  // 0: not known
  std::string within;
  bool is_for_work = false;
};

OpenLockWait wait_of(const StuckThread& spec) {
  OpenLockWait wait{.thread = ThreadId{spec.thread},
                    .place = CodePlace{.file = "/srv/app.py", .function = "work", .line = spec.thread},
                    .within = spec.within,
                    .is_for_work = spec.is_for_work,
                    .since_ns = ms(100 * spec.thread % 1000)};
  if (spec.holder != 0) wait.holder = ThreadId{spec.holder};
  return wait;
}

ProcessSummary process_of(const std::vector<StuckThread>& waits, std::size_t living) {
  ProcessSummary process{.pid = kMainThread, .wall_ns = ms(9'000)};
  for (const auto& wait : waits) process.open_lock_waits.push_back(wait_of(wait));
  process.living_threads = living;
  return process;
}

const StuckThread kJoins{.thread = kMainThread, .within = "Thread.join", .is_for_work = true};

TEST(Deadlocks, are_circles_of_threads_that_wait_for_the_next_ones_lock) {
  const auto found = find_deadlocks(
      process_of({{.thread = 3, .holder = 5}, {.thread = 5, .holder = 4}, {.thread = 4, .holder = 3}, kJoins},
                 9),
      false);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, RunFinding::Kind::Deadlock);
  EXPECT_THAT(found[0].victims, ElementsAre(ThreadId{3}, ThreadId{5}, ThreadId{4}));
  EXPECT_EQ(found[0].threads, 3U);
  EXPECT_EQ(found[0].since, ms(500)) << "when the circle was closed";
  EXPECT_EQ(found[0].longest, ms(8'500));
  EXPECT_EQ(found[0].place->line, 3U);
}

TEST(Deadlocks, are_of_one_thread_that_waits_for_its_own_lock) {
  const auto found = find_deadlocks(process_of({{.thread = 3, .holder = 3}}, 2), false);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].victims, ElementsAre(ThreadId{3}));
}

TEST(Deadlocks, are_each_told_once_and_without_who_only_waits_behind_them) {
  const auto found = find_deadlocks(process_of({{.thread = 2, .holder = 3},
                                                {.thread = 3, .holder = 4},
                                                {.thread = 4, .holder = 3},
                                                {.thread = 6, .holder = 7},
                                                {.thread = 7, .holder = 6}},
                                               9),
                                    false);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_THAT(found[0].victims, ElementsAre(ThreadId{3}, ThreadId{4}));
  EXPECT_THAT(found[1].victims, ElementsAre(ThreadId{6}, ThreadId{7}));
}

TEST(Deadlocks, are_none_where_the_lock_is_of_who_goes_on) {
  EXPECT_TRUE(
      find_deadlocks(process_of({{.thread = 3, .holder = 8}, {.thread = 4, .holder = 3}}, 3), false).empty());
}

TEST(Deadlocks, are_probable_where_the_lock_is_of_who_waits_for_a_thread_and_all_wait) {
  const auto process = process_of({kJoins, {.thread = 3, .holder = kMainThread}}, 2);
  const auto found = find_deadlocks(process, false);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].victims, ElementsAre(ThreadId{3}, ThreadId{kMainThread}));
  auto another_lives = process;
  another_lives.living_threads = 3;
  EXPECT_TRUE(find_deadlocks(another_lives, false).empty());
  auto waits_for_more = process;
  waits_for_more.open_lock_waits.front().within = "Queue.get";
  EXPECT_TRUE(find_deadlocks(waits_for_more, false).empty()) << "a signal may bring it";
}

TEST(Deadlocks, are_probable_where_all_wait_and_two_of_them_for_locks_of_nobody_knows_whom) {
  const auto process = process_of({kJoins, {.thread = 3}, {.thread = 4}}, 3);
  const auto found = find_deadlocks(process, false);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].victims, ElementsAre(ThreadId{3}, ThreadId{4}));
  EXPECT_TRUE(find_deadlocks(process_of({kJoins, {.thread = 3}}, 2), false).empty());
}

TEST(Deadlocks, need_no_wait_of_the_main_thread_that_ends_the_run) {
  const auto process = process_of({{.thread = 3}, {.thread = 4}}, 3);
  EXPECT_TRUE(find_deadlocks(process, false).empty()) << "it runs";
  EXPECT_EQ(find_deadlocks(process, true).size(), 1U);
}

}  // namespace
}  // namespace gilscope
