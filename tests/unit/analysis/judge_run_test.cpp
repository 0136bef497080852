// What is said of a run: its verdict, and its findings in their order.
#include "analysis/judge_run.h"

#include <cstdint>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/blame.h"
#include "analysis/event_lists.h"
#include "analysis/gil_machine.h"
#include "analysis/judged_runs.h"

namespace gilscope {
namespace {

using test::blame_row;
using test::computing_row;
using test::heavy_thread;
using test::judged_process;
using test::kHolder;
using test::kMsTime;
using test::kWaiter;
using test::light_thread;
using FindingKind = RunFinding::Kind;
using VerdictKind = RunVerdict::Kind;

RunSummary judged(std::vector<ProcessSummary> processes) {
  RunSummary run;
  run.processes = std::move(processes);
  run.wall_ns = run.processes.front().wall_ns;
  run.verdict = judge(run.processes);
  run.findings = find_in_run(run);
  return run;
}

std::vector<FindingKind> found_in(const RunSummary& run) { return test::kinds_of(run.findings); }

// One thread that held the GIL, and another one that waited for it, many times; of a second.
ProcessSummary plain_process(int held_ms, int waited_ms, std::int64_t pid = 1) {
  ProcessSummary process{.pid = pid, .wall_ns = 1000 * kMsTime};
  const auto waited = waited_ms * kMsTime;
  for (const auto id : {kHolder, kWaiter}) {
    auto thread = id == kHolder ? heavy_thread(id, held_ms) : light_thread(id);
    thread.figures.wait_ns = id == kHolder ? Nanoseconds{} : waited;
    thread.figures.wait.reset();
    thread.figures.lifetime_ns = 1000 * kMsTime;
    thread.figures.wait_share = share_of(thread.figures.wait_ns, thread.figures.lifetime_ns);
    process.threads.push_back(thread);
  }
  process.gils.push_back({.hold_ns = held_ms * kMsTime,
                          .wait_ns = waited,
                          .forced = 5,
                          .handoffs = 10,
                          .hold_share = held_ms / 1000.0});
  return process;
}

TEST(RunVerdict, is_a_bottleneck_where_a_tenth_of_a_thread_waits_on_average) {
  const auto at = judge({plain_process(500, 100)});
  EXPECT_EQ(at.kind, VerdictKind::Bottleneck);
  EXPECT_DOUBLE_EQ(*at.waiters, 0.1);
  EXPECT_EQ(at.pid, 1);
  EXPECT_EQ(at.gil, GilId{});
  EXPECT_EQ(at.hold_share, 0.5);
  EXPECT_FALSE(at.ceiling);
  EXPECT_EQ(judge({plain_process(500, 99)}).kind, VerdictKind::NoBottleneck);
  auto many = plain_process(99, 150);  // as fifty that sleep do, and wake at once: nobody waits for long
  many.threads.back().figures.lifetime_ns = 50'000 * kMsTime;
  EXPECT_EQ(judge({many}).kind, VerdictKind::NoBottleneck);
  many.gils[0].hold_share = 0.1;
  EXPECT_EQ(judge({many}).kind, VerdictKind::Bottleneck);
}

// A thread a request: none of them lives for long, and all of them wait.
TEST(RunVerdict, counts_threads_that_live_for_a_moment) {
  ProcessSummary process{.pid = 1, .wall_ns = 1000 * kMsTime};
  for (unsigned id = 1; id <= 200; ++id) {
    auto thread = light_thread(ThreadId{id});
    thread.figures.hold_ns = 4 * kMsTime;
    thread.figures.wait_ns = 4 * kMsTime;
    thread.figures.lifetime_ns = 8 * kMsTime;
    process.threads.push_back(thread);
  }
  process.gils.push_back({.hold_ns = 930 * kMsTime, .wait_ns = 800 * kMsTime, .hold_share = 0.93});
  const auto verdict = judge({process});
  EXPECT_EQ(verdict.kind, VerdictKind::Bottleneck);
  EXPECT_DOUBLE_EQ(*verdict.waiters, 0.8);
}

// It waits for a fifth of its short life, in a run that goes on without it.
TEST(RunVerdict, is_a_bottleneck_of_whom_it_hurts) {
  const auto judge_one = [](int waited_ms, int lifetime_ms) {
    auto process = plain_process(500, waited_ms);
    auto& figures = process.threads.back().figures;
    figures.lifetime_ns = lifetime_ms * kMsTime;
    figures.wait_share = share_of(figures.wait_ns, figures.lifetime_ns);
    return judge({process}).kind;
  };
  EXPECT_EQ(judge_one(20, 200), VerdictKind::Bottleneck);
  EXPECT_EQ(judge_one(20, 201), VerdictKind::NoBottleneck);
  EXPECT_EQ(judge_one(19, 100), VerdictKind::NoBottleneck);
}

// A thread that had no CPU for a moment, with the GIL, makes another one wait once.
TEST(RunVerdict, rests_on_no_single_wait_unless_that_was_long) {
  const auto judge_one = [](int waited_ms, int longest_ms, int lifetime_ms) {
    auto process = plain_process(500, waited_ms);
    auto& figures = process.threads.back().figures;
    figures.wait = DurationFigures{.max_ns = longest_ms * kMsTime};
    figures.lifetime_ns = lifetime_ms * kMsTime;
    return judge({process}).kind;
  };
  EXPECT_EQ(judge_one(49, 49, 100), VerdictKind::NoBottleneck);
  EXPECT_EQ(judge_one(50, 50, 100), VerdictKind::Bottleneck);
  EXPECT_EQ(judge_one(50, 30, 200), VerdictKind::Bottleneck);
  EXPECT_EQ(judge_one(50, 31, 200), VerdictKind::NoBottleneck);
  EXPECT_EQ(judge_one(130, 30, 2000), VerdictKind::Bottleneck);
  EXPECT_EQ(judge_one(129, 30, 2000), VerdictKind::NoBottleneck);
}

TEST(RunVerdict, is_of_the_process_that_suffers_and_no_mean_of_all) {
  const auto verdict =
      judge({plain_process(900, 0, 1), plain_process(300, 150, 2), plain_process(900, 0, 3)});
  EXPECT_EQ(verdict.kind, VerdictKind::Bottleneck);
  EXPECT_EQ(verdict.pid, 2);
  EXPECT_DOUBLE_EQ(*verdict.waiters, 0.15);
}

TEST(RunVerdict, is_one_thread_only_where_no_other_one_used_the_gil) {
  auto process = plain_process(400, 0);
  process.cpu_ns = 500 * kMsTime;
  EXPECT_EQ(judge({process}).kind, VerdictKind::NoBottleneck);
  process.threads.pop_back();
  EXPECT_EQ(judge({process}).kind, VerdictKind::OneThread);
  EXPECT_DOUBLE_EQ(*judge({process}).ceiling, 2.5);
  EXPECT_EQ(judge({process, process}).kind, VerdictKind::NoBottleneck);
}

TEST(RunVerdict, has_a_ceiling_only_where_there_is_work_to_speed_up) {
  auto process = plain_process(10, 0);
  process.threads.pop_back();
  process.cpu_ns = 499 * kMsTime;
  EXPECT_FALSE(judge({process}).ceiling) << "it sleeps";
  process.cpu_ns.reset();
  EXPECT_FALSE(judge({process}).ceiling);
  process.cpu_ns = 500 * kMsTime;
  EXPECT_TRUE(judge({process}).ceiling);
}

TEST(RunFindings, that_explain_most_come_first_and_of_a_kind_at_most_three) {
  std::vector<BlameRow> rows;
  for (unsigned i = 1; i <= 5; ++i) {
    rows.push_back(blame_row(
        {.line = i, .caused_ms = 50 + 10 * static_cast<int>(i), .late_ms = 50 + 10 * static_cast<int>(i)}));
  }
  const auto run = judged({judged_process(rows, {light_thread()})});
  ASSERT_EQ(run.findings.size(), 3U);
  EXPECT_EQ(run.findings[0].place->line, 5U);
  EXPECT_EQ(run.findings[2].place->line, 3U);
  EXPECT_DOUBLE_EQ(*run.findings[0].share, 0.25);
  EXPECT_DOUBLE_EQ(*run.verdict.explained, 0.675);
}

// 63 of 538 ms: what was found explains little, and the general advice is given.
TEST(RunFindings, that_explain_little_do_not_silence_what_is_said_of_the_run) {
  std::vector rows{blame_row({.caused_ms = 63, .late_ms = 63})};
  for (unsigned line = 20; line < 39; ++line) {  // each too seldom to be named
    rows.push_back(blame_row({.thread = ThreadId{line % 2 == 0 ? 1U : 3U},
                              .line = line,
                              .holds = 1,
                              .forced = 1,
                              .late = 1,
                              .caused_ms = 25,
                              .late_ms = 25,
                              .longest_ms = 25}));
  }
  const auto run = judged({judged_process(rows, {light_thread()})});
  ASSERT_EQ(found_in(run), (std::vector{FindingKind::KeptByC, FindingKind::ComputingThreads}));
  EXPECT_FALSE(run.findings[1].pid);
  EXPECT_NEAR(*run.verdict.explained, 0.117, 0.001);

  for (auto& row : rows) row.thread = kHolder;
  EXPECT_EQ(found_in(judged({judged_process(rows, {light_thread()})})), std::vector{FindingKind::KeptByC})
      << "one thread is not several that compute at once";
  rows.resize(1);
  rows.push_back(blame_row(
      {.line = 20, .holds = 9, .forced = 0, .late = 0, .caused_ms = 475, .late_ms = 0, .longest_ms = 1}));
  EXPECT_EQ(found_in(judged({judged_process(rows, {light_thread()})})),
            (std::vector{FindingKind::KeptByC, FindingKind::FrequentReleases}));
}

// As it was recorded, of 72 ms, in microseconds: two threads compute, start() and join() hand the GIL over
// more often than they do, and twice one of them lost its CPU, which is too seldom to be told by itself.
TEST(RunFindings, of_a_short_run_are_weighed_by_time_and_not_by_hand_offs) {
  std::vector<Event> events{test::acquire(0, 1)};
  std::uint64_t now = 0;
  unsigned holder = 1;
  const auto hand_over = [&](unsigned to, unsigned waited_us) {
    events.push_back(test::request(now + 10, to));
    for (unsigned at = 5000; at < waited_us; at += 5000) events.push_back(test::timeout(now + 10 + at, to));
    now += 10 + waited_us;
    events.push_back(test::release(now, holder));
    events.push_back(test::acquire(now += 5, to));
    holder = to;
  };
  for (const unsigned starting : {2U, 1U, 2U, 1U, 3U, 1U, 3U}) hand_over(starting, 40);
  hand_over(2, 5020);
  hand_over(3, 5020);
  hand_over(2, 25'000);
  hand_over(3, 25'000);
  hand_over(2, 5020);
  for (const unsigned joined : {1U, 3U, 1U}) hand_over(joined, 40);

  GilMachine machine;
  BlameRecord blame;
  Blame spans;
  const auto computing = blame.stacks.add({blame.stacks.add({"/srv/app.py", "compute", 7})});
  for (const auto& event : events) {
    machine.apply(event);
    const bool is_computing = event.kind == EventKind::Release && event.thread != ThreadId{1};
    spans.apply(event, is_computing ? std::optional(computing) : std::nullopt);
  }
  blame.spans = spans.spans(now);
  blame.switch_intervals = spans.switch_intervals();
  const auto run = summarize_run({.processes = {{.pid = 1,
                                                 .wall = std::chrono::microseconds(now),
                                                 .tick = {.ns = 1000},
                                                 .figures = machine.snapshot(now),
                                                 .threads = {{.id = ThreadId{2}, .cpu = 40 * kMsTime},
                                                             {.id = ThreadId{3}, .cpu = 40 * kMsTime}},
                                                 .blame = blame}}});
  const auto& gil = run.processes.front().gils.front();
  ASSERT_LT(2 * gil.forced, gil.handoffs);
  ASSERT_EQ(run.verdict.kind, VerdictKind::Bottleneck);
  ASSERT_LT(run.verdict.explained, 0.5);
  EXPECT_EQ(run.findings.back().kind, FindingKind::ComputingThreads);
  EXPECT_FALSE(run.findings.back().pid);
}

TEST(RunFindings, go_by_hand_offs_where_nothing_else_is_known) {
  auto process = plain_process(900, 500);
  EXPECT_EQ(found_in(judged({process})), std::vector{FindingKind::ComputingThreads});
  process.gils[0].forced = 4;
  EXPECT_EQ(found_in(judged({process})), std::vector{FindingKind::FrequentReleases});
}

// What the machine did to the program comes after what the program does.
TEST(RunFindings, that_a_lack_of_cpu_explains_come_after_those_of_the_program) {
  auto holder = heavy_thread(kHolder, 400);
  const std::vector rows{blame_row({.caused_ms = 150, .late_ms = 150}), computing_row(kHolder, {kWaiter})};
  const auto first = [&](Nanoseconds cpu) {
    holder.cpu_ns = cpu;
    return found_in(judged({judged_process(rows, {holder, light_thread()})})).at(0);
  };
  EXPECT_EQ(first(400 * kMsTime), FindingKind::KeptByC);
  EXPECT_EQ(first(300 * kMsTime), FindingKind::Convoy);
  EXPECT_EQ(first(1 * kMsTime), FindingKind::KeptByC)
      << "nobody takes a CPU away for so long: the call sleeps";
}

TEST(RunFindings, of_a_hold_that_never_ended_come_before_all_others) {
  auto open =
      blame_row({.holds = 1, .forced = 0, .late = 1, .caused_ms = 600, .late_ms = 600, .longest_ms = 600});
  open.to.reset();
  open.stack.clear();
  const auto run = judged({judged_process({blame_row({.caused_ms = 900, .late_ms = 900}), open})});
  EXPECT_EQ(found_in(run), (std::vector{FindingKind::NeverReleased, FindingKind::KeptByC}));
}

TEST(RunFindings, of_the_same_line_in_several_processes_are_one) {
  const auto process = [](std::int64_t pid, int caused_ms) {
    return judged_process({blame_row({.caused_ms = caused_ms, .late_ms = caused_ms})}, {}, pid);
  };
  const auto run = judged({process(1, 100), process(2, 200), process(3, 150)});
  ASSERT_EQ(found_in(run), std::vector{FindingKind::KeptByC});
  EXPECT_EQ(run.findings[0].pid, 2);
  EXPECT_EQ(run.findings[0].processes, 3U);
  EXPECT_EQ(run.findings[0].lost, 450 * kMsTime);
  EXPECT_EQ(run.findings[0].count, 9U);
}

// A convoy of a moment, in a run that waits for nothing else.
TEST(RunFindings, without_a_culprit_are_told_of_a_bottleneck_only) {
  auto process = judged_process({computing_row(kHolder, {kWaiter})}, {heavy_thread(), light_thread()});
  EXPECT_EQ(found_in(judged({process})), (std::vector{FindingKind::Convoy, FindingKind::SwitchInterval}));
  process.wall_ns = 100'000 * kMsTime;
  for (auto& thread : process.threads) thread.figures.wait_share = 0.01;
  EXPECT_EQ(found_in(judged({process})), std::vector{FindingKind::NoBottleneck});
}

TEST(RunFindings, of_the_whole_run_say_where_the_time_goes) {
  const auto kind = [](int held_ms, std::optional<int> cpu_ms) {
    auto process = plain_process(held_ms, 30);
    if (cpu_ms) process.cpu_ns = *cpu_ms * kMsTime;
    return found_in(judged({process})).at(0);
  };
  EXPECT_EQ(kind(500, 500), FindingKind::NoBottleneck);
  EXPECT_EQ(kind(200, 499), FindingKind::IoBound);
  EXPECT_EQ(kind(200, std::nullopt), FindingKind::IoBound);
  EXPECT_EQ(kind(200, 500), FindingKind::ReleasedByC);
  EXPECT_EQ(kind(300, 500), FindingKind::NoBottleneck) << "most of the CPU time had the GIL";

  auto alone = plain_process(500, 0);
  alone.threads.pop_back();
  EXPECT_EQ(found_in(judged({alone})), std::vector{FindingKind::LittleToGain});
  alone.cpu_ns = 250 * kMsTime;
  EXPECT_EQ(found_in(judged({alone})), std::vector{FindingKind::LittleToGain});
  alone.cpu_ns = 249 * kMsTime;
  EXPECT_EQ(found_in(judged({alone})), std::vector{FindingKind::HeldAsleep});
  alone.cpu_wait_ns = 1 * kMsTime;
  EXPECT_EQ(found_in(judged({alone})), std::vector{FindingKind::LittleToGain}) << "it wanted one";

  const auto found = judged({plain_process(800, 30)}).findings;
  EXPECT_FALSE(found[0].pid);
  EXPECT_FALSE(found[0].gil);
  EXPECT_EQ(found[0].count, 10U);
  EXPECT_EQ(found[0].lost, 30 * kMsTime);
  EXPECT_EQ(found[0].hold_share, 0.8);
  EXPECT_EQ(found[0].at_most, 1.25);
}

// Four workers of pure Python: each one's CPU time had its own GIL.
TEST(RunFindings, set_the_cpu_time_of_each_process_against_its_own_gil) {
  std::vector<ProcessSummary> processes;
  for (std::int64_t pid = 1; pid <= 4; ++pid) {
    processes.push_back(plain_process(400, 0, pid));
    processes.back().cpu_ns = 400 * kMsTime;
  }
  EXPECT_EQ(found_in(judged(processes)), std::vector{FindingKind::IoBound});
  processes.back().cpu_ns = 2000 * kMsTime;  // and one that is busy without it
  EXPECT_EQ(found_in(judged(processes)), std::vector{FindingKind::ReleasedByC});
}

TEST(RunFindings, of_a_moment_are_those_of_a_bottleneck_only) {
  auto process = plain_process(900, 30);
  process.wall_ns = kLeastRun - Nanoseconds(1);
  process.gils[0].wait_ns = Nanoseconds{};
  for (auto& thread : process.threads) thread.figures.wait_share = 0.0;
  EXPECT_TRUE(judged({process}).findings.empty());
  process.gils[0].wait_ns = 50 * kMsTime;
  EXPECT_EQ(judged({process}).findings.size(), 1U);
}

// A summary that somebody else wrote may tell of anything.
TEST(RunFindings, of_impossible_figures_are_made_all_the_same) {
  constexpr std::uint64_t kMany = std::numeric_limits<std::int64_t>::max();
  std::vector<NamedThread> threads;
  std::vector<BlameRow> rows;
  for (const unsigned id : {1U, 2U, 3U, 4U}) {
    auto row = id == 1 ? computing_row(kHolder, {kWaiter}) : blame_row({.thread = ThreadId{id}, .line = 23});
    row.holds = row.late_holds = kMany;
    row.forced = id == 1 ? kMany : 0;
    row.hold_ns = row.caused_wait_ns = row.max_hold_ns = row.max_wait_ns = row.late_wait_ns =
        Nanoseconds::max();
    for (auto& waiter : row.waiters) waiter.wait_ns = Nanoseconds::max();
    rows.push_back(row);
    threads.push_back(light_thread(ThreadId{id}));
    auto& figures = threads.back().figures;
    figures.holds = figures.waits = figures.voluntary = kMany;
    figures.hold_ns = figures.wait_ns = figures.lifetime_ns = Nanoseconds::max();
    threads.back().cpu_ns = Nanoseconds::zero();
  }
  auto process = judged_process(rows, threads);
  process.gils[0].switch_interval = Nanoseconds::max();
  process.gils[0].handoffs = kMany;
  process.cpu_ns = Nanoseconds::max();
  EXPECT_FALSE(judged({process}).findings.empty());
  for (auto& row : *process.blame) row.late_holds = 0;
  EXPECT_TRUE(judged({process}).findings.empty()) << "who waited for a late hold, and there was none?";
}

TEST(RunFindings, are_none_of_a_run_without_figures) {
  RunSummary run;
  run.verdict.kind = VerdictKind::NoGil;
  EXPECT_TRUE(find_in_run(run).empty());
  run.verdict.kind = VerdictKind::NothingRecorded;
  EXPECT_TRUE(find_in_run(run).empty());
  EXPECT_EQ(judge({}).kind, VerdictKind::NothingRecorded);
}

// Waits of a twentieth of the time make no bottleneck; but somebody keeps it.
TEST(RunFindings, do_not_leave_the_gil_as_it_is_where_somebody_keeps_it) {
  auto holder = heavy_thread();
  auto waiter = light_thread();
  holder.figures.wait_ns = {};
  waiter.figures.wait_ns = 60 * kMsTime;
  waiter.figures.lifetime_ns = 1000 * kMsTime;
  const auto of = [&](const BlameRow& row) {
    return found_in(judged({judged_process({row}, {holder, waiter})}));
  };
  EXPECT_EQ(of(blame_row({.caused_ms = 60, .late_ms = 60})), std::vector{FindingKind::KeptByC});
  EXPECT_EQ(of(blame_row({.late = 0, .caused_ms = 60, .late_ms = 0})),
            std::vector{FindingKind::NoBottleneck});
}

// A collection now and then is every program's.
TEST(RunFindings, have_no_collection_that_came_once_and_was_short) {
  const auto of = [](std::uint64_t times, int longest_ms) {
    auto row = blame_row(
        {.holds = times, .forced = 0, .late = 0, .caused_ms = 300, .late_ms = 0, .longest_ms = longest_ms});
    row.work = HeldWork{.kind = WorkKind::Collection, .name = "generation 2"};
    return found_in(judged({judged_process({row}, {heavy_thread(), light_thread()})}));
  };
  EXPECT_TRUE(of(2, 49).empty());
  EXPECT_EQ(of(2, 50), std::vector{FindingKind::GarbageCollection});
  EXPECT_EQ(of(3, 49), std::vector{FindingKind::GarbageCollection});
}

}  // namespace
}  // namespace gilscope
