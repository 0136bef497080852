#include "analysis/run_change.h"

#include <gtest/gtest.h>

#include "analysis/process_records.h"

namespace gilscope {
namespace {

using test::kMillisecondTicks;
using test::make_process;
using test::RowSpec;

RunSummary run_of(const std::vector<ProcessRecord>& processes) {
  return summarize_run({.processes = processes, .exit_code = 0});
}

// One thread that waited so long in a run of 100 ms.
RunSummary run_that_waited(std::uint64_t ticks) {
  return run_of({make_process(1, {{.thread = 1,
                                   .holds = 2,
                                   .hold_ticks = 50 * kMillisecondTicks,
                                   .waits = ticks > 0 ? 1U : 0U,
                                   .wait_ticks = ticks}})});
}

ProcessRecord with_names(ProcessRecord process, const std::vector<std::pair<unsigned, std::string>>& names) {
  for (const auto& [id, name] : names) process.threads.push_back({.id = ThreadId{id}, .name = name});
  return process;
}

TEST(RunChange, has_each_figure_of_both_runs) {
  const auto change =
      compare_runs(run_that_waited(10 * kMillisecondTicks), run_that_waited(15 * kMillisecondTicks));
  const auto& waited = find_figure(change.total, "wait_ns");
  EXPECT_EQ(waited.before, 10e6);
  EXPECT_EQ(waited.after, 15e6);
  EXPECT_EQ(waited.difference(), 5e6);
  EXPECT_EQ(waited.growth(), 0.5);
  EXPECT_EQ(find_figure(change.total, "hold_ns").growth(), 0.0);
  EXPECT_DOUBLE_EQ(*find_figure(change.total, "wait_share").difference(), 0.05);
  EXPECT_FALSE(find_figure(change.total, "cpu_ns").difference());  // nobody measured it
}

TEST(RunChange, what_grew_from_nothing_has_no_growth) {
  const auto change = compare_runs(run_that_waited(0), run_that_waited(kMillisecondTicks));
  EXPECT_EQ(find_figure(change.total, "wait_ns").difference(), 1e6);
  EXPECT_FALSE(find_figure(change.total, "wait_ns").growth());
}

// The wait share that the report of one capture has in its verdict.
TEST(RunChange, the_wait_share_is_that_of_the_verdict) {
  const auto run = run_of({make_process(1, {{.thread = 1, .holds = 9, .hold_ticks = 50 * kMillisecondTicks},
                                            {.thread = 2, .holds = 1, .hold_ticks = 10},
                                            {.thread = 3,
                                             .holds = 9,
                                             .hold_ticks = 30 * kMillisecondTicks,
                                             .waits = 2,
                                             .wait_ticks = 40 * kMillisecondTicks}})});
  EXPECT_EQ(find_figure(compare_runs(run, run).total, "wait_share").after, run.verdict.wait_share);
}

TEST(RunChange, threads_go_together_by_name_whatever_their_ids) {
  const RowSpec busy{.holds = 3, .hold_ticks = 9 * kMillisecondTicks};
  const auto row = [&](unsigned thread, unsigned gil = 0) {
    RowSpec spec = busy;
    spec.thread = thread;
    spec.gil = gil;
    return spec;
  };
  const auto before = run_of(
      {with_names(make_process(1, {row(1), row(2), row(3), row(4)}), {{2, "w"}, {3, "w"}, {4, "gone"}})});
  const auto after = run_of({with_names(make_process(9, {row(11), row(12), row(12, 1)}), {{12, "w"}})});
  const auto threads = compare_runs(before, after).processes.at(0).threads;
  ASSERT_EQ(threads.size(), 3U);
  EXPECT_EQ(threads[0].name, "");
  EXPECT_EQ(find_figure(threads[0].figures, "holds").difference(), 0.0);
  EXPECT_EQ(threads[1].name, "gone");
  EXPECT_EQ(find_figure(threads[1].figures, "holds").before, 3.0);
  EXPECT_FALSE(find_figure(threads[1].figures, "holds").after);
  EXPECT_EQ(threads[2].name, "w");
  EXPECT_EQ(find_figure(threads[2].figures, "holds").before, 6.0);  // two threads
  EXPECT_EQ(find_figure(threads[2].figures, "holds").after, 6.0);   // one, on two GILs
}

TEST(RunChange, processes_go_together_by_start_method_and_place) {
  const auto process = [](std::int64_t pid, ProcessRole role) {
    auto record = make_process(pid, {{.holds = 1, .hold_ticks = kMillisecondTicks}});
    record.role = role;
    record.name = std::to_string(pid);
    return record;
  };
  const auto before = run_of({process(1, ProcessRole::First), process(2, ProcessRole::Fork),
                              process(3, ProcessRole::Spawn), process(4, ProcessRole::Fork)});
  const auto after = run_of({process(11, ProcessRole::First), process(12, ProcessRole::Spawn),
                             process(13, ProcessRole::Fork), process(14, ProcessRole::Spawn)});
  std::vector<std::pair<std::optional<std::int64_t>, std::optional<std::int64_t>>> pairs;
  const auto change = compare_runs(before, after);
  for (const auto& row : change.processes) pairs.emplace_back(row.before_pid, row.after_pid);
  const decltype(pairs) expected{{1, 11}, {2, 13}, {4, std::nullopt}, {3, 12}, {std::nullopt, 14}};
  EXPECT_EQ(pairs, expected);
  EXPECT_EQ(change.processes[1].before_name, "2");
  EXPECT_EQ(change.processes[1].after_name, "13");
  EXPECT_EQ(change.processes[2].after_name, "");
  EXPECT_EQ(find_figure(change.total, "holds").before, 4.0);
}

TEST(Worsening, is_growth_by_more_than_was_allowed) {
  const auto before = run_that_waited(20 * kMillisecondTicks);
  const auto judge = [&](std::uint64_t after, double allowed) {
    return judge_worsening(compare_runs(before, run_that_waited(after)), allowed);
  };
  EXPECT_EQ(judge(22 * kMillisecondTicks, 0.1), Worsening::None);  // exactly as much
  EXPECT_EQ(judge(22 * kMillisecondTicks + 1, 0.1), Worsening::Worse);
  EXPECT_EQ(judge(20 * kMillisecondTicks, 0), Worsening::None);
  EXPECT_EQ(judge(10 * kMillisecondTicks, 0), Worsening::None);
}

TEST(Worsening, is_small_below_a_hundredth_of_the_runs_time) {
  const auto judge = [&](std::uint64_t before, std::uint64_t after) {
    return judge_worsening(compare_runs(run_that_waited(before), run_that_waited(after)), 0.1);
  };
  EXPECT_EQ(judge(0, kMillisecondTicks - 1), Worsening::Small);
  EXPECT_EQ(judge(0, kMillisecondTicks), Worsening::Worse);
  EXPECT_EQ(judge(kMillisecondTicks, 2 * kMillisecondTicks - 1), Worsening::Small);
}

TEST(Worsening, from_a_run_without_a_gil_counts_the_time_of_the_one_with) {
  const auto without = summarize_run({.has_gil = false});
  EXPECT_TRUE(is_whole(without));
  EXPECT_EQ(judge_worsening(compare_runs(without, run_that_waited(kMillisecondTicks)), 0.1),
            Worsening::Worse);
  EXPECT_EQ(judge_worsening(compare_runs(run_that_waited(kMillisecondTicks), without), 0.1), Worsening::None);
}

TEST(RunChange, a_run_with_anything_missing_is_not_whole) {
  const RecordedRun whole{.processes = {make_process(1, {{.holds = 1, .hold_ticks = 1}})}};
  EXPECT_TRUE(is_whole(summarize_run(whole)));
  const auto check = [&](auto damage) {
    auto run = whole;
    damage(run);
    EXPECT_FALSE(is_whole(summarize_run(run)));
  };
  check([](RecordedRun& run) { run.dropped_events = 1; });
  check([](RecordedRun& run) { run.losses.unrecorded_processes = 1; });
  check([](RecordedRun& run) { run.losses.overlooked_gils = 1; });
  check([](RecordedRun& run) { run.losses.were_slots_overwritten = true; });
  check([](RecordedRun& run) { run.processes.clear(); });
}

}  // namespace
}  // namespace gilscope
