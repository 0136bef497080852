// The rules of findings: what fulfils them, and what nearly does.
#include "analysis/run_findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gilscope {
namespace {

using FindingKind = RunFinding::Kind;

constexpr Nanoseconds kMsTime{1'000'000};
constexpr ThreadId kHolder{1};
constexpr ThreadId kWaiter{2};

// A call in C, that was asked for the GIL three times, and kept it for 30 ms.
BlameRow kept_row() {
  return {.thread = kHolder,
          .to = CodePlace{.file = "app.py", .function = "f", .line = 7},
          .holds = 3,
          .hold_ns = 120 * kMsTime,
          .forced = 3,
          .caused_wait_ns = 90 * kMsTime,
          .max_hold_ns = 40 * kMsTime,
          .max_wait_ns = 30 * kMsTime,
          .stack = {{.file = "app.py", .function = "f", .line = 7}},
          .waiters = {{kWaiter, 90 * kMsTime}}};
}

// Waits of 5 ms, after holds of 10 µs that it ended itself.
NamedThread suffering() {
  NamedThread thread;
  thread.figures = {.id = kWaiter,
                    .holds = 20,
                    .hold_ns = Nanoseconds(200'000),
                    .waits = 20,
                    .wait_ns = 100 * kMsTime,
                    .voluntary = 20,
                    .lifetime_ns = 110 * kMsTime,
                    .wait_share = 0.9,
                    .wait = DurationFigures{5 * kMsTime, 5 * kMsTime, 5 * kMsTime, 6 * kMsTime}};
  return thread;
}

std::vector<RunFinding> find_in(const std::vector<BlameRow>& blame,
                                const std::vector<NamedThread>& threads = {}) {
  RunSummary run;
  run.processes.push_back({.pid = 4711, .threads = threads, .blame = blame});
  return find_in_run(run);
}

std::vector<FindingKind> kinds(const std::vector<RunFinding>& findings) {
  std::vector<FindingKind> kinds;
  for (const auto& finding : findings) kinds.push_back(finding.kind);
  return kinds;
}

TEST(RunFindings, a_hold_that_outlasts_four_switch_intervals_after_it_was_asked_for_was_kept_by_c) {
  const auto found = find_in({kept_row()});
  ASSERT_EQ(kinds(found), std::vector{FindingKind::KeptByC});
  EXPECT_EQ(found[0].pid, 4711);
  EXPECT_EQ(found[0].culprit, kHolder);
  EXPECT_EQ(found[0].victim, kWaiter);
  EXPECT_EQ(found[0].place->line, 7U);
  EXPECT_EQ(found[0].longest, 30 * kMsTime);
  EXPECT_EQ(found[0].lost, 90 * kMsTime);

  auto prompt = kept_row();
  prompt.max_wait_ns = 19 * kMsTime;
  EXPECT_TRUE(find_in({prompt}).empty());
  auto never_asked = kept_row();
  never_asked.forced = 0;
  EXPECT_TRUE(find_in({never_asked}).empty());
  // Python code that lost its CPU once, in many holds or in one.
  auto once = kept_row();
  once.holds = 10;
  EXPECT_TRUE(find_in({once}).empty());
  auto alone = kept_row();
  alone.holds = 1;
  alone.forced = 1;
  alone.caused_wait_ns = alone.max_wait_ns = 49 * kMsTime;
  EXPECT_TRUE(find_in({alone}).empty());
  alone.caused_wait_ns = alone.max_wait_ns = 50 * kMsTime;
  EXPECT_EQ(kinds(find_in({alone})), std::vector{FindingKind::KeptByC});
}

TEST(RunFindings, holds_that_end_on_one_line_are_one) {
  auto other = kept_row();
  other.from = CodePlace{.file = "app.py", .function = "g", .line = 1};
  other.max_wait_ns = 50 * kMsTime;
  const auto found = find_in({kept_row(), other});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].count, 6U);
  EXPECT_EQ(found[0].lost, 180 * kMsTime);
  EXPECT_EQ(found[0].longest, 50 * kMsTime);
}

TEST(RunFindings, who_gives_it_up_soon_and_waits_for_most_of_an_interval_each_time_is_in_a_convoy) {
  auto row = kept_row();
  row.max_wait_ns = 5 * kMsTime;
  const auto found = find_in({row}, {suffering()});
  ASSERT_EQ(kinds(found), (std::vector{FindingKind::Convoy, FindingKind::SwitchInterval}));
  EXPECT_EQ(found[0].victim, kWaiter);
  EXPECT_EQ(found[0].culprit, kHolder);
  EXPECT_EQ(found[0].count, 20U);
  EXPECT_EQ(found[0].lost, 100 * kMsTime);
  EXPECT_EQ(found[0].longest, 6 * kMsTime);

  const auto without = [&](auto change) {
    auto thread = suffering();
    change(thread.figures);
    return find_in({row}, {thread});
  };
  EXPECT_TRUE(without([](auto& figures) { figures.waits = 9; }).empty());
  EXPECT_TRUE(without([](auto& figures) { figures.forced = 3; }).empty()) << "it computes itself";
  EXPECT_TRUE(without([](auto& figures) { figures.hold_ns = 21 * kMsTime; }).empty())
      << "it holds it for long itself";
  EXPECT_TRUE(without([](auto& figures) { figures.wait->p50_ns = 2 * kMsTime; }).empty());
  EXPECT_TRUE(without([](auto& figures) { figures.wait_share = 0.09; }).empty());
}

TEST(RunFindings, those_that_cost_most_come_first_and_of_a_kind_at_most_three) {
  std::vector<BlameRow> rows;
  for (unsigned i = 1; i <= 5; ++i) {
    rows.push_back(kept_row());
    rows.back().to->line = i;
    rows.back().caused_wait_ns = i * 90 * kMsTime;
  }
  const auto found = find_in(rows);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].place->line, 5U);
  EXPECT_EQ(found[2].place->line, 3U);
}

CodePlace in_asyncio(const std::string& file, const std::string& function) {
  return {.file = "/usr/lib/python3.13/asyncio/" + file, .function = function, .line = 1};
}

// Innermost first, as a loop's stack is.
std::vector<CodePlace> in_loop(std::vector<CodePlace> stack) {
  stack.push_back(in_asyncio("base_events.py", "BaseEventLoop._run_once"));
  stack.push_back(in_asyncio("runners.py", "Runner.run"));
  return stack;
}

std::vector<CodePlace> in_task(const CodePlace& place, const CodePlace& coroutine) {
  return in_loop({place, coroutine, in_asyncio("events.py", "Handle._run")});
}

TEST(RunFindings, a_loop_that_waited_for_ten_intervals_stood_still) {
  auto row = kept_row();
  row.max_wait_ns = 5 * kMsTime;
  NamedThread loop{.figures = {.id = kWaiter}};
  loop.longest_waits = {{70 * kMsTime, {kept_row().stack}},
                        {60 * kMsTime, in_loop({})},
                        {50 * kMsTime, in_loop({})},
                        {49 * kMsTime, in_loop({})}};
  const auto found = find_in({row}, {loop});
  ASSERT_EQ(kinds(found), std::vector{FindingKind::StalledLoop});
  EXPECT_EQ(found[0].victim, kWaiter);
  EXPECT_EQ(found[0].culprit, kHolder);
  EXPECT_EQ(found[0].place->line, 7U);
  EXPECT_EQ(found[0].count, 2U);
  EXPECT_EQ(found[0].longest, 60 * kMsTime);
  EXPECT_EQ(found[0].lost, 110 * kMsTime);

  loop.longest_waits = {{70 * kMsTime, {kept_row().stack}}, {49 * kMsTime, in_loop({})}};
  EXPECT_TRUE(find_in({row}, {loop}).empty());
}

TEST(RunFindings, a_task_that_keeps_the_gil_for_ten_intervals_holds_its_loop_up) {
  const CodePlace inner{.file = "app.py", .function = "parse", .line = 41};
  const CodePlace coroutine{.file = "app.py", .function = "handle", .line = 9};
  auto row = kept_row();
  row.max_wait_ns = 5 * kMsTime;
  row.stack = in_task(inner, coroutine);
  row.max_hold_ns = 50 * kMsTime;
  const NamedThread loop{.figures = {.id = kHolder}};
  const auto found = find_in({row}, {loop});
  ASSERT_EQ(kinds(found), std::vector{FindingKind::StalledLoop});
  EXPECT_EQ(found[0].culprit, kHolder);
  EXPECT_EQ(found[0].victim, kHolder);
  EXPECT_EQ(found[0].longest, 50 * kMsTime);
  EXPECT_EQ(task_of(found[0].stack)->function, "handle");

  auto brief = row;
  brief.max_hold_ns = 49 * kMsTime;
  EXPECT_TRUE(find_in({brief}, {loop}).empty());
  auto no_loop = row;
  no_loop.stack = {inner, coroutine};
  EXPECT_TRUE(find_in({no_loop}, {loop}).empty());
}

TEST(RunFindings, a_loop_that_runs_nothing_has_no_task) {
  EXPECT_FALSE(task_of(in_loop({in_asyncio("selectors.py", "EpollSelector.select")})));
  EXPECT_FALSE(task_of(in_loop({in_asyncio("events.py", "Handle._run")})));
  EXPECT_FALSE(task_of({}));
  EXPECT_TRUE(is_in_event_loop(in_loop({})));
  EXPECT_FALSE(is_in_event_loop({{.file = "app.py", .function = "BaseEventLoop._run_once", .line = 1}}));
}

TEST(RunFindings, a_tenth_of_the_switch_interval_saves_most_of_convoys_and_costs_switches) {
  const auto change = shorten_interval(100 * kMsTime, 20, Nanoseconds(50'000));
  EXPECT_EQ(change.gain, 90 * kMsTime);
  EXPECT_EQ(change.cost, 9 * kMsTime);
  EXPECT_GT(shorten_interval(Nanoseconds::max(), ~std::uint64_t{0}, Nanoseconds::max()).cost,
            Nanoseconds::zero());

  auto row = kept_row();
  row.max_wait_ns = 5 * kMsTime;
  // Until the system had woken who waited: 5 ms in 100 hand-offs.
  const BlameRow nobodys{.caused_wait_ns = 5 * kMsTime, .waiters = {{kWaiter, 5 * kMsTime}}};
  RunSummary run;
  run.processes.push_back(
      {.pid = 4711,
       .gils = {{.id = GilId{1}, .forced = 1, .handoffs = 1}, {.forced = 20, .handoffs = 100}},
       .threads = {suffering()},
       .blame = {{row, nobodys}}});
  const auto found = find_in_run(run);
  ASSERT_EQ(kinds(found), (std::vector{FindingKind::Convoy, FindingKind::SwitchInterval}));
  EXPECT_EQ(found[1].count, 20U);
  EXPECT_EQ(found[1].lost, 100 * kMsTime);
  EXPECT_EQ(found[1].gain, 90 * kMsTime);
  EXPECT_EQ(found[1].cost, 9 * kMsTime);
}

// A run of one second, whose GIL was held for this share of it.
RunSummary whole_run(RunVerdict::Kind verdict, double held) {
  RunSummary run{.wall_ns = 1000 * kMsTime, .cpu_ns = 600 * kMsTime, .verdict = {.kind = verdict}};
  run.processes.push_back(
      {.pid = 1,
       .gils = {{.id = GilId{1}, .hold_share = 0.1},
                {.wait_ns = 30 * kMsTime, .forced = 5, .handoffs = 10, .hold_share = held}}});
  return run;
}

TEST(RunFindings, of_the_whole_run_one_thing_is_said) {
  using Verdict = RunVerdict::Kind;
  const auto kind = [](const RunSummary& run) { return kinds(find_in_run(run)); };
  EXPECT_EQ(kind(whole_run(Verdict::Bottleneck, 0.9)), std::vector{FindingKind::ComputingThreads});
  auto run = whole_run(Verdict::Bottleneck, 0.9);
  run.processes.front().gils[1].forced = 4;
  EXPECT_EQ(kind(run), std::vector{FindingKind::FrequentReleases});
  EXPECT_EQ(kind(whole_run(Verdict::NoBottleneck, 0.5)), std::vector{FindingKind::NoBottleneck});
  EXPECT_EQ(kind(whole_run(Verdict::OneThread, 0.5)), std::vector{FindingKind::LittleToGain});
  EXPECT_EQ(kind(whole_run(Verdict::OneThread, 0.49)), std::vector{FindingKind::ReleasedByC});
  run = whole_run(Verdict::NoBottleneck, 0.49);
  run.cpu_ns = 499 * kMsTime;
  EXPECT_EQ(kind(run), std::vector{FindingKind::IoBound});
  run.cpu_ns.reset();
  EXPECT_EQ(kind(run), std::vector{FindingKind::IoBound});
  EXPECT_TRUE(kind(whole_run(Verdict::NoGil, 0.9)).empty());
  EXPECT_TRUE(kind(whole_run(Verdict::NothingRecorded, 0)).empty());

  const auto found = find_in_run(whole_run(Verdict::NoBottleneck, 0.8));
  EXPECT_FALSE(found[0].pid);
  EXPECT_FALSE(found[0].gil);
  EXPECT_EQ(found[0].count, 10U);
  EXPECT_EQ(found[0].lost, 30 * kMsTime);
  EXPECT_EQ(found[0].hold_share, 0.8);
  EXPECT_EQ(found[0].at_most, 1.25);
}

TEST(RunFindings, of_a_moment_only_a_bottleneck_is_said) {
  auto run = whole_run(RunVerdict::Kind::NoBottleneck, 0.9);
  run.wall_ns = kLeastRun - Nanoseconds(1);
  EXPECT_TRUE(find_in_run(run).empty());
  run.verdict.kind = RunVerdict::Kind::Bottleneck;
  EXPECT_EQ(find_in_run(run).size(), 1U);
}

TEST(RunFindings, what_has_a_culprit_explains_a_bottleneck) {
  auto run = whole_run(RunVerdict::Kind::Bottleneck, 0.9);
  run.processes.front().blame = {kept_row()};
  EXPECT_EQ(kinds(find_in_run(run)), std::vector{FindingKind::KeptByC});
}

// Beside other programs, threads that compute in Python keep the GIL for long, too.
TEST(RunFindings, what_a_lack_of_cpu_explains_as_well_explains_no_bottleneck) {
  auto run = whole_run(RunVerdict::Kind::Bottleneck, 0.9);
  auto& process = run.processes.front();
  process.blame = {kept_row()};
  NamedThread culprit;
  culprit.figures.id = process.blame->front().thread;
  culprit.figures.hold_ns = 120 * kMsTime;
  culprit.cpu_ns = 100 * kMsTime;  // the longest took 30 ms
  process.threads = {culprit};
  EXPECT_EQ(kinds(find_in_run(run)), (std::vector{FindingKind::KeptByC, FindingKind::ComputingThreads}));
  process.threads.front().cpu_ns = 110 * kMsTime;
  EXPECT_EQ(kinds(find_in_run(run)), std::vector{FindingKind::KeptByC});
}

TEST(RunFindings, a_loop_that_stood_still_for_lack_of_cpu_explains_no_bottleneck) {
  auto run = whole_run(RunVerdict::Kind::Bottleneck, 0.9);
  auto& process = run.processes.front();
  auto row = kept_row();
  row.max_wait_ns = 5 * kMsTime;
  process.blame = {row};
  NamedThread loop{.figures = {.id = kWaiter}};
  loop.longest_waits = {{60 * kMsTime, in_loop({})}};
  NamedThread culprit{.figures = {.id = kHolder}};
  culprit.figures.hold_ns = 120 * kMsTime;
  culprit.cpu_ns = 90 * kMsTime;
  process.threads = {loop, culprit};
  EXPECT_EQ(kinds(find_in_run(run)), (std::vector{FindingKind::StalledLoop, FindingKind::ComputingThreads}));
  process.threads.back().cpu_ns = 91 * kMsTime;
  EXPECT_EQ(kinds(find_in_run(run)), std::vector{FindingKind::StalledLoop});
}

TEST(RunFindings, nothing_is_found_where_blame_was_not_recorded) {
  RunSummary run;
  run.processes.push_back({.pid = 1, .threads = {suffering()}});
  EXPECT_TRUE(find_in_run(run).empty());
}

}  // namespace
}  // namespace gilscope
