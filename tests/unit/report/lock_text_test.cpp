// What is said of threads that wait for one another's locks.
#include "report/lock_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/judge_deadlocks.h"
#include "report/summary_report.h"

namespace gilscope {
namespace {

using testing::HasSubstr;
using testing::Not;

class DeadlockText : public testing::Test {
 protected:
  // The threads are called a, b, c, by their numbers; each waits at the line of its number since as many ms.
  void add(std::uint32_t thread, std::uint32_t holder, const std::string& within = "",
           bool is_for_work = false) {
    OpenLockWait wait{.thread = ThreadId{thread},
                      .place = CodePlace{.file = "/srv/app.py", .function = "work", .line = thread},
                      .within = within,
                      .is_for_work = is_for_work,
                      .since_ns = Nanoseconds(thread * 1'000'000)};
    if (holder != 0) wait.holder = ThreadId{holder};
    process_.open_lock_waits.push_back(wait);
    NamedThread named{.figures = {.id = ThreadId{thread}}};
    named.name = std::string(1, static_cast<char>('a' + thread - 1));
    process_.threads.push_back(named);
    process_.living_threads = process_.threads.size();
  }
  [[nodiscard]] std::string said() const {
    const auto found = find_deadlocks(process_, false);
    return found.empty() ? "" : describe_deadlock(found.front(), process_);
  }

  ProcessSummary process_{.pid = 4001, .wall_ns = Nanoseconds(2'000'000'000)};
};

TEST_F(DeadlockText, names_both_with_where_they_wait) {
  add(1, 2);
  add(2, 1, "Handler.acquire");
  EXPECT_EQ(said(),
            "a deadlock: a waits at app.py:1 work for a lock of b, which waits in Handler.acquire, called at "
            "app.py:2 "
            "work for one of a, since 2.00 ms; take locks in one order");
}

TEST_F(DeadlockText, says_that_a_thread_waits_for_itself) {
  add(3, 3);
  EXPECT_EQ(said(),
            "a deadlock: c waits at app.py:3 work for a lock that it has itself, since 3.00 ms; use an "
            "RLock, or take "
            "it once");
}

TEST_F(DeadlockText, names_three_of_many) {
  for (std::uint32_t thread = 1; thread <= 5; ++thread) add(thread, thread % 5 + 1);
  EXPECT_EQ(said(),
            "a deadlock: 5 threads wait for one another's locks, since 5.00 ms: a waits at app.py:1 work, b "
            "waits at "
            "app.py:2 work, c waits at app.py:3 work, 2 more; take locks in one order");
}

TEST_F(DeadlockText, says_probably_where_who_has_the_lock_waits_for_a_thread) {
  add(1, 2);
  add(2, 0, "Thread.join", true);
  EXPECT_EQ(
      said(),
      "probably a deadlock: a waits at app.py:1 work for a lock of b, which waits in Thread.join, called at "
      "app.py:2 work, since 2.00 ms; give it up before");
}

TEST_F(DeadlockText, says_probably_where_nobody_knows_who_has_the_locks) {
  add(1, 0);
  add(2, 0);
  EXPECT_EQ(said(),
            "probably a deadlock: 2 threads wait, and nobody is left to wake them, since 2.00 ms: a waits at "
            "app.py:1 "
            "work, b waits at app.py:2 work");
}

TEST_F(DeadlockText, is_followed_by_the_waits_that_had_not_ended) {
  add(1, 0);
  add(2, 3);
  add(4, 4);
  add(5, 0, "Queue.get", true);
  const auto text = format_open_waits(process_, {});
  EXPECT_THAT(text, HasSubstr("Waits for a turn at a lock that had not ended:\n"
                              "  app.py:1 work: a since 1.00 ms\n"
                              "  app.py:2 work: b since 2.00 ms; thread 3 has it\n"
                              "  app.py:4 work: d since 4.00 ms; it has it itself\n"));
  EXPECT_THAT(text, Not(HasSubstr("Queue.get")));
  for (std::uint32_t thread = 6; thread <= 12; ++thread) add(thread, 0);
  EXPECT_THAT(format_open_waits(process_, {}), HasSubstr("  (5 more: --json has them)\n"));
}

TEST_F(DeadlockText, is_nothing_where_all_waits_ended) {
  EXPECT_EQ(said(), "");
  EXPECT_EQ(format_open_waits(process_, {}), "");
}

}  // namespace
}  // namespace gilscope
