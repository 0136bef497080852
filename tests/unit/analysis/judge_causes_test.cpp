// The rules of causes: what fulfils them, and what nearly does.
#include "analysis/judge_causes.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/judged_runs.h"
#include "analysis/user_code.h"

namespace gilscope {
namespace {

using test::blame_row;
using test::computing_row;
using test::heavy_thread;
using test::judged_process;
using test::kHolder;
using test::kinds_of;
using test::kMsTime;
using test::kWaiter;
using test::light_thread;
using test::line_of_app;
using FindingKind = RunFinding::Kind;

constexpr ThreadId kOther{3};

std::vector<RunFinding> causes_of(const ProcessSummary& process) {
  const std::vector<ProcessSummary> processes{process};
  return find_causes(gather_facts(processes).at(0));
}

std::vector<RunFinding> causes_in(const std::vector<BlameRow>& rows,
                                  const std::vector<NamedThread>& threads = {}) {
  return causes_of(judged_process(rows, threads));
}

RunFinding only(const std::vector<RunFinding>& findings) {
  EXPECT_EQ(findings.size(), 1U);
  return findings.at(0);
}

TEST(KeptByC, is_found_where_holds_were_late) {
  const auto found = causes_in({blame_row({})});
  ASSERT_EQ(kinds_of(found), std::vector{FindingKind::KeptByC});
  EXPECT_EQ(found[0].pid, 4711);
  EXPECT_EQ(found[0].culprit, kHolder);
  EXPECT_EQ(found[0].victim, kWaiter);
  EXPECT_EQ(found[0].place->line, 7U);
  EXPECT_EQ(found[0].count, 3U);
  EXPECT_EQ(found[0].longest, 30 * kMsTime);
  EXPECT_EQ(found[0].lost, 90 * kMsTime);
  EXPECT_EQ(kinds_of(causes_in({blame_row({.late = 0, .late_ms = 0})})), std::vector{FindingKind::Convoy});
}

// Python code that lost its CPU keeps the GIL for long, too, but not again and again.
TEST(KeptByC, happens_several_times_or_for_50_ms) {
  const auto is_told = [](const test::Holds& holds) {
    const auto found = kinds_of(causes_in({blame_row(holds)}));
    return std::ranges::find(found, FindingKind::KeptByC) != found.end();
  };
  EXPECT_FALSE(is_told({.late = 2, .late_ms = 60, .longest_ms = 49}));
  EXPECT_TRUE(is_told({.late = 2, .late_ms = 60, .longest_ms = 50}));
  EXPECT_FALSE(is_told({.longest_ms = 14})) << "of a short switch interval";
  EXPECT_TRUE(is_told({.longest_ms = 15}));
}

// mixed_line: the mean of 205 holds is 7 ms, and five of them are 200 ms.
TEST(KeptByC, is_told_by_the_late_holds_and_not_by_the_mean_of_all) {
  const auto found = causes_in({blame_row(
      {.holds = 205, .forced = 5, .late = 5, .caused_ms = 1600, .late_ms = 1000, .longest_ms = 200})});
  ASSERT_EQ(kinds_of(found), (std::vector{FindingKind::KeptByC, FindingKind::FrequentReleases}));
  EXPECT_EQ(found[0].count, 5U);
  EXPECT_EQ(found[0].lost, 1000 * kMsTime);
  EXPECT_EQ(found[1].count, 200U);
  EXPECT_EQ(found[1].lost, 600 * kMsTime) << "each part of the waiting belongs to one cause";
}

BlameRow with_work(BlameRow row, WorkKind kind, const std::string& name) {
  row.work = HeldWork{.kind = kind, .name = name};
  return row;
}

TEST(KeptByC, is_told_by_what_was_called_too) {
  const auto found =
      causes_in({with_work(blame_row({}), WorkKind::Call, "zlib.compress"),
                 with_work(blame_row({}), WorkKind::Call, "zlib.compress"),
                 with_work(blame_row({.caused_ms = 60, .late_ms = 60}), WorkKind::Freeing, "")});
  ASSERT_EQ(kinds_of(found), (std::vector{FindingKind::KeptByC, FindingKind::KeptByC}));
  EXPECT_EQ(found[0].work, (HeldWork{WorkKind::Call, "zlib.compress"}));
  EXPECT_EQ(found[0].lost, 180 * kMsTime);
  EXPECT_EQ(found[1].work, (HeldWork{WorkKind::Freeing, ""}));
}

// A look is made at a waiter's second interval.
TEST(KeptByC, is_found_sooner_where_it_was_seen_what_was_called) {
  const auto kinds = [](const test::Holds& holds, bool is_seen) {
    const auto row = blame_row(holds);
    return kinds_of(causes_in({is_seen ? with_work(row, WorkKind::Call, "zlib.compress") : row}));
  };
  const test::Holds holds{.late = 0, .caused_ms = 33, .late_ms = 0, .longest_ms = 10};
  EXPECT_EQ(kinds(holds, true), std::vector{FindingKind::KeptByC});
  EXPECT_EQ(kinds(holds, false), std::vector{FindingKind::Convoy});
  EXPECT_TRUE(kinds({.late = 0, .caused_ms = 30, .late_ms = 0, .longest_ms = 9}, true).empty());
}

TEST(GarbageCollection, that_came_by_itself_is_one_cause_wherever_it_came) {
  const auto found = causes_in({with_work(blame_row({}), WorkKind::Collection, "generation 2"),
                                with_work(blame_row({.line = 8}), WorkKind::Collection, "generation 2")});
  ASSERT_EQ(kinds_of(found), std::vector{FindingKind::GarbageCollection});
  EXPECT_EQ(found[0].work, (HeldWork{WorkKind::Collection, "generation 2"}));
  EXPECT_EQ(found[0].place, std::nullopt) << "the line is innocent";
  EXPECT_TRUE(found[0].stack.empty());
  EXPECT_EQ(found[0].lost, 180 * kMsTime);
  EXPECT_EQ(found[0].count, 6U);
}

TEST(GarbageCollection, that_came_by_itself_is_one_cause_whichever_generation_it_was) {
  const auto found = causes_in({with_work(blame_row({}), WorkKind::Collection, "generation 2"),
                                with_work(blame_row({.line = 8}), WorkKind::Collection, "generation 1")});
  ASSERT_EQ(kinds_of(found), std::vector{FindingKind::GarbageCollection});
  EXPECT_EQ(found[0].work, (HeldWork{WorkKind::Collection, ""}));
  EXPECT_EQ(found[0].lost, 180 * kMsTime);
}

TEST(GarbageCollection, that_was_asked_for_is_told_on_its_line) {
  const auto found = causes_in({with_work(blame_row({}), WorkKind::Collect, "generation 2"),
                                with_work(blame_row({.line = 8}), WorkKind::Collect, "generation 2")});
  ASSERT_EQ(kinds_of(found), (std::vector{FindingKind::GarbageCollection, FindingKind::GarbageCollection}));
  EXPECT_EQ(found[0].place->line, 7U);
  EXPECT_EQ(found[1].place->line, 8U);
}

// Its begin and end are known: there is nothing to guess.
TEST(GarbageCollection, is_found_however_short_it_is) {
  const auto brief = with_work(computing_row(kHolder, {kWaiter}), WorkKind::Collection, "generation 1");
  const auto found = causes_in({brief});
  ASSERT_EQ(kinds_of(found), std::vector{FindingKind::GarbageCollection});
  EXPECT_EQ(found[0].lost, brief.caused_wait_ns);
  EXPECT_EQ(found[0].count, brief.holds);
}

TEST(KeptByC, on_one_line_is_one_cause_whichever_threads_it_were) {
  auto other = blame_row({.thread = kOther, .caused_ms = 190, .late_ms = 190, .longest_ms = 60});
  other.from = line_of_app(1);
  const auto found = only(causes_in({blame_row({}), other}));
  EXPECT_THAT(found.culprits, testing::ElementsAre(kOther, kHolder));
  EXPECT_EQ(found.count, 6U);
  EXPECT_EQ(found.lost, 280 * kMsTime);
  EXPECT_EQ(found.longest, 60 * kMsTime);
  EXPECT_EQ(causes_in({blame_row({}), blame_row({.line = 8})}).size(), 2U);
}

// Different lines of a library, called on one line of the user's.
TEST(KeptByC, is_of_the_line_of_the_user_that_called_a_library) {
  std::vector<BlameRow> rows;
  for (const unsigned line : {10U, 20U}) {
    rows.push_back(blame_row({}));
    rows.back().to =
        CodePlace{.file = "/usr/lib/python3.13/json/decoder.py", .function = "decode", .line = line};
    rows.back().stack.insert(rows.back().stack.begin(), *rows.back().to);
  }
  EXPECT_EQ(only(causes_in(rows)).count, 6U);
}

TEST(NeverReleased, is_a_hold_that_goes_on_for_a_hundred_intervals) {
  const test::Holds open{
      .holds = 1, .forced = 0, .late = 1, .caused_ms = 500, .late_ms = 500, .longest_ms = 500};
  auto row = blame_row(open);
  row.to.reset();
  row.stack.clear();
  row.from = line_of_app(3);
  const auto found = only(causes_in({row}));
  EXPECT_EQ(found.kind, FindingKind::NeverReleased);
  EXPECT_EQ(found.place->line, 3U);
  EXPECT_EQ(found.culprit, kHolder);
  auto seen = row;  // by who waits: where it stands, and in which call
  seen.to = line_of_app(9);
  seen.stack = {line_of_app(9)};
  seen.work = HeldWork{.kind = WorkKind::Call, .name = "a ctypes call"};
  EXPECT_EQ(only(causes_in({seen})).kind, FindingKind::NeverReleased);
  EXPECT_EQ(only(causes_in({seen})).place->line, 9U);
  EXPECT_EQ(only(causes_in({seen})).work, seen.work);
  auto late = judged_process({row});  // who waits is woken late where the machine is busy
  late.gils[0].switch_interval = 9 * kMsTime;
  EXPECT_EQ(only(causes_of(late)).kind, FindingKind::NeverReleased);
  row.forced = 1;  // it has ended, by a line that nobody knows
  EXPECT_EQ(only(causes_in({row})).kind, FindingKind::KeptByC);
  row.forced = 0;
  row.max_wait_ns = 499 * kMsTime;
  EXPECT_EQ(only(causes_in({row})).kind, FindingKind::KeptByC);
}

TEST(Convoy, is_a_light_thread_that_waits_for_one_that_computes) {
  const auto found = causes_in({computing_row(kHolder, {kWaiter})}, {heavy_thread(), light_thread()});
  ASSERT_EQ(kinds_of(found), (std::vector{FindingKind::SwitchInterval, FindingKind::Convoy}));
  EXPECT_EQ(found[1].culprit, kHolder);
  EXPECT_EQ(found[1].victim, kWaiter);
  EXPECT_EQ(found[1].count, 20U);
  EXPECT_EQ(found[1].lost, 100 * kMsTime);
}

TEST(SwitchInterval, is_judged_for_threads_that_are_light_and_wait_for_most_of_one) {
  const auto is_judged = [](auto change) {
    auto thread = light_thread();
    change(thread.figures);
    const auto found = causes_in({computing_row(kHolder, {kWaiter})}, {heavy_thread(), thread});
    EXPECT_EQ(found.back().kind, FindingKind::Convoy);
    return found.size() == 2;
  };
  EXPECT_TRUE(is_judged([](auto&) {}));
  EXPECT_FALSE(is_judged([](auto& figures) { figures.waits = 9; }));
  EXPECT_FALSE(is_judged([](auto& figures) { figures.forced = 3; })) << "it computes itself";
  EXPECT_FALSE(is_judged([](auto& figures) { figures.hold_ns = 21 * kMsTime; }))
      << "it holds it for long itself";
  EXPECT_FALSE(is_judged([](auto& figures) { figures.waits = 41; })) << "waits of less than half an interval";
  EXPECT_FALSE(is_judged([](auto& figures) { figures.lifetime_ns = 1001 * kMsTime; }));
}

// gc.collect() beside a thread that sleeps: no switch interval shortens a call in C.
TEST(Convoy, is_none_where_holds_were_late) {
  EXPECT_EQ(kinds_of(causes_in({blame_row({})}, {light_thread()})), std::vector{FindingKind::KeptByC});
}

TEST(ComputingThreads, are_those_that_wait_for_each_other) {
  const auto found = causes_in({computing_row(kHolder, {kOther, kWaiter}), computing_row(kOther, {kHolder})},
                               {heavy_thread(), heavy_thread(kOther), light_thread()});
  ASSERT_EQ(kinds_of(found), std::vector{FindingKind::ComputingThreads});
  EXPECT_EQ(found[0].culprits.size(), 2U);
  EXPECT_EQ(found[0].lost, 200 * kMsTime);
  EXPECT_EQ(found[0].hold_share, 0.8);
  EXPECT_EQ(found[0].at_most, 1.25);
}

TEST(ComputingThreads, that_only_make_light_ones_wait_are_a_convoy_of_all_of_them) {
  const auto found = causes_in({computing_row(kHolder, {kWaiter}), computing_row(kOther, {kWaiter})},
                               {heavy_thread(), heavy_thread(kOther), light_thread()});
  ASSERT_EQ(kinds_of(found), (std::vector{FindingKind::SwitchInterval, FindingKind::Convoy}));
  EXPECT_EQ(found[1].culprits.size(), 2U);
}

std::vector<NamedThread> pollers() {
  std::vector<NamedThread> threads{heavy_thread()};
  for (const auto id : {kWaiter, kOther}) {
    threads.push_back(light_thread(id));
    threads.back().figures.lifetime_ns = 105 * kMsTime;
  }
  return threads;
}

std::vector<BlameRow> polling_rows() {
  std::vector<BlameRow> rows{computing_row(kHolder, {kWaiter, kOther})};
  for (const auto id : {kWaiter, kOther}) {
    rows.push_back(blame_row({.thread = id,
                              .line = 23,
                              .holds = 20,
                              .forced = 0,
                              .late = 0,
                              .caused_ms = 1,
                              .late_ms = 0,
                              .longest_ms = 1,
                              .waiters = {kHolder}}));
  }
  return rows;
}

TEST(BusyPolling, is_of_threads_that_ask_again_at_once_on_one_line) {
  const auto found = causes_in(polling_rows(), pollers());
  ASSERT_EQ(kinds_of(found), std::vector{FindingKind::BusyPolling});
  EXPECT_EQ(found[0].lost, 102 * kMsTime);
  EXPECT_THAT(found[0].culprits, testing::ElementsAre(kWaiter, kOther));
  EXPECT_EQ(found[0].victim, kHolder) << "who computes is no culprit";
  EXPECT_EQ(found[0].place->line, 23U);
  EXPECT_EQ(found[0].count, 40U);
  EXPECT_EQ(found[0].mean_hold, Nanoseconds(10'000));
}

// On a busy machine a poller may hold the GIL without a CPU, and be asked for it.
TEST(BusyPolling, is_judged_by_what_a_hold_takes_as_a_rule) {
  auto threads = pollers();
  for (auto& thread : threads) {
    thread.figures.hold_ns = 100 * kMsTime;
    thread.figures.hold = DurationFigures{.p50_ns = Nanoseconds(10'000)};
  }
  threads.back().figures.forced = 2;
  EXPECT_THAT(kinds_of(causes_in(polling_rows(), threads)), testing::Contains(FindingKind::BusyPolling));
  threads.back().figures.forced = 3;
  EXPECT_THAT(kinds_of(causes_in(polling_rows(), threads)),
              testing::Not(testing::Contains(FindingKind::BusyPolling)));
}

TEST(BusyPolling, is_none_of_one_thread_nor_of_threads_that_are_away_meanwhile) {
  auto rows = polling_rows();
  rows.pop_back();
  EXPECT_THAT(kinds_of(causes_in(rows, pollers())), testing::Contains(FindingKind::Convoy));
  auto threads = pollers();
  threads.back().figures.lifetime_ns = 200 * kMsTime;
  EXPECT_THAT(kinds_of(causes_in(polling_rows(), threads)), testing::Contains(FindingKind::Convoy));
}

TEST(BusyPolling, is_none_of_an_executors_workers_that_wait_for_tasks) {
  auto rows = polling_rows();
  for (auto& row : rows) {
    if (row.thread == kHolder) continue;
    row.stack = {
        {.file = "/usr/lib/python3.13/concurrent/futures/thread.py", .function = "_worker", .line = 89}};
    row.from = row.to = row.stack.front();
  }
  EXPECT_THAT(kinds_of(causes_in(rows, pollers())), testing::Contains(FindingKind::Convoy));
}

TEST(TinyTasks, are_told_where_most_waiting_is_for_who_hands_them_over) {
  auto row = computing_row(kHolder, {kWaiter});
  const CodePlace submit{.file = "/usr/lib/python3.13/concurrent/futures/thread.py",
                         .function = "ThreadPoolExecutor.submit",
                         .line = 165};
  const CodePlace lock{
      .file = "/usr/lib/python3.13/threading.py", .function = "Condition.__init__", .line = 293};
  row.to = lock;
  row.stack = {lock, submit, line_of_app(24)};
  const auto found = only(causes_in({row}, {heavy_thread(), light_thread()}));
  EXPECT_EQ(found.kind, FindingKind::TinyTasks);
  EXPECT_EQ(found.mean_hold, Nanoseconds(10'000));
  EXPECT_EQ(found.lost, 100 * kMsTime);
  auto starved = light_thread();  // it kept the GIL for long once, without a CPU
  starved.figures.hold_ns = 10 * kMsTime;
  starved.figures.hold = DurationFigures{.p50_ns = Nanoseconds(10'000)};
  EXPECT_EQ(only(causes_in({row}, {heavy_thread(), starved})).mean_hold, Nanoseconds(10'000));
  row.stack = {line_of_app(24), submit};  // a task that computes
  EXPECT_THAT(kinds_of(causes_in({row}, {heavy_thread(), light_thread()})),
              testing::Contains(FindingKind::Convoy));
}

// Twelve tasks that compute for 23 ms each: the fifth hold of each ends with the task.
TEST(ComputingThreads, compute_up_to_the_end_of_their_work_too) {
  const auto last = [](int held_ms) {
    auto row = blame_row(
        {.line = 9, .holds = 4, .forced = 0, .late = 0, .caused_ms = 40, .late_ms = 0, .longest_ms = 4});
    row.hold_ns = held_ms * kMsTime;
    return row;
  };
  const std::vector threads{heavy_thread(), heavy_thread(kWaiter)};
  const auto computing = computing_row(kHolder, {kWaiter});
  EXPECT_EQ(only(causes_in({computing, last(4)}, threads)).lost, 140 * kMsTime);
  EXPECT_EQ(causes_in({computing, last(3)}, threads).at(0).lost, 100 * kMsTime)
      << "a moment of something else";
  auto other = last(4);
  other.thread = kOther;
  EXPECT_EQ(causes_in({computing, other}, threads).at(0).lost, 100 * kMsTime) << "nobody ever had to ask it";
  other.holds = 3;
  EXPECT_EQ(only(causes_in({computing, other}, threads)).lost, 140 * kMsTime) << "it did so hardly ever";
}

TEST(FrequentReleases, are_of_threads_that_end_their_holds_themselves) {
  auto row = computing_row(kHolder, {kWaiter});
  row.forced = 9;  // of 20
  row.hold_ns = 10 * kMsTime;
  auto process = judged_process({row, {.caused_wait_ns = 5 * kMsTime}}, {heavy_thread(), light_thread()});
  const auto found = only(causes_of(process));
  EXPECT_EQ(found.kind, FindingKind::FrequentReleases);
  EXPECT_EQ(found.count, 20U);
  EXPECT_EQ(found.lost, 105 * kMsTime) << "and until the system had woken who waited";
  process.blame->back().caused_wait_ns = 500 * kMsTime;
  EXPECT_EQ(only(causes_of(process)).lost, 200 * kMsTime) << "it woke others, too";
}

// Tasks of a pool end as often as they are asked for the GIL.
TEST(ComputingThreads, are_those_that_compute_for_most_of_the_time_that_they_hold_it) {
  auto row = computing_row(kHolder, {kWaiter});  // holds of 5 ms
  row.forced = 3;
  EXPECT_EQ(kinds_of(causes_in({row})), std::vector{FindingKind::Convoy});
  row.forced = 2;
  EXPECT_EQ(kinds_of(causes_in({row})), std::vector{FindingKind::FrequentReleases});
  row.forced = 3;
  const auto brief =
      blame_row({.line = 8, .holds = 200, .forced = 0, .late = 0, .caused_ms = 101, .late_ms = 0});
  EXPECT_EQ(kinds_of(causes_in({row, brief})), std::vector{FindingKind::FrequentReleases});
}

TEST(FrequentReleases, happen_again_and_again) {
  const auto with = [](std::uint64_t holds) {
    return causes_in({blame_row({.holds = holds, .forced = 0, .late = 0, .late_ms = 0, .longest_ms = 1})});
  };
  EXPECT_TRUE(with(9).empty());
  EXPECT_EQ(only(with(10)).kind, FindingKind::FrequentReleases);
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

NamedThread loop_that_waited(Nanoseconds longest) {
  auto loop = light_thread();
  loop.longest_waits = {{longest, in_loop({})}};
  return loop;
}

TEST(StalledLoop, is_what_a_call_that_keeps_the_gil_does_to_a_loop) {
  const auto found = only(causes_in({blame_row({})}, {loop_that_waited(60 * kMsTime)}));
  EXPECT_EQ(found.kind, FindingKind::StalledLoop);
  EXPECT_EQ(found.victim, kWaiter);
  EXPECT_EQ(found.culprit, kHolder);
  EXPECT_EQ(found.loop_stall, 60 * kMsTime);
  EXPECT_EQ(found.lost, 90 * kMsTime);
  EXPECT_EQ(only(causes_in({blame_row({})}, {loop_that_waited(49 * kMsTime)})).kind, FindingKind::KeptByC);
}

TEST(StalledLoop, beside_threads_that_compute_is_said_of_them) {
  const auto found = causes_in({computing_row(kHolder, {kOther, kWaiter}), computing_row(kOther, {kHolder})},
                               {heavy_thread(), heavy_thread(kOther), loop_that_waited(60 * kMsTime)});
  ASSERT_EQ(kinds_of(found), std::vector{FindingKind::ComputingThreads});
  EXPECT_EQ(found[0].victim, kWaiter);
  EXPECT_EQ(found[0].loop_stall, 60 * kMsTime);
}

TEST(StalledLoop, kept_the_gil_itself_where_a_task_did) {
  auto row = blame_row({.longest_ms = 50});
  row.stack = in_loop({*row.to, line_of_app(9, "handle"), in_asyncio("events.py", "Handle._run")});
  const auto loop = heavy_thread();
  const auto found = only(causes_in({row}, {loop}));
  EXPECT_EQ(found.kind, FindingKind::StalledLoop);
  EXPECT_EQ(found.culprit, kHolder);
  EXPECT_EQ(found.victim, kHolder);
  EXPECT_EQ(found.longest, 50 * kMsTime);
  EXPECT_EQ(task_of(found.stack)->function, "handle");
  row.max_hold_ns = 49 * kMsTime;
  EXPECT_EQ(only(causes_in({row}, {loop})).kind, FindingKind::KeptByC);
}

TEST(SwitchInterval, of_a_tenth_saves_most_of_a_convoy_and_costs_switches) {
  const auto change = shorten_interval(100 * kMsTime, 20, Nanoseconds(50'000));
  EXPECT_EQ(change.gain, 90 * kMsTime);
  EXPECT_EQ(change.cost, 9 * kMsTime);
  EXPECT_GT(shorten_interval(Nanoseconds::max(), ~std::uint64_t{0}, Nanoseconds::max()).cost,
            Nanoseconds::zero());

  // Until the system had woken who waited: 5 ms in 100 hand-offs.
  const BlameRow nobodys{.caused_wait_ns = 5 * kMsTime, .waiters = {{kWaiter, 5 * kMsTime}}};
  const auto found =
      causes_in({computing_row(kHolder, {kWaiter}), nobodys}, {heavy_thread(), light_thread()});
  ASSERT_EQ(found.at(0).kind, FindingKind::SwitchInterval);
  EXPECT_EQ(found[0].lost, 100 * kMsTime);
  EXPECT_EQ(found[0].gain, 90 * kMsTime);
  EXPECT_EQ(found[0].cost, 9 * kMsTime);
}

TEST(SwitchInterval, saves_the_time_in_which_anybody_waited_and_no_more_than_the_run_took) {
  auto row = computing_row(kHolder, {kWaiter, kOther}, 300);
  const auto gain = [&] {
    return causes_in({row}, {heavy_thread(), light_thread(), light_thread(kOther)}).at(0).gain;
  };
  EXPECT_EQ(gain(), 270 * kMsTime) << "a hold for each wait: they wait in turns";
  row.hold_ns = 150 * kMsTime;
  EXPECT_EQ(gain(), 135 * kMsTime) << "a hold for two waits: they wait side by side";
  auto process = judged_process({computing_row(kHolder, {kWaiter}, 2000)}, {heavy_thread(), light_thread()});
  EXPECT_EQ(causes_of(process).at(0).gain, process.wall_ns);
  process.gils[0].switch_interval = Nanoseconds(999'999);
  EXPECT_THAT(kinds_of(causes_of(process)), testing::ElementsAre(FindingKind::Convoy))
      << "it is short as it is";
}

TEST(Causes, are_none_where_blame_was_not_recorded) {
  auto process = judged_process({}, {light_thread()});
  process.blame.reset();
  EXPECT_TRUE(causes_of(process).empty());
}

TEST(UserCode, is_looked_at_where_it_has_a_file) {
  const CodePlace made{.file = "<string>", .function = "__create_fn__.<locals>.__init__", .line = 2};
  const CodePlace copying{.file = "/usr/lib/python3.13/copy.py", .function = "deepcopy", .line = 98};
  EXPECT_EQ(place_to_look_at(made, {made, copying, line_of_app(9)}), line_of_app(9));
  EXPECT_EQ(place_to_look_at(copying, {copying, made, line_of_app(9)}), line_of_app(9));
  EXPECT_EQ(place_to_look_at(made, {made, copying}), made) << "as of python -c";
  EXPECT_EQ(place_to_look_at(copying, {copying, made}), made);
  EXPECT_EQ(place_to_look_at(copying, {copying}), copying);
}

TEST(UserCode, a_loop_that_runs_nothing_has_no_task) {
  EXPECT_FALSE(task_of(in_loop({in_asyncio("selectors.py", "EpollSelector.select")})));
  EXPECT_FALSE(task_of(in_loop({in_asyncio("events.py", "Handle._run")})));
  EXPECT_FALSE(task_of({}));
  EXPECT_TRUE(is_in_event_loop(in_loop({})));
  EXPECT_FALSE(is_in_event_loop({{.file = "app.py", .function = "BaseEventLoop._run_once", .line = 1}}));
}

TEST(UserCode, a_task_of_an_executor_that_is_a_c_function_is_no_handing_over) {
  const std::string thread = "/usr/lib/python3.13/concurrent/futures/thread.py";
  EXPECT_TRUE(is_handing_over({{.file = thread, .function = "_worker", .line = 89}}));
  EXPECT_FALSE(is_handing_over({{.file = thread, .function = "_WorkItem.run", .line = 58},
                                {.file = thread, .function = "_worker", .line = 92}}));
  EXPECT_FALSE(is_handing_over({line_of_app(3), {.file = thread, .function = "_worker", .line = 92}}));
  EXPECT_FALSE(is_handing_over({}));
}

}  // namespace
}  // namespace gilscope
