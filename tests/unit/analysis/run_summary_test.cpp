#include "analysis/run_summary.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "analysis/event_lists.h"
#include "analysis/gil_machine.h"
#include "analysis/process_records.h"

namespace gilscope {
namespace {

using test::kMillisecondTicks;
using test::make_process;
using VerdictKind = RunVerdict::Kind;

RunSummary summarize_one(const std::vector<test::RowSpec>& rows) {
  return summarize_run({.processes = {make_process(10, rows)}});
}

TEST(RunSummary, of_nothing_says_why_there_is_nothing) {
  EXPECT_EQ(summarize_run({.has_gil = false}).verdict.kind, VerdictKind::NoGil);
  const auto summary = summarize_run({.pair_cost_ns = 20.0});
  EXPECT_EQ(summary.verdict.kind, VerdictKind::NothingRecorded);
  EXPECT_FALSE(summary.verdict.wait_share);
  EXPECT_FALSE(summary.verdict.ceiling);
  EXPECT_FALSE(summary.cpu_ns);
  EXPECT_FALSE(summary.wall_ns) << "an unknown is null, never 0";
  EXPECT_FALSE(summary.probe.cost_share);
  EXPECT_EQ(summary.probe.events, 0U);
}

// Two threads fight over the GIL, twenty others sleep.
TEST(RunVerdict, has_the_wait_share_of_the_busy_threads) {
  std::vector<test::RowSpec> rows;
  for (unsigned thread = 1; thread <= 2; ++thread) {
    rows.push_back({.thread = thread,
                    .holds = 9,
                    .hold_ticks = 50 * kMillisecondTicks,
                    .waits = 9,
                    .wait_ticks = 45 * kMillisecondTicks});
  }
  for (unsigned thread = 3; thread <= 22; ++thread)
    rows.push_back({.thread = thread, .holds = 1, .hold_ticks = 100});
  const auto verdict = summarize_one(rows).verdict;
  EXPECT_EQ(verdict.kind, VerdictKind::Bottleneck);
  EXPECT_DOUBLE_EQ(*verdict.wait_share, 0.45);
}

TEST(RunVerdict, takes_a_thread_for_busy_from_a_hundredth_of_its_process_time_on) {
  const auto share = [](std::uint64_t hold_ticks) {
    return *summarize_one({{.thread = 1,
                            .holds = 1,
                            .hold_ticks = 50 * kMillisecondTicks,
                            .waits = 1,
                            .wait_ticks = 10 * kMillisecondTicks},
                           {.thread = 2, .holds = 1, .hold_ticks = hold_ticks}})
                .verdict.wait_share;
  };
  EXPECT_DOUBLE_EQ(share(kMillisecondTicks), 0.05);
  EXPECT_DOUBLE_EQ(share(kMillisecondTicks - 1), 0.1);
}

TEST(RunSummary, has_the_switch_interval_that_waiters_showed) {
  auto record = make_process(10, {{.thread = 1, .gil = 1, .holds = 1, .hold_ticks = 100}});
  record.blame.emplace();
  record.blame->switch_intervals[GilId{1}] = 5'100'000;
  record.tick.ns = 2;
  const auto gils = summarize_run({.processes = {record}}).processes.front().gils;
  EXPECT_FALSE(gils.at(0).switch_interval);
  EXPECT_EQ(gils.at(1).switch_interval, Nanoseconds(10'200'000));
}

// Whatever a real list of events is: as many as the probe handed over.
TEST(RunSummary, counts_the_events_that_there_were) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto events = test::simulate(seed);
    GilMachine machine;
    // Made so by the simulation: a GIL that nobody holds at first.
    for (unsigned gil = 0; gil < 3; ++gil) machine.begin(GilId{gil}, std::nullopt, 0);
    for (const auto& event : events) machine.apply(event);
    ProcessRecord record{.pid = 1, .wall = Nanoseconds(1), .figures = machine.snapshot(events.back().ticks)};
    EXPECT_EQ(summarize_run({.processes = {record, record}}).probe.events, 2 * events.size()) << seed;
  }
}

TEST(RunSummary, has_the_cost_of_all_pairs_as_a_share_of_all_time) {
  auto first = make_process(10, {{.thread = 1, .holds = 1000, .hold_ticks = kMillisecondTicks}});
  auto second = make_process(11, {{.thread = 2, .holds = 3000, .hold_ticks = kMillisecondTicks}});
  second.wall = Nanoseconds(300 * kMillisecondTicks);
  const auto cost = summarize_run({.processes = {first, second}, .pair_cost_ns = 25.0}).probe;
  EXPECT_DOUBLE_EQ(*cost.pair_cost_ns, 25.0);
  EXPECT_DOUBLE_EQ(*cost.cost_share, 4000 * 25.0 / 400e6);
  const auto unknown = summarize_run({.processes = {first, second}}).probe;
  EXPECT_FALSE(unknown.pair_cost_ns);
  EXPECT_FALSE(unknown.cost_share);
  first.wall = {};
  EXPECT_FALSE(summarize_run({.processes = {first}, .pair_cost_ns = 25.0}).probe.cost_share);
}

// Of 1,000 holds, 10 acquires that were timed stand for 610; the other 390 cost what a quiet pair does.
TEST(RunSummary, has_the_time_that_hooks_took_of_what_was_timed_and_of_what_was_not) {
  auto record = make_process(10, {{.thread = 1, .holds = 1000, .hold_ticks = kMillisecondTicks}});
  record.hooks = {.timed = 30, .acquires = 10, .ticks = 6000, .work_ticks = 5000};
  RecordedRun run{.processes = {record}, .pair_cost_ns = 20.0, .readings = Nanoseconds(700)};
  const auto probe = summarize_run(run).probe;
  EXPECT_EQ(probe.hooks_ns, Nanoseconds(390 * 20 + 61 * 6000));
  EXPECT_EQ(probe.elsewhere_ns, Nanoseconds(5700));
  EXPECT_DOUBLE_EQ(*probe.cost_share, (390 * 20 + 61 * 6000 + 5700) / 100e6);
  // A sample may be too large: no pair costs less than nothing.
  run.processes.front().hooks.acquires = 17;
  EXPECT_EQ(summarize_run(run).probe.hooks_ns, Nanoseconds(61 * 6000));
  // What a damaged capture tells is much, and no less than nothing.
  run.processes.front().hooks.ticks = std::uint64_t{1} << 62U;
  EXPECT_GT(summarize_run(run).probe.hooks_ns, std::chrono::hours(24));
  run.pair_cost_ns.reset();
  EXPECT_FALSE(summarize_run(run).probe.hooks_ns);
  EXPECT_FALSE(summarize_run(run).probe.elsewhere_ns);
}

TEST(RunSummary, is_contended_where_threads_wait_a_thousand_times_a_second) {
  const auto is_contended = [](std::uint64_t waits) {
    auto quiet = make_process(11, {{.thread = 3, .holds = 5, .hold_ticks = 5}});
    auto busy =
        make_process(10, {{.thread = 1, .holds = 200, .hold_ticks = 9, .waits = waits / 2, .wait_ticks = 9},
                          {.thread = 2, .holds = 200, .hold_ticks = 9, .waits = waits / 2, .wait_ticks = 9}});
    return summarize_run({.processes = {quiet, busy}}).probe.is_contended;
  };
  EXPECT_FALSE(is_contended(100));  // in 100 ms
  EXPECT_TRUE(is_contended(102));
}

TEST(RunSummary, knows_how_many_threads_live_on_with_a_gil_and_without) {
  auto record = make_process(10, {{.thread = 1, .holds = 1, .hold_ticks = 1}});
  record.threads = {{.id = ThreadId{1}, .has_outlived = true},
                    {.id = ThreadId{2}, .has_outlived = true},
                    {.id = ThreadId{3}}};
  EXPECT_EQ(summarize_run({.processes = {record}}).processes.front().living_threads, 1U) << "that used one";
  record.figures = {};
  EXPECT_EQ(summarize_run({.processes = {record}, .has_gil = false}).processes.front().living_threads, 2U);
}

TEST(RunSummary, sums_what_was_dropped) {
  auto first = make_process(10, {{.thread = 1, .holds = 1, .hold_ticks = 1}});
  auto second = first;
  first.figures.lost_events = 3;
  second.figures.lost_events = 4;
  EXPECT_EQ(summarize_run({.processes = {first, second}}).probe.dropped, 7U);
}

TEST(RunSummary, knows_the_cpu_time_only_where_every_process_knows_its_own) {
  auto first = make_process(10, {{.thread = 1, .holds = 1, .hold_ticks = 1}});
  auto second = first;
  first.cpu = Nanoseconds(5);
  EXPECT_FALSE(summarize_run({.processes = {first, second}}).cpu_ns);
  EXPECT_FALSE(summarize_run({.processes = {second, first}}).cpu_ns);
  second.cpu = Nanoseconds(7);
  EXPECT_EQ(summarize_run({.processes = {first, second}}).cpu_ns, Nanoseconds(12));
}

TEST(RunSummary, has_the_wall_time_of_the_first_process) {
  auto first = make_process(10, {{.thread = 1, .holds = 1, .hold_ticks = 1}});
  auto longer = first;
  longer.wall *= 2;
  EXPECT_EQ(summarize_run({.processes = {first, longer}}).wall_ns, first.wall);
}

TEST(RunSummary, gives_each_thread_its_name_and_cpu_time) {
  auto record = make_process(10, {{.thread = 1, .holds = 1, .hold_ticks = 1},
                                  {.thread = 2, .holds = 1, .hold_ticks = 1},
                                  {.thread = 1, .gil = 1, .holds = 1, .hold_ticks = 1},
                                  {.thread = 3, .holds = 1, .hold_ticks = 1}});
  record.figures.threads.back().thread.reset();  // merged
  record.threads = {{.id = ThreadId{1}, .name = "one", .cpu = Nanoseconds(11)},
                    {.id = ThreadId{9}, .name = "never held it"},
                    {.id = ThreadId{0}, .name = "nobody"}};
  const auto threads = summarize_run({.processes = {record}}).processes.front().threads;
  ASSERT_EQ(threads.size(), 4U);
  EXPECT_EQ(threads[0].name, "one");
  EXPECT_EQ(threads[0].cpu_ns, Nanoseconds(11));
  EXPECT_EQ(threads[1].name, "");
  EXPECT_FALSE(threads[1].cpu_ns);
  EXPECT_EQ(threads[2].name, "one") << "the same thread on another GIL";
  EXPECT_EQ(threads[3].name, "");
}

TEST(RunSummary, turns_ticks_into_time_by_each_process_own_length) {
  auto record = make_process(10, {{.thread = 1, .holds = 2, .hold_ticks = 1000}});
  record.tick = {.ns = 0.5};
  record.role = ProcessRole::Spawn;
  const auto process = summarize_run({.processes = {record}}).processes.front();
  EXPECT_EQ(process.threads.front().figures.hold_ns, Nanoseconds(500));
  EXPECT_EQ(process.gils.front().hold_ns, Nanoseconds(500));
  EXPECT_DOUBLE_EQ(*process.gils.front().hold_share, 500.0 / 100e6);
  EXPECT_EQ(process.role, ProcessRole::Spawn);
}

}  // namespace
}  // namespace gilscope
