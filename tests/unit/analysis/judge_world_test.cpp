// What a free-threaded Python loses all the same.
#include "analysis/judge_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/judge_run.h"
#include "analysis/judged_runs.h"

namespace gilscope {
namespace {

using test::kHolder;
using test::kMsTime;
using test::kWaiter;
using test::line_of_app;
using FindingKind = RunFinding::Kind;

// A run of a second without a GIL.
ProcessSummary process_with(std::vector<WorldStopRow> stops) {
  return {.pid = 4711,
          .wall_ns = 1000 * kMsTime,
          .cpu_ns = 1900 * kMsTime,
          .stops = std::move(stops),
          .other_threads = {{.id = kHolder, .name = "tidier"}, {.id = kWaiter, .name = "computer"}}};
}

WorldStopRow stops_at(unsigned line, std::string call, int lost_ms) {
  WorldStopRow row{.place = line_of_app(line, "tidy"), .call = std::move(call), .count = 10};
  row.total_ns = lost_ms * kMsTime;
  row.lost_ns = lost_ms * kMsTime;
  row.max_ns = lost_ms * kMsTime / 5;
  row.max_thread = kHolder;
  return row;
}

WorldStopRow collection_at(unsigned line, std::string call, int lost_ms) {
  auto row = stops_at(line, std::move(call), lost_ms);
  row.is_collection = true;
  return row;
}

std::vector<RunFinding> findings_of(std::vector<ProcessSummary> processes) {
  RunSummary run{.wall_ns = 1000 * kMsTime, .processes = std::move(processes)};
  return find_in_run(run);
}

LockWaitRow waits_for_world(unsigned ended_at, int total_ms) {
  return {.place = line_of_app(3, "compute"),
          .ended_at = line_of_app(ended_at, "tidy"),
          .count = 10,
          .total_ns = total_ms * kMsTime,
          .lock = LockKind::World};
}

TEST(WorldStops, cost_others_what_they_waited_until_they_went_on) {
  auto process = process_with({stops_at(9, "sys._current_frames", 40), stops_at(8, "type.mro", 10)});
  process.lock_waits = {waits_for_world(9, 500), waits_for_world(9, 100), waits_for_world(8, 30)};
  const auto found = find_world_stops(process);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].place, line_of_app(9, "tidy"));
  EXPECT_EQ(found[0].lost, 600 * kMsTime);
}

TEST(WorldStops, at_one_line_share_what_was_waited_there_by_what_stood) {
  auto process = process_with({stops_at(9, "one", 100), stops_at(9, "other", 50)});
  process.lock_waits = {waits_for_world(9, 600)};
  const auto found = find_world_stops(process);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].lost, 400 * kMsTime);
  EXPECT_EQ(found[1].lost, 200 * kMsTime);
}

TEST(WorldStops, are_of_the_line_that_asked_for_them) {
  const auto found = find_world_stops(
      process_with({collection_at(7, "gc.collect", 300), stops_at(9, "sys._current_frames", 400)}));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].kind, FindingKind::StoppedWorld);
  EXPECT_EQ(found[0].place, line_of_app(9, "tidy")) << "by what others lost most";
  EXPECT_EQ(found[0].work, (HeldWork{WorkKind::Call, "sys._current_frames"}));
  EXPECT_EQ(found[1].place, line_of_app(7, "tidy"));
  EXPECT_EQ(found[1].work, (HeldWork{WorkKind::Collect, ""}));
  EXPECT_EQ(found[1].lost, 300 * kMsTime);
  EXPECT_EQ(found[1].longest, 60 * kMsTime);
  EXPECT_EQ(found[1].count, 10U);
  EXPECT_EQ(found[1].culprits, std::vector{kHolder});
}

TEST(WorldStops, by_collections_that_come_by_themselves_are_one_whatever_line_they_came_on) {
  const auto found =
      find_world_stops(process_with({collection_at(7, "", 60), collection_at(8, "list.append", 90)}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].work, (HeldWork{WorkKind::Collection, ""}));
  EXPECT_FALSE(found[0].place);
  EXPECT_EQ(found[0].lost, 150 * kMsTime);
  EXPECT_EQ(found[0].count, 20U);
}

TEST(WorldStops, are_nothing_where_others_lose_little) {
  EXPECT_TRUE(find_world_stops(process_with({collection_at(7, "gc.collect", 95)})).empty())
      << "a tenth of a thread";
  auto process = process_with({collection_at(7, "gc.collect", 45)});
  process.wall_ns = 100 * kMsTime;
  EXPECT_TRUE(find_world_stops(process).empty()) << "a run too short";
}

TEST(WorldStops, are_no_waiting_for_a_gil_and_one_where_several_processes_have_them) {
  auto other = process_with({collection_at(7, "gc.collect", 200)});
  other.pid = 4712;
  const auto found = findings_of({process_with({collection_at(7, "gc.collect", 300)}), other});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].lost, 500 * kMsTime);
  EXPECT_EQ(found[0].processes, 2U);
  EXPECT_FALSE(found[0].share);
}

TEST(GilReturn, is_told_first_with_its_module_and_line) {
  auto process = process_with({collection_at(7, "gc.collect", 300)});
  process.gil_return =
      GilReturnFigures{.since_ns = 20 * kMsTime, .place = line_of_app(2, "<module>"), .module = "old"};
  const auto found = findings_of({process});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].kind, FindingKind::GilReturn);
  EXPECT_EQ(found[0].module, "old");
  EXPECT_EQ(found[0].place, line_of_app(2, "<module>"));
  EXPECT_EQ(found[0].since, 20 * kMsTime);
}

TEST(GilReturn, is_nothing_to_a_program_of_one_thread) {
  auto process = process_with({});
  process.gil_return = GilReturnFigures{.since_ns = 20 * kMsTime};
  process.other_threads.pop_back();
  EXPECT_FALSE(find_gil_return(process));
}

}  // namespace
}  // namespace gilscope
