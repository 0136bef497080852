#include "report/summary_report.h"

#include <algorithm>
#include <limits>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/process_records.h"
#include "golden.h"
#include "report/lines.h"
#include "report/summary_records.h"
#include "support/json_values.h"

namespace gilscope {
namespace {

using test::busy_records;
using test::kMillisecondTicks;
using test::longest_line;
using test::make_process;
using test::name_threads;
using test::recorded;
using test::report;
using test::summary_context;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(SummaryReport, looks_as_it_did) {
  auto run = recorded(busy_records());
  run.losses = {.unrecorded_processes = 2,
                .overlooked_gils = 3,
                .were_slots_overwritten = true,
                .are_stacks_unreadable = true};
  test::expect_golden("summary.txt", format_summary(summarize_run(run)));
}

TEST(SummaryReport, lists_the_steps_of_event_loops_that_took_long_and_the_json_has_them) {
  auto run = recorded(busy_records());
  EXPECT_THAT(format_summary(summarize_run(run)), Not(HasSubstr("Steps of event loops")));
  run.processes.front().steps = {{.thread = ThreadId{1},
                                  .place = {.file = "<garbage collection>", .function = "generation 2"},
                                  .count = 1,
                                  .ticks = 60 * kMillisecondTicks,
                                  .longest = 60 * kMillisecondTicks,
                                  .longest_begin = 10 * kMillisecondTicks},
                                 {.thread = ThreadId{1},
                                  .place = {.file = "/srv/app.py", .function = "handle", .line = 23},
                                  .count = 4,
                                  .alone = 1,
                                  .ticks = 350 * kMillisecondTicks,
                                  .longest = 112 * kMillisecondTicks,
                                  .longest_begin = 40 * kMillisecondTicks}};
  run.processes.front().further_steps = 3;
  const auto summary = summarize_run(run);
  EXPECT_THAT(
      format_summary(summary, {.columns = 1000}),
      HasSubstr("Steps of event loops that took 50 ms or more, 410 ms in all:\n"
                "  handle (app.py:23) in MainThread: 4 × up to 112 ms (after 40.0 ms), 350 ms in all\n"
                "  collecting garbage (generation 2) in MainThread: once, 60.0 ms (after 10.0 ms)\n"
                "  + 3 further steps at more places than are kept\n"));
  const auto document = summary_json(summary, {});
  const auto& steps = document["processes"][0]["loop_steps"];
  EXPECT_EQ(steps[0]["place"]["line"], 23);
  EXPECT_EQ(steps[0]["alone"], 1);
  EXPECT_EQ(steps[0]["max_begin_ns"], 40'000'000);
  EXPECT_TRUE(steps[1]["place"].is_null());
  EXPECT_EQ(steps[1]["work"]["kind"], "collection");
  EXPECT_EQ(document["findings"][0]["stood_still_ns"], 350'000'000);
  const auto again = read_summary(dump_json(document));
  EXPECT_EQ(summary_json(again, {})["processes"][0]["loop_steps"], steps);
  EXPECT_EQ(again.processes.front().further_stalls, 3U);
  EXPECT_EQ(summary_json(again, {})["findings"], document["findings"]);
}

TEST(SummaryReport, lists_waits_for_a_turn_at_a_lock_and_the_json_has_those_for_work_too) {
  auto run = recorded(busy_records());
  EXPECT_THAT(format_summary(summarize_run(run)), Not(HasSubstr("Python's locks")));
  const CodePlace serve{.file = "/srv/app.py", .function = "serve", .line = 25};
  auto& first = run.processes.front();
  first.lock_waits = {{.place = CodePlace{.file = "/srv/app.py", .function = "main", .line = 3},
                       .within = "Thread.join",
                       .is_for_work = true,
                       .threads = 1,
                       .count = 1,
                       .ticks = 500 * kMillisecondTicks,
                       .longest = 500 * kMillisecondTicks,
                       .longest_thread = ThreadId{1}},
                      {.place = serve,
                       .within = "Handler.acquire",
                       .ended_at = serve,
                       .ended_within = "Handler.release",
                       .threads = 4,
                       .count = 40,
                       .ticks = 90 * kMillisecondTicks,
                       .longest = 9 * kMillisecondTicks,
                       .longest_begin = 20 * kMillisecondTicks,
                       .longest_thread = ThreadId{1},
                       .longest_ender = ThreadId{2}},
                      {.ended_at = serve,
                       .threads = 1,
                       .count = 1,
                       .ticks = 2 * kMillisecondTicks,
                       .longest = 2 * kMillisecondTicks,
                       .longest_thread = ThreadId{1}}};
  first.further_lock_waits = 2;
  const auto summary = summarize_run(run);
  EXPECT_THAT(
      format_summary(summary, {.columns = 1000}),
      HasSubstr(
          "Waits for a turn at one of Python's locks, 92.0 ms in all:\n"
          "  Handler.acquire, called at app.py:25 serve: 40 × up to 9.00 ms, 90.0 ms in all in 4 threads; "
          "ended at Handler.release there\n"
          "  where no Python code runs: once, 2.00 ms in MainThread; ended at app.py:25 serve\n"
          "  + 2 further waits at more places than are kept\n"));
  const auto document = summary_json(summary, {});
  const auto& waits = document["processes"][0]["lock_waits"];
  ASSERT_EQ(waits.size(), 3U);
  EXPECT_EQ(waits[0]["ended_within"], "Handler.release");
  EXPECT_EQ(waits[0]["max_begin_ns"], 20'000'000);
  EXPECT_EQ(waits[0]["max_ender"], 2);
  EXPECT_TRUE(waits[1]["place"].is_null());
  EXPECT_EQ(waits[2]["waits_for"], "work") << "after all that are for a turn";
  const auto again = read_summary(dump_json(document));
  EXPECT_EQ(summary_json(again, {})["processes"][0]["lock_waits"], waits);
  EXPECT_EQ(again.processes.front().further_lock_waits, 2U);
}

TEST(SummaryReport, tells_first_where_the_time_of_each_thread_went) {
  auto process = make_process(4001, {{.thread = 1, .holds = 2, .hold_ticks = 30 * kMillisecondTicks},
                                     {.thread = 2, .holds = 2, .hold_ticks = 10 * kMillisecondTicks}});
  name_threads(process, {"MainThread", "worker"});
  auto& thread = process.threads.front();
  thread.cpu = Nanoseconds(50 * kMillisecondTicks);
  thread.cpu_wait = Nanoseconds{};
  thread.turn_ticks = 5 * kMillisecondTicks;
  thread.work_ticks = 0;
  process.threads.back().cpu.reset();
  const auto summary = summarize_run(recorded({process}));
  const auto text = format_summary(summary);
  EXPECT_THAT(
      text,
      HasSubstr("Where the time of each thread went:\n"
                "thread                  life  Python  native for GIL for locks for work  no CPU  asleep\n"
                "MainThread            100 ms    30 %    20 %     0 %     5.0 %      0 %     0 %    45 %\n"
                "worker                100 ms    10 %       -     0 %         -        -       -    90 %\n"));
  EXPECT_LT(text.find("Where the time"), text.find("GIL 0"));
  const auto document = summary_json(summary, {});
  const auto& threads = document["processes"][0]["threads"];
  EXPECT_EQ(threads[0]["states"]["computing_without_gil"], 20'000'000);
  EXPECT_TRUE(threads[1]["states"]["computing_without_gil"].is_null());
  EXPECT_EQ(threads[1]["states"]["stopped"], 0) << "nobody stops a world that has a GIL";
  const auto again = read_summary(dump_json(document));
  EXPECT_EQ(summary_json(again, {})["processes"][0]["threads"], threads);
  EXPECT_EQ(format_summary(again), text);
  auto older = document;
  for (auto& row : older["processes"][0]["threads"]) row["states"].erase("stopped");
  EXPECT_EQ(format_summary(read_summary(dump_json(older))), text);
  for (auto& row : older["processes"][0]["threads"]) row.erase("states");
  EXPECT_THAT(format_summary(read_summary(dump_json(older))), Not(HasSubstr("Where the time")));
}

TEST(SummaryReport, looks_as_it_did_of_one_thread) {
  auto only = make_process(4001, {{.thread = 1, .holds = 20, .hold_ticks = 40 * kMillisecondTicks}});
  name_threads(only, {"MainThread"});
  only.cpu = Nanoseconds(41 * kMillisecondTicks);
  test::expect_golden("summary_one_thread.txt", report({only}));
}

// As the notes of a process have it that has no GIL.
ProcessRecord free_threaded_record() {
  const CodePlace work{.file = "/srv/app.py", .function = "work", .line = 12};
  ProcessRecord record{
      .pid = 4001,
      .parent_pid = 4000,
      .wall = Nanoseconds(1000 * kMillisecondTicks),
      .cpu = Nanoseconds(1700 * kMillisecondTicks),
      .threads = {{.id = ThreadId{1},
                   .name = "MainThread",
                   .cpu = Nanoseconds(5 * kMillisecondTicks),
                   .cpu_wait = Nanoseconds(2 * kMillisecondTicks),
                   .turn_ticks = 0,
                   .work_ticks = 400 * kMillisecondTicks,
                   .world_ticks = 0,
                   .life_ticks = 1000 * kMillisecondTicks},
                  {.id = ThreadId{2},
                   .name = "worker",
                   .cpu = Nanoseconds(300 * kMillisecondTicks),
                   .cpu_wait = Nanoseconds{},
                   .turn_ticks = 400 * kMillisecondTicks,
                   .work_ticks = 0,
                   .world_ticks = 283 * kMillisecondTicks,
                   .life_ticks = 990 * kMillisecondTicks},
                  {.id = ThreadId{3}, .name = "native", .cpu = Nanoseconds(9 * kMillisecondTicks)}}};
  record.lock_waits = {{.place = work,
                        .threads = 1,
                        .count = 2,
                        .ticks = 283 * kMillisecondTicks,
                        .longest = 143 * kMillisecondTicks,
                        .longest_thread = ThreadId{2},
                        .longest_ender = ThreadId{1},
                        .lock = LockKind::World},
                       {.place = work,
                        .ended_at = work,
                        .threads = 2,
                        .count = 81,
                        .ticks = 400 * kMillisecondTicks,
                        .by_peers = 400 * kMillisecondTicks,
                        .longest = 21 * kMillisecondTicks,
                        .longest_thread = ThreadId{2},
                        .longest_ender = ThreadId{1},
                        .lock = LockKind::Object,
                        .lock_type = "list"}};
  record.stops = {{.place = CodePlace{.file = "/srv/app.py", .function = "tidy", .line = 31},
                   .call = "gc.collect",
                   .is_collection = true,
                   .count = 2,
                   .ticks = 284 * kMillisecondTicks,
                   .until_stood = 1 * kMillisecondTicks,
                   .lost = 283 * kMillisecondTicks,
                   .longest = 144 * kMillisecondTicks,
                   .longest_thread = ThreadId{1}},
                  {.place = work,
                   .is_collection = true,
                   .count = 1,
                   .ticks = 3 * kMillisecondTicks,
                   .lost = 2 * kMillisecondTicks,
                   .longest = 3 * kMillisecondTicks,
                   .longest_thread = ThreadId{2}}};
  record.further_stops = 4;
  record.spins = 30;
  record.spin_ticks = 20 * kMillisecondTicks;
  return record;
}

TEST(SummaryReport, looks_as_it_did_of_what_threads_wait_for_without_a_gil) {
  const auto summary = summarize_run({.processes = {free_threaded_record()}, .has_gil = false});
  test::expect_golden("summary_free_threaded.txt", format_summary(summary));
  const auto document = summary_json(summary, summary_context());
  test::expect_golden("summary_free_threaded.json", document.dump(2) + '\n');
  const auto again = read_summary(dump_json(document));
  EXPECT_EQ(format_summary(again), format_summary(summary));
  EXPECT_EQ(summary_json(again, summary_context()), document);
  auto older = document;
  for (auto& row : older["processes"][0]["other_threads"]) row.erase("states");
  EXPECT_THAT(format_summary(read_summary(dump_json(older))), Not(HasSubstr("Where the time")));
}

TEST(SummaryReport, says_which_import_brought_the_gil_back) {
  auto record = free_threaded_record();
  record.gil_return = GilReturn{.since = 20 * kMillisecondTicks,
                                .place = CodePlace{.file = "/srv/app.py", .function = "<module>", .line = 2},
                                .module = "old"};
  const auto summary = summarize_run({.processes = {record}, .has_gil = false});
  EXPECT_THAT(
      format_summary(summary, {.columns = 1000}),
      HasSubstr("; but it came back for good after 20.0 ms, by the import of old at app.py:2 <module>: "));
  const auto document = summary_json(summary, {});
  EXPECT_EQ(document["processes"][0]["gil_return"]["since_ns"], 20'000'000);
  EXPECT_EQ(summary_json(read_summary(dump_json(document)), {}), document);
}

TEST(SummaryReport, tells_of_a_deadlock_without_a_gil) {
  auto record = free_threaded_record();
  record.open_lock_waits = {{.thread = ThreadId{1},
                             .place = CodePlace{.file = "/srv/app.py", .function = "transfer", .line = 7},
                             .since = 10 * kMillisecondTicks,
                             .holder = ThreadId{2}},
                            {.thread = ThreadId{2},
                             .place = CodePlace{.file = "/srv/app.py", .function = "refund", .line = 11},
                             .since = 20 * kMillisecondTicks,
                             .holder = ThreadId{1}}};
  const auto summary = summarize_run({.processes = {record}, .has_gil = false});
  const auto text = format_summary(summary, {.columns = 1000});
  EXPECT_THAT(text, HasSubstr("-> a deadlock: MainThread waits at app.py:7 transfer for a lock of worker, "));
  EXPECT_THAT(text, HasSubstr("Waits for a turn at a lock that had not ended:\n"));
}

TEST(SummaryReport, looks_as_it_did_without_a_gil) {
  test::expect_golden("summary_no_gil.txt", format_summary(summarize_run({.has_gil = false})));
}

TEST(SummaryReport, says_where_nothing_was_recorded_though_there_is_a_gil) {
  const auto text = format_summary(summarize_run({.dropped_events = 7}), {.columns = 200});
  EXPECT_THAT(text, StartsWith("gilscope: nothing was recorded of the GIL"));
  EXPECT_THAT(text, HasSubstr("DROPPED 7: figures and time line end where the first was dropped"));
}

TEST(SummaryReport, has_the_json_it_had) {
  test::expect_golden(
      "summary.json",
      summary_json(summarize_run(recorded(busy_records())), summary_context()).dump(2) + "\n");
}

TEST(SummaryReport, has_the_json_it_had_without_a_gil) {
  auto unknown = summary_context();
  unknown.python["free_threaded"] = true;
  unknown.machine = nullptr;
  test::expect_golden("summary_no_gil.json",
                      summary_json(summarize_run({.has_gil = false}), unknown).dump(2) + "\n");
}

TEST(SummaryReport, begins_with_the_verdict) {
  EXPECT_THAT(report(busy_records()),
              StartsWith("gilscope: GIL 0 of process 4001 was held 96 % of the time while "));
}

TEST(SummaryReport, has_no_table_and_no_verdict_of_processes_that_only_help) {
  const auto make = [](std::int64_t pid, ProcessRole role, bool became_program, std::uint64_t held) {
    auto process = make_process(pid, {{.thread = 1, .holds = 2, .hold_ticks = held}});
    process.role = role;
    process.became_program = became_program;
    return process;
  };
  const std::vector<ProcessRecord> processes{
      make(4001, ProcessRole::First, false, 10 * kMillisecondTicks),
      make(4002, ProcessRole::Fork, true, 90 * kMillisecondTicks),
      make(4003, ProcessRole::Fork, true, 90 * kMillisecondTicks),
      make(4004, ProcessRole::Server, false, 90 * kMillisecondTicks),
      make(4005, ProcessRole::Started, true, 20 * kMillisecondTicks),
      make(4006, ProcessRole::Forkserver, false, 30 * kMillisecondTicks)};
  const auto text = report(processes);
  for (const char* const shown : {"\nprocess 4001: ", "\nprocess 4005, by exec: ", "\nprocess 4006, by fork"})
    EXPECT_THAT(text, HasSubstr(shown));
  for (const char* const helper : {"\nprocess 4002", "\nprocess 4003", "\nprocess 4004"})
    EXPECT_THAT(text, Not(HasSubstr(helper)));
  EXPECT_THAT(
      text,
      HasSubstr("(Without a table, as they only help: process 4004, the fork server, 2 forks that became "
                "other\nprograms; --json has them)"));
  const auto summary = summarize_run(recorded(processes));
  EXPECT_EQ(summary.verdict.pid, 4006);
  const auto rows = summary_json(summary, summary_context())["processes"];
  EXPECT_TRUE(rows[1]["became_program"]);
  EXPECT_FALSE(rows[0]["became_program"]);
}

TEST(SummaryReport, shows_twenty_threads_busiest_first_and_says_how_many_more_there_are) {
  std::vector<test::RowSpec> rows;
  for (unsigned thread = 1; thread <= 25; ++thread) {
    rows.push_back({.thread = thread, .holds = 1, .hold_ticks = thread * 10'000});
  }
  const auto text = report({make_process(4001, rows)});
  EXPECT_EQ(count(text, "\nthread "), 2 * 21U) << "in each of two tables, with a line of titles";
  EXPECT_EQ(count(text, "(5 more threads, less busy: --json has them)"), 2U);
  EXPECT_LT(text.find("\nthread 25 "), text.find("\nthread 24 "));
  EXPECT_THAT(text, Not(HasSubstr("\nthread 5 ")));
  EXPECT_EQ(summary_json(summarize_run(recorded({make_process(4001, rows)})),
                         summary_context())["processes"][0]["threads"]
                .size(),
            25U);
}

TEST(SummaryReport, shows_ten_gils_busiest_first_and_says_how_many_more_there_are) {
  std::vector<test::RowSpec> rows;
  for (unsigned gil = 0; gil < 12; ++gil) {
    rows.push_back({.thread = 1, .gil = gil, .holds = 1, .hold_ticks = (gil + 1) * 10'000});
  }
  const auto text = report({make_process(4001, rows)});
  EXPECT_EQ(count(text, "\nGIL "), 10U);
  EXPECT_LT(text.find("\nGIL 11 "), text.find("\nGIL 10 "));
  EXPECT_THAT(text, HasSubstr("\n(2 more GILs, less busy: --json has them)\n"));
}

TEST(SummaryReport, shows_ten_processes_and_says_how_many_more_there_are) {
  std::vector<ProcessRecord> records;
  for (std::int64_t pid = 4001; pid <= 4013; ++pid) {
    records.push_back(make_process(pid, {{.thread = 1, .holds = 1, .hold_ticks = 10'000}}));
  }
  const auto text = report(records);
  EXPECT_EQ(count(text, "\nprocess "), 10U);
  EXPECT_THAT(text, HasSubstr("\n(3 more processes: --json has them)\n"));
}

// Names come from the script: they neither steer the terminal nor break the table.
TEST(SummaryReport, shows_hostile_names_of_threads_harmlessly) {
  auto process = make_process(
      4001, {{.thread = 1, .holds = 1, .hold_ticks = 50 * kMillisecondTicks},
             {.thread = 2, .holds = 1, .hold_ticks = 1, .waits = 1, .wait_ticks = 90 * kMillisecondTicks},
             {.thread = 3, .holds = 1, .hold_ticks = 3},
             {.thread = 4, .holds = 1, .hold_ticks = 2},
             {.thread = 5, .holds = 1, .hold_ticks = 1}});
  name_threads(process, {"\x1b[31mred\n\t\xC2\x9B", std::string(103, 'x'), "Müßiggänger №1 und noch einer",
                         "漢字の名前", "\xff\xfe broken \xe6"});
  process.name = "\x1b[31m" + std::string(95, 'y') + "\xff";
  const auto text = report({process});
  EXPECT_LE(longest_line(text), 100U);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\xC2\x9B")));
  EXPECT_THAT(text, HasSubstr("\nprocess 4001 (?[31m" + std::string(26, 'y') + "…): "));
  EXPECT_THAT(text, HasSubstr("\n?[31mred??? "));
  EXPECT_THAT(text, HasSubstr("; ?[31mred??? held it"));
  EXPECT_THAT(text, HasSubstr("\n" + std::string(19, 'x') + "… "));
  EXPECT_THAT(text, HasSubstr("\nMüßiggänger №1 und … "));
  EXPECT_THAT(text, HasSubstr("\n漢字の名前 "));
  const auto json = summary_json(summarize_run(recorded({process})), summary_context());
  EXPECT_NO_THROW((void)json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

TEST(SummaryReport, keeps_to_its_columns_with_the_largest_figures_that_a_run_can_have) {
  constexpr std::uint64_t kDay = 86'400'000 * kMillisecondTicks;
  auto process = make_process(4'194'303, {{.thread = 4'194'303,
                                           .gil = 255,
                                           .holds = 9'999'999'999,
                                           .hold_ticks = kDay,
                                           .waits = 999'999'999,
                                           .wait_ticks = kDay,
                                           .forced = 99'999'999,
                                           .lifetime = kDay}});
  process.wall = process.cpu.emplace(kDay);
  process.role = ProcessRole::Forkserver;
  process.name = std::string(103, 'x');
  for (auto& gil : process.figures.gils) {
    gil.interpreter = std::numeric_limits<std::int64_t>::max();
    gil.handoffs = 9'999'999'999;
  }
  EXPECT_LE(longest_line(report({process})), 100U) << report({process});
}

TEST(SummaryReport, has_no_escape_sequences_unless_colour_is_asked_for) {
  EXPECT_THAT(report(busy_records()), Not(HasSubstr("\x1b")));
  const auto coloured = report(busy_records(), {.colour = Colour::On});
  EXPECT_THAT(coloured, StartsWith("\x1b[33mgilscope: "));
  EXPECT_THAT(coloured, HasSubstr("\x1b[1mthread "));
  EXPECT_THAT(format_summary(summarize_run({.has_gil = false}), {.colour = Colour::On}),
              StartsWith("\x1b[32mgilscope: "));
}

}  // namespace
}  // namespace gilscope
