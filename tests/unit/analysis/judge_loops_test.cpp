// Loops that stood still by themselves.
#include "analysis/judge_loops.h"

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

LoopStall stall(std::uint64_t count, int total_ms, int longest_ms, unsigned line = 7,
                std::uint64_t alone = 0) {
  return {.thread = kHolder,
          .place = line_of_app(line, "handle"),
          .count = count,
          .alone = alone,
          .total_ns = total_ms * kMsTime,
          .max_ns = longest_ms * kMsTime,
          .max_begin_ns = 300 * kMsTime};
}

ProcessSummary process_with(std::vector<LoopStall> stalls, int waited_ms = 0) {
  auto thread = heavy_thread();
  thread.figures.wait_ns = waited_ms * kMsTime;
  thread.figures.wait_share = 0.0;
  thread.cpu_ns = 400 * kMsTime;
  auto process = test::judged_process({}, {thread});
  process.gils[0].hold_share = 0.4;
  process.cpu_ns = 400 * kMsTime;
  process.loop_stalls = std::move(stalls);
  return process;
}

RunSummary judged_run(const ProcessSummary& process) {
  RunSummary run{.wall_ns = process.wall_ns, .processes = {process}};
  run.verdict = judge(run.processes);
  run.findings = find_in_run(run);
  return run;
}

TEST(OwnStalls, are_one_of_a_function_at_the_line_that_took_most) {
  const auto found = find_own_stalls(process_with({stall(2, 130, 70), stall(2, 250, 130, 9)}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, FindingKind::StalledLoop);
  EXPECT_EQ(found[0].culprit, kHolder);
  EXPECT_EQ(found[0].victim, kHolder);
  EXPECT_EQ(found[0].place->line, 9U);
  EXPECT_EQ(found[0].count, 4U);
  EXPECT_EQ(found[0].longest, 130 * kMsTime);
  EXPECT_EQ(found[0].loop_stall, 130 * kMsTime);
  EXPECT_EQ(found[0].stood_still, 380 * kMsTime);
  EXPECT_EQ(found[0].since, 300 * kMsTime);
}

TEST(OwnStalls, happen_three_times_or_for_100_ms_while_something_waited) {
  const auto is_told = [](const LoopStall& one) { return !find_own_stalls(process_with({one})).empty(); };
  EXPECT_TRUE(is_told(stall(3, 150, 50)));
  EXPECT_TRUE(is_told(stall(3, 150, 50, 7, 3))) << "a habit";
  EXPECT_FALSE(is_told(stall(2, 198, 99)));
  EXPECT_TRUE(is_told(stall(1, 100, 100)));
  EXPECT_FALSE(is_told(stall(1, 900, 900, 7, 1))) << "a start, that kept nobody waiting";
}

TEST(OwnStalls, are_none_where_others_made_the_thread_wait) {
  EXPECT_EQ(find_own_stalls(process_with({stall(4, 400, 100)}, 199)).size(), 1U);
  EXPECT_TRUE(find_own_stalls(process_with({stall(4, 400, 100)}, 200)).empty());
  auto process = process_with({stall(4, 400, 100)});
  process.threads[0].cpu_wait_ns = 200 * kMsTime;
  EXPECT_TRUE(find_own_stalls(process).empty()) << "it had no CPU";
}

TEST(OwnStalls, of_collections_have_no_line) {
  auto one = stall(3, 300, 120);
  one.place = {.file = "<garbage collection>", .function = "generation 2"};
  const auto found = find_own_stalls(process_with({one}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].place);
  EXPECT_EQ(found[0].work, (HeldWork{WorkKind::Collection, "generation 2"}));
}

TEST(OwnStalls, wait_for_something_where_the_thread_used_no_cpu) {
  auto process = process_with({stall(4, 400, 100)});
  const auto finding = find_own_stalls(process).at(0);
  EXPECT_FALSE(is_blocked(finding, process));
  process.threads[0].cpu_ns = 199 * kMsTime;
  EXPECT_TRUE(is_blocked(finding, process));
  process.threads[0].cpu_ns.reset();
  EXPECT_FALSE(is_blocked(finding, process)) << "nobody knows";
}

TEST(OwnStalls, are_told_first_and_nobody_says_that_asyncio_is_fine) {
  auto process = process_with({});
  EXPECT_EQ(test::kinds_of(judged_run(process).findings), std::vector{FindingKind::IoBound});
  process.loop_stalls = {stall(4, 400, 100)};
  const auto findings = judged_run(process).findings;
  ASSERT_EQ(test::kinds_of(findings), std::vector{FindingKind::StalledLoop});
  EXPECT_FALSE(findings[0].share) << "it explains no waiting";
}

TEST(OwnStalls, of_a_loop_that_kept_somebody_waiting_for_the_gil_are_told_once) {
  auto row = test::blame_row(
      {.holds = 1, .forced = 1, .late = 1, .caused_ms = 200, .late_ms = 200, .longest_ms = 200});
  row.max_hold_ns = 210 * kMsTime;
  row.stack.push_back(
      {.file = "/usr/lib/python3.13/asyncio/events.py", .function = "Handle._run", .line = 89});
  auto process = process_with({stall(1, 210, 210)});
  process.blame = {row};
  process.gils[0].wait_ns = 200 * kMsTime;
  const auto findings = judged_run(process).findings;
  ASSERT_EQ(findings.front().kind, FindingKind::StalledLoop);
  EXPECT_FALSE(findings.front().stood_still);
  EXPECT_EQ(std::ranges::count(findings, FindingKind::StalledLoop, &RunFinding::kind), 1);
}

}  // namespace
}  // namespace gilscope
