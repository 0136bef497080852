// Threads that take turns at a lock of Python's.
#include "analysis/judge_locks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/judge_run.h"
#include "analysis/judged_runs.h"

namespace gilscope {
namespace {

using test::heavy_thread;
using test::kHolder;
using test::kMsTime;
using test::line_of_app;
using FindingKind = RunFinding::Kind;

// By four threads, at one line of `work`.
LockWaitRow turns(int total_ms, unsigned line = 7) {
  return {.place = line_of_app(line, "work"),
          .within = "Handler.acquire",
          .ended_at = line_of_app(line + 2, "work"),
          .threads = 4,
          .count = 100,
          .total_ns = total_ms * kMsTime,
          .by_peers_ns = total_ms * kMsTime * 9 / 10,
          .max_ns = 20 * kMsTime,
          .max_thread = kHolder};
}

// A run of a second.
ProcessSummary locked_process(std::vector<LockWaitRow> waits) {
  auto thread = heavy_thread();
  thread.figures.wait_ns = Nanoseconds{};
  thread.cpu_ns = 100 * kMsTime;
  auto process = test::judged_process({}, {thread});
  process.wall_ns = 1000 * kMsTime;
  process.gils[0].hold_share = 0.1;
  process.cpu_ns = 100 * kMsTime;
  process.lock_waits = std::move(waits);
  return process;
}

TEST(LockTurns, are_none_where_the_world_was_stopped) {
  auto stopped = turns(900);
  stopped.lock = LockKind::World;
  EXPECT_THAT(find_lock_turns(locked_process({stopped})), testing::IsEmpty());
}

TEST(LockTurns, are_told_with_who_waited_where_and_for_how_long) {
  auto released = turns(300);
  released.ended_at = line_of_app(30, "work");
  released.threads = 3;
  const auto found = find_lock_turns(locked_process({turns(2000), released}));
  ASSERT_EQ(found.size(), 1U) << "one line is one";
  EXPECT_EQ(found[0].kind, FindingKind::LockTurns);
  EXPECT_EQ(found[0].place, line_of_app(7, "work"));
  EXPECT_EQ(found[0].ended_at, line_of_app(9, "work"));
  EXPECT_EQ(found[0].within, "Handler.acquire");
  EXPECT_EQ(found[0].threads, 4U);
  EXPECT_EQ(found[0].count, 200U);
  EXPECT_EQ(found[0].lock_wait, 2300 * kMsTime);
  EXPECT_EQ(found[0].longest, 20 * kMsTime);
  EXPECT_EQ(found[0].hold_share, 0.1);
}

TEST(LockTurns, are_none_where_threads_wait_for_an_import_of_one_of_them) {
  auto import = turns(2000);
  import.within = "_ModuleLock.acquire";
  EXPECT_THAT(find_lock_turns(locked_process({import})), testing::IsEmpty());
  import.within = "_ImportLockContext.__enter__";
  EXPECT_THAT(find_lock_turns(locked_process({import})), testing::IsEmpty());
  import.within.clear();
  import.place =
      CodePlace{.file = "<frozen importlib._bootstrap>", .function = "_get_module_lock", .line = 432};
  EXPECT_THAT(find_lock_turns(locked_process({import})), testing::IsEmpty())
      << "which nobody called in Python";
}

TEST(LockTurns, are_those_that_took_most_first) {
  const auto found = find_lock_turns(locked_process({turns(400, 3), turns(900, 20)}));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].place->line, 20U);
}

TEST(LockTurns, are_nothing_where_hardly_anybody_waits) {
  EXPECT_TRUE(find_lock_turns(locked_process({turns(240)})).empty()) << "a quarter of a thread";
  auto process = locked_process({turns(45)});
  process.wall_ns = 50 * kMsTime;
  EXPECT_TRUE(find_lock_turns(process).empty()) << "a run too short";
}

TEST(LockTurns, are_no_waits_for_work) {
  auto idle = turns(4000);
  idle.is_for_work = true;
  EXPECT_TRUE(find_lock_turns(locked_process({idle})).empty());
}

// A lock that another thread gives up, who never waits for it, so that this one goes on.
TEST(LockTurns, are_no_signals) {
  auto signalled = turns(900);
  signalled.by_peers_ns = 400 * kMsTime;
  EXPECT_TRUE(find_lock_turns(locked_process({signalled})).empty());
  auto only = turns(900);
  only.threads = 1;
  EXPECT_TRUE(find_lock_turns(locked_process({only})).empty());
}

// As without a GIL, of a process of a second.
ProcessSummary free_process(std::vector<LockWaitRow> waits) {
  auto process = locked_process(std::move(waits));
  process.gils.clear();
  process.threads.clear();
  return process;
}

LockWaitRow waits_for_object(int total_ms, std::string type = "dict") {
  auto row = turns(total_ms);
  row.within.clear();
  row.lock = LockKind::Object;
  row.lock_type = std::move(type);
  row.by_peers_ns = Nanoseconds{};
  return row;
}

// That ended while CPython tried again: it is not known at which lock, nor by whom.
LockWaitRow spun(LockWaitRow row) {
  row.lock = LockKind::Unknown;
  row.lock_type.clear();
  row.ended_at.reset();
  row.ended_within.clear();
  row.by_peers_ns = Nanoseconds{};
  return row;
}

TEST(LockTurns, at_an_object_without_a_gil_are_of_that_object) {
  const auto found = find_lock_turns(free_process({waits_for_object(2000)}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, FindingKind::SharedObject) << "whoever ended them: it is no signal";
  EXPECT_EQ(found[0].object_type, "dict");
  EXPECT_EQ(found[0].lock_wait, 2000 * kMsTime);
  EXPECT_EQ(found[0].threads, 4U);
  EXPECT_FALSE(found[0].hold_share) << "there is no GIL";
}

TEST(LockTurns, at_an_object_are_nothing_where_hardly_anybody_waits) {
  EXPECT_TRUE(find_lock_turns(free_process({waits_for_object(240)})).empty()) << "a quarter of a thread";
  auto only = waits_for_object(900);
  only.threads = 1;
  EXPECT_TRUE(find_lock_turns(free_process({only})).empty()) << "who waited once for another thread";
}

TEST(LockTurns, without_a_gil_have_what_was_over_before_anybody_slept) {
  const auto object = find_lock_turns(free_process({spun(waits_for_object(900)), waits_for_object(300)}));
  ASSERT_EQ(object.size(), 1U);
  EXPECT_EQ(object[0].object_type, "dict") << "it is what is known of that line";
  EXPECT_EQ(object[0].lock_wait, 1200 * kMsTime);
  auto lock = turns(300);
  lock.lock = LockKind::Lock;
  const auto by_peers = find_lock_turns(free_process({spun(turns(900)), lock}));
  ASSERT_EQ(by_peers.size(), 1U) << "half of what somebody is known to have ended";
  EXPECT_EQ(by_peers[0].kind, FindingKind::LockTurns);
  EXPECT_TRUE(find_lock_turns(free_process({spun(turns(900))})).empty()) << "it may have been a signal";
}

TEST(LockTurns, are_of_as_many_threads_as_have_rows_of_their_own) {
  auto first = waits_for_object(300);
  auto second = waits_for_object(300);
  first.threads = second.threads = 1;
  second.ended_at = line_of_app(40, "read");
  second.max_thread = test::kWaiter;
  const auto found = find_lock_turns(free_process({first, second}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].threads, 2U);
}

TEST(LockTurns, at_what_cpython_has_once_are_no_lock_of_the_users) {
  const auto found = find_lock_turns(free_process({[] {
    auto row = waits_for_object(900, "");
    row.lock = LockKind::Python;
    return row;
  }()}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, FindingKind::SharedObject);
  EXPECT_EQ(found[0].object_type, "");
}

TEST(LockTurns, are_told_instead_of_that_this_waits_for_something_else) {
  RunSummary run{.wall_ns = 1000 * kMsTime, .processes = {locked_process({turns(2000)})}};
  run.verdict = judge(run.processes);
  run.findings = find_in_run(run);
  ASSERT_EQ(run.findings.size(), 1U);
  EXPECT_EQ(run.findings.front().kind, FindingKind::LockTurns);
  EXPECT_FALSE(run.findings.front().share) << "it is no waiting for the GIL";
  EXPECT_EQ(run.verdict.explained.value_or(0), 0);
  run.processes.front().lock_waits.clear();
  run.findings = find_in_run(run);
  EXPECT_EQ(run.findings.front().kind, FindingKind::IoBound);
}

// Two locks in one function of one process: its threads are not counted twice.
TEST(LockTurns, of_several_lines_or_library_functions_are_several) {
  auto other = turns(1000);
  other.within = "Handler.handle";
  RunSummary run{.wall_ns = 1000 * kMsTime,
                 .processes = {locked_process({turns(2000), turns(600, 8), other})}};
  run.verdict = judge(run.processes);
  run.findings = find_in_run(run);
  ASSERT_EQ(run.findings.size(), 3U);
  EXPECT_EQ(run.findings.front().lock_wait, 2000 * kMsTime);
  EXPECT_EQ(run.findings.front().threads, 4U);
}

TEST(LockTurns, of_several_processes_at_one_line_are_one) {
  RunSummary run{.wall_ns = 1000 * kMsTime,
                 .processes = {locked_process({turns(2000)}), locked_process({turns(1000)})}};
  run.processes.back().pid += 1;
  run.verdict = judge(run.processes);
  run.findings = find_in_run(run);
  ASSERT_FALSE(run.findings.empty());
  EXPECT_EQ(run.findings.front().lock_wait, 3000 * kMsTime);
  EXPECT_EQ(run.findings.front().threads, 8U);
  EXPECT_EQ(run.findings.front().processes, 2U);
}

}  // namespace
}  // namespace gilscope
