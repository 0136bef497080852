// Whether there was a CPU for who wanted one.
#include "analysis/judge_cpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/judge_causes.h"
#include "analysis/judge_run.h"
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

// Of a thread that held the GIL for 400 ms, during which others waited 90 ms for late holds.
std::optional<CpuOfHolds> lack_of(int cpu_ms, int waited_ms, const test::Holds& holds = {}) {
  auto holder = heavy_thread(kHolder, 400);
  holder.cpu_ns = cpu_ms * kMsTime;
  holder.cpu_wait_ns = waited_ms * kMsTime;
  const std::vector processes{judged_process({blame_row(holds)}, {holder})};
  return find_lack_of_cpu(find_causes(gather_facts(processes).at(0)).at(0), processes.front());
}

TEST(LackOfCpu, is_what_a_thread_waited_for_a_cpu_and_a_sleep_where_it_did_not) {
  ASSERT_TRUE(lack_of(100, 300));
  EXPECT_FALSE(is_sleep(*lack_of(100, 300)));
  EXPECT_FALSE(is_sleep(*lack_of(100, 150)));
  EXPECT_TRUE(is_sleep(*lack_of(100, 149))) << "it did not want one for more than half of the time";
  EXPECT_FALSE(is_sleep(*lack_of(1, 399))) << "though it had next to none";
}

// It may have been in the queue just then, though it used a CPU at other times: without the GIL.
TEST(LackOfCpu, is_none_of_a_thread_that_was_in_the_queue_for_one_for_less_than_half_of_what_others_waited) {
  const test::Holds holds{.caused_ms = 45, .late_ms = 45, .longest_ms = 15};
  EXPECT_FALSE(lack_of(378, 22, holds));
  EXPECT_TRUE(lack_of(377, 23, holds));
  EXPECT_TRUE(lack_of(450, 23, holds));
}

TEST(LackOfCpu, is_none_where_one_call_is_long_without_all_waiting_for_one) {
  const test::Holds once{
      .holds = 1, .forced = 1, .late = 1, .caused_ms = 150, .late_ms = 150, .longest_ms = 150};
  EXPECT_FALSE(lack_of(300, 100, once));
  EXPECT_TRUE(lack_of(299, 101, once));
}

// A call in C of 150 ms that had a CPU for a third of it took 50 ms.
TEST(LackOfCpu, is_none_where_the_call_is_long_on_an_idle_machine_too) {
  const test::Holds holds{.caused_ms = 450, .late_ms = 450, .longest_ms = 150};
  EXPECT_FALSE(lack_of(133, 267, holds));
  EXPECT_TRUE(lack_of(20, 380, holds)) << "Python code of 7 ms";
  EXPECT_TRUE(lack_of(
      133, 267, {.holds = 2, .forced = 2, .late = 2, .caused_ms = 300, .late_ms = 300, .longest_ms = 150}))
      << "two may be chance";
}

// Where the system does not tell who was in the queue for a CPU.
TEST(LackOfCpu, is_a_sleep_of_a_thread_without_cpu_time_and_of_one_with_less_a_lack_of_it) {
  const auto lack = [](std::optional<Nanoseconds> cpu) {
    auto holder = heavy_thread(kHolder, 400);
    holder.cpu_ns = cpu;
    const std::vector processes{judged_process({blame_row({})}, {holder})};
    return find_lack_of_cpu(find_causes(gather_facts(processes).at(0)).at(0), processes.front());
  };
  EXPECT_FALSE(lack(std::nullopt));
  EXPECT_FALSE(lack(356 * kMsTime)) << "others waited 90 ms";
  ASSERT_TRUE(lack(355 * kMsTime));
  EXPECT_FALSE(is_sleep(*lack(355 * kMsTime)));
  EXPECT_FALSE(is_sleep(*lack(31 * kMsTime))) << "others take a CPU from it";
  EXPECT_TRUE(is_sleep(*lack(30 * kMsTime)));
}

// Threads that are no Python's own have no times: they had what the process had.
TEST(LackOfCpu, of_a_thread_of_which_nobody_told_is_that_of_its_process) {
  const auto lack = [](int cpu_ms, int waited_ms) {
    auto process = judged_process({blame_row({})}, {heavy_thread(kHolder, 400)});
    process.cpu_ns = cpu_ms * kMsTime;
    process.cpu_wait_ns = waited_ms * kMsTime;
    const std::vector processes{process};
    return find_lack_of_cpu(find_causes(gather_facts(processes).at(0)).at(0), processes.front());
  };
  ASSERT_TRUE(lack(100, 300));
  EXPECT_EQ(lack(100, 300)->cpu, 100 * kMsTime);
  EXPECT_EQ(lack(100, 300)->cpu_wait, 300 * kMsTime);
  EXPECT_FALSE(lack(350, 50));
}

// The collector loses its CPU as anybody does.
TEST(LackOfCpu, explains_a_collection_that_would_have_been_short) {
  const auto lack = [](std::uint64_t times) {
    auto holder = heavy_thread(kHolder, 400);
    holder.cpu_ns = 100 * kMsTime;
    holder.cpu_wait_ns = 300 * kMsTime;
    auto row = blame_row({.holds = times, .forced = times, .late = times, .caused_ms = 300, .late_ms = 300});
    row.work = HeldWork{.kind = WorkKind::Collection, .name = "0"};
    const std::vector processes{judged_process({row}, {holder})};
    return find_lack_of_cpu(find_causes(gather_facts(processes).at(0)).at(0), processes.front());
  };
  EXPECT_TRUE(lack(1));
  EXPECT_FALSE(lack(3)) << "25 ms each with a CPU";
}

ProcessSummary process_with(int cpu_ms, std::optional<int> waited_ms, std::int64_t pid = 1) {
  auto process = judged_process({}, {}, pid);
  process.cpu_ns = cpu_ms * kMsTime;
  if (waited_ms) process.cpu_wait_ns = *waited_ms * kMsTime;
  return process;
}

TEST(Starved, is_a_process_that_had_a_cpu_for_less_than_three_quarters_of_the_time_it_wanted_one) {
  EXPECT_FALSE(find_starved({process_with(600, 200)}));
  const auto found = find_starved({process_with(350, 650)});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, FindingKind::LackOfCpu);
  EXPECT_EQ(found->pid, 1);
  EXPECT_EQ(found->longest, 650 * kMsTime);
  EXPECT_DOUBLE_EQ(*found->cpu_share, 0.35);
  EXPECT_FALSE(find_starved({process_with(350, std::nullopt)})) << "not known";
  EXPECT_FALSE(find_starved({process_with(10, 99)})) << "it wanted none for most of the time";
  auto brief = process_with(10, 80);
  brief.wall_ns = 99 * kMsTime;
  EXPECT_FALSE(find_starved({brief}));
}

TEST(Starved, is_told_by_the_process_that_waited_longest) {
  const auto found =
      find_starved({process_with(100, 300, 1), process_with(100, 500, 2), process_with(900, 100, 3)});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pid, 2);
  EXPECT_EQ(found->processes, 2U);
}

RunSummary judged_alone(const ProcessSummary& process) {
  RunSummary run;
  run.processes = {process};
  run.wall_ns = process.wall_ns;
  run.verdict = judge(run.processes);
  run.findings = find_in_run(run);
  return run;
}

// One cause, told first: late holds of a thread that did not run, and what a shorter interval would save, are
// not said.
TEST(Starved, explains_what_the_machine_did_and_nothing_that_the_program_does) {
  constexpr ThreadId kComputer{3};
  auto holder = heavy_thread(kHolder, 400);
  auto computer = heavy_thread(kComputer, 400);
  holder.cpu_ns = computer.cpu_ns = 20 * kMsTime;
  holder.cpu_wait_ns = computer.cpu_wait_ns = 380 * kMsTime;
  auto process = judged_process({blame_row({}), computing_row(kComputer, {kWaiter}, 100, 8)},
                                {holder, computer, light_thread()});
  process.cpu_ns = 20 * kMsTime;
  process.cpu_wait_ns = 400 * kMsTime;
  const auto run = judged_alone(process);
  ASSERT_EQ(test::kinds_of(run.findings), (std::vector{FindingKind::LackOfCpu, FindingKind::Convoy}));
  EXPECT_EQ(run.findings[0].lost, 90 * kMsTime);
  EXPECT_DOUBLE_EQ(*run.verdict.explained, 1);
  process.cpu_wait_ns.reset();
  EXPECT_EQ(test::kinds_of(judged_alone(process).findings),
            (std::vector{FindingKind::Convoy, FindingKind::KeptByC, FindingKind::SwitchInterval}));
}

std::vector<FindingKind> kinds_when_starved(ProcessSummary process) {
  process.cpu_ns = 20 * kMsTime;
  process.cpu_wait_ns = 400 * kMsTime;
  return test::kinds_of(judged_alone(process).findings);
}

// A thread that computes does so again and again.
TEST(Starved, explains_that_a_thread_was_asked_for_the_gil_once_or_twice) {
  const auto kinds_of_holds = [](std::uint64_t holds) {
    auto row = computing_row(kHolder, {kWaiter}, 110);
    row.holds = row.forced = holds;
    return kinds_when_starved(judged_process({row}, {heavy_thread(), light_thread()}));
  };
  EXPECT_EQ(kinds_of_holds(2), std::vector{FindingKind::LackOfCpu});
  EXPECT_EQ(kinds_of_holds(3), (std::vector{FindingKind::LackOfCpu, FindingKind::Convoy}));
}

// They wait for a lock of their own most of the time, and for the GIL for longer than on an idle machine.
TEST(Starved, explains_what_threads_waited_that_do_not_want_the_gil_for_most_of_their_lives) {
  const auto kinds_of_lives = [](int lived_ms) {
    std::vector<NamedThread> threads;
    for (const auto id : {kHolder, kWaiter}) {
      auto& figures = threads.emplace_back(heavy_thread(id, 300)).figures;  // waited 100 ms
      figures.lifetime_ns = lived_ms * kMsTime;
    }
    return kinds_when_starved(judged_process(
        {computing_row(kHolder, {kWaiter}), computing_row(kWaiter, {kHolder}, 100, 8)}, threads));
  };
  EXPECT_EQ(kinds_of_lives(801), std::vector{FindingKind::LackOfCpu});
  EXPECT_EQ(kinds_of_lives(800), (std::vector{FindingKind::LackOfCpu, FindingKind::ComputingThreads}));
}

// It did not wait for I/O, but for a CPU.
TEST(Starved, or_nearly_so_it_is_busy_for_as_long_as_it_wanted_a_cpu) {
  auto process = process_with(400, 100);
  process.gils.front() = {.hold_ns = 100 * kMsTime, .hold_share = 0.1};
  EXPECT_EQ(test::kinds_of(judged_alone(process).findings), std::vector{FindingKind::ReleasedByC});
  process.cpu_wait_ns = 99 * kMsTime;
  EXPECT_EQ(test::kinds_of(judged_alone(process).findings), std::vector{FindingKind::IoBound});
}

}  // namespace
}  // namespace gilscope
