#include "report/summary_report.h"

#include <algorithm>
#include <limits>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/process_records.h"
#include "golden.h"
#include "report/lines.h"
#include "support/json_values.h"

namespace gilscope {
namespace {

using test::kMillisecondTicks;
using test::longest_line;
using test::make_process;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

void name_threads(ProcessRecord& process, std::initializer_list<std::string> names) {
  std::uint32_t id = 1;
  for (const auto& name : names) {
    process.threads.push_back({.id = ThreadId{id}, .name = name, .cpu = Nanoseconds(40 * kMillisecondTicks)});
    ++id;
  }
}

// What the threads of busy_records() made each other wait, between lines.
BlameRecord make_blame() {
  BlameRecord blame;
  auto& stacks = blame.stacks;
  const auto main = stacks.add(CodePlace{"/srv/app.py", "main", 12});
  const auto parse = stacks.add(CodePlace{"/srv/app.py", "parse", 41});
  const auto match = stacks.add(CodePlace{"/usr/lib/python3.13/re/__init__.py", "match", 167});
  const StackId in_parse = stacks.add({parse, main});
  const StackId in_match = stacks.add({match, parse, main});
  const auto handle = stacks.add(CodePlace{"/usr/lib/python3.13/asyncio/events.py", "Handle._run", 89});
  const StackId in_task = stacks.add({parse, main, handle});
  const auto row = [&](unsigned thread, std::optional<StackId> from,
                       std::optional<StackId> to) -> SpanFigures& {
    return blame.spans[{.gil = GilId{0}, .thread = ThreadId{thread}, .from = from, .to = to}];
  };
  row(1, in_parse, in_match) = {.holds = 9,
                                .hold_ticks = 45 * kMillisecondTicks,
                                .max_hold_ticks = 6 * kMillisecondTicks,
                                .forced = 9,
                                .waits = {{ThreadId{2}, 49 * kMillisecondTicks}, {ThreadId{3}, 1'000}},
                                .max_wait_ticks = 6 * kMillisecondTicks};
  row(2, in_parse, in_parse) = {.holds = 8,
                                .hold_ticks = 40 * kMillisecondTicks,
                                .max_hold_ticks = 5 * kMillisecondTicks,
                                .forced = 8,
                                .waits = {{ThreadId{1}, 40 * kMillisecondTicks}},
                                .max_wait_ticks = 5 * kMillisecondTicks};
  row(2, {}, in_task) = {.holds = 1,
                         .hold_ticks = 4 * kMillisecondTicks,
                         .max_hold_ticks = 4 * kMillisecondTicks,
                         .forced = 1,
                         .waits = {{ThreadId{1}, 4 * kMillisecondTicks}},
                         .max_wait_ticks = 4 * kMillisecondTicks};
  row(3, in_match, {}) = {.holds = 1,
                          .hold_ticks = 234,
                          .max_hold_ticks = 234,
                          .waits = {{ThreadId{1}, 234}},
                          .max_wait_ticks = 234};
  blame.spans[{.gil = GilId{0}}].waits = {
      {ThreadId{1}, 1'249'766}, {ThreadId{2}, 1'000'000}, {ThreadId{3}, 234}};
  blame.long_waits[{GilId{0}, ThreadId{1}}] = {{4'530'000, in_task}, {4'000'000, in_parse}};
  return blame;
}

// Threads that force each other, one of a sub-interpreter with a GIL of its own, those that came too late for
// a row; and children of every start method, of which one was killed.
std::vector<ProcessRecord> busy_records() {
  auto first = make_process(
      4001, {{.thread = 1,
              .holds = 12,
              .hold_ticks = 48'500'000,
              .waits = 10,
              .wait_ticks = 45'250'000,
              .forced = 9},
             {.thread = 2,
              .holds = 10,
              .hold_ticks = 45'000'000,
              .waits = 10,
              .wait_ticks = 50'000'000,
              .forced = 9},
             {.thread = 3, .holds = 210'000, .hold_ticks = 2'100'000, .waits = 3, .wait_ticks = 1'234},
             {.thread = 1, .gil = 1, .holds = 5, .hold_ticks = 2'000'000},
             {.thread = 4, .holds = 7, .hold_ticks = 70}});
  name_threads(first, {"MainThread", "Thread-1 (work)", ""});
  first.figures.threads.back().thread.reset();
  first.figures.gils[0].handoffs = 19;
  first.figures.gils[0].timeouts = 18;
  first.cpu = Nanoseconds(95'600'000);
  first.figures.lost_events = 12;
  first.blame = make_blame();
  std::vector<ProcessRecord> records{first};
  for (const auto role :
       {ProcessRole::Fork, ProcessRole::Spawn, ProcessRole::Server, ProcessRole::Forkserver}) {
    auto child = make_process(
        4001 + static_cast<std::int64_t>(role),
        {{.thread = 1, .holds = 100, .hold_ticks = 9'000'000, .lifetime = 10 * kMillisecondTicks}});
    child.parent_pid = 4001;
    child.role = role;
    if (role == ProcessRole::Spawn) child.name = "parser\x1b[31m";
    child.wall = Nanoseconds(10 * kMillisecondTicks);
    child.cpu = Nanoseconds(9'100'000);
    name_threads(child, {"MainThread"});
    records.push_back(child);
  }
  records.front().figures.handoffs = {{.gil = GilId{0}, .from = ThreadId{1}, .to = ThreadId{2}, .count = 17},
                                      {.gil = GilId{0}, .to = ThreadId{1}, .count = 3}};
  records.back().parent_pid = 4004;
  records.back().cpu.reset();
  records.back().threads.front().cpu.reset();
  return records;
}

SummaryContext summary_context() {
  return {.python = {{"version", "3.13.0"},
                     {"implementation", "CPython"},
                     {"executable", "/usr/bin/python3"},
                     {"prefix", "/usr"},
                     {"linkage", "static"},
                     {"free_threaded", false},
                     {"config_args", nullptr}},
          .machine = {{"cpus", 8}, {"usable_cpus", 8.0}, {"model", "AMD EPYC 9654"}},
          .command = {"gilscope", "run", "app.py"}};
}

RecordedRun recorded(const std::vector<ProcessRecord>& records) {
  return {.processes = records, .clock = ClockKind::Tsc, .pair_cost_ns = 21.4, .exit_code = 0};
}

std::string report(const std::vector<ProcessRecord>& records, const TextStyle& style = {}) {
  return format_summary(summarize_run(recorded(records)), style);
}

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

TEST(SummaryReport, says_that_the_machine_was_suspended_and_the_json_has_it) {
  auto run = recorded(busy_records());
  EXPECT_THAT(format_summary(summarize_run(run)), Not(HasSubstr("suspended")));
  run.losses.suspended = std::chrono::milliseconds(12'300);
  const RunSummary summary = summarize_run(run);
  EXPECT_THAT(
      format_summary(summary, {.columns = 1000}),
      HasSubstr("The machine was suspended for 12.3 s while it ran: times across that are not reliable."));
  const auto document = summary_json(summary, {});
  EXPECT_EQ(document["probe"]["suspended_ns"], 12'300'000'000);
  EXPECT_EQ(read_summary(dump_json(document)).probe.losses.suspended, run.losses.suspended);
}

TEST(SummaryReport, says_what_tracing_cost_and_where_that_may_not_be_all) {
  auto run = recorded(busy_records());
  const auto text = [&] { return describe_probe(summarize_run(run).probe); };
  EXPECT_THAT(text(), HasSubstr(", and cost 21.4 ns a release and acquire: "));
  EXPECT_THAT(text(), Not(HasSubstr("may have lost")));
  auto& first = run.processes.front();
  first.figures.threads.front().waits += 1000;
  first.hooks = {.timed = 1000, .acquires = 300, .ticks = 50'000, .work_ticks = 2'000'000};
  EXPECT_THAT(text(),
              HasSubstr(", and cost 6.5 % of the time: 5.1 % with the GIL's mutex held, 1.4 % without. "
                        "Threads waited for the GIL so often that the program may have lost several times "
                        "that: gilscope run --cost measures it."));
  const RunSummary summary = summarize_run(run);
  const auto again = read_summary(dump_json(summary_json(summary, {}))).probe;
  EXPECT_EQ(describe_probe(again), text());
  run.pair_cost_ns.reset();
  EXPECT_THAT(text(), Not(HasSubstr("cost")));
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
  const auto summary = summarize_run(run);
  EXPECT_THAT(
      format_summary(summary, {.columns = 1000}),
      HasSubstr("Steps of event loops that took 50 ms or more, 410 ms in all:\n"
                "  handle (app.py:23) in MainThread: 4 × up to 112 ms (after 40.0 ms), 350 ms in all\n"
                "  collecting garbage (generation 2) in MainThread: once, 60.0 ms (after 10.0 ms)\n"));
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
  EXPECT_EQ(summary_json(again, {})["findings"], document["findings"]);
}

TEST(SummaryReport, looks_as_it_did_of_one_thread) {
  auto only = make_process(4001, {{.thread = 1, .holds = 20, .hold_ticks = 40 * kMillisecondTicks}});
  name_threads(only, {"MainThread"});
  only.cpu = Nanoseconds(41 * kMillisecondTicks);
  test::expect_golden("summary_one_thread.txt", report({only}));
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
  EXPECT_EQ(count(text, "\nthread "), 21U) << "and one line of titles";
  EXPECT_THAT(text, HasSubstr("(5 more threads, less busy: --json has them)"));
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

TEST(SummaryReport, shouts_where_events_were_dropped) {
  auto record = make_process(4001, {{.thread = 1, .holds = 1, .hold_ticks = 1}});
  EXPECT_THAT(report({record}), HasSubstr("dropped none"));
  record.figures.lost_events = 3;
  EXPECT_THAT(report({record}), HasSubstr("DROPPED 3: figures are too low"));
  auto run = recorded({record});
  run.dropped_events = 4;
  EXPECT_THAT(format_summary(summarize_run(run)), HasSubstr("DROPPED 7: figures and time line end"));
}

TEST(SummaryReport, says_how_many_processes_are_missing) {
  auto run = recorded({make_process(4001, {})});
  const auto text = [&] { return format_summary(summarize_run(run), {.columns = 200}); };
  EXPECT_THAT(text(), Not(HasSubstr("recorded")));
  run.losses.unrecorded_processes = 1;
  EXPECT_THAT(text(), HasSubstr("1 process could not be recorded."));
  run.losses.unrecorded_processes = 2;
  EXPECT_THAT(text(), HasSubstr("2 processes could not be recorded."));
}

TEST(SummaryReport, names_the_processes_that_go_on) {
  auto run = recorded({make_process(4001, {})});
  const auto text = [&] { return format_summary(summarize_run(run), {.columns = 200}); };
  EXPECT_THAT(text(), Not(HasSubstr("Still running")));
  run.running = {4002};
  EXPECT_THAT(text(), HasSubstr("Still running: 1 process (pid 4002). What comes after this report"));
  run.running = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_THAT(text(), HasSubstr("Still running: 10 processes (pid 1, 2, 3, 4, 5, 6, 7, 8 and 2 more)."));
  EXPECT_EQ(read_summary(summary_json(summarize_run(run), {.command = {"gilscope"}}).dump()).running,
            run.running);
}

TEST(SummaryReport, names_the_pythons_that_were_not_recorded_and_says_what_share_is_unseen) {
  auto run = recorded({make_process(4001, {})});
  const auto text = [&] { return format_summary(summarize_run(run), {.columns = 300}); };
  run.losses.unrecorded_programs = {{.command = "python -I a\x1b.py", .count = 2},
                                    {.command = std::string(111, 'x'), .count = 1}};
  run.losses.unseen_cpu_share = 0.09;
  EXPECT_THAT(text(), HasSubstr(" 3 Python processes were not recorded: python -I a"));
  EXPECT_THAT(text(), HasSubstr(".py (2 ×), xxx"));
  EXPECT_THAT(text(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(text(), Not(HasSubstr("not in this report")));
  run.losses.unseen_cpu_share = 0.62;
  EXPECT_THAT(text(), HasSubstr("; 62 % of the CPU time was in processes that are not in this report\n"));
  run.losses.unrecorded_programs = {{.command = "a", .count = 1}};
  EXPECT_THAT(text(), HasSubstr(" 1 Python process was not recorded: a."));
  const auto again = read_summary(dump_json(summary_json(summarize_run(run), {}))).probe.losses;
  EXPECT_EQ(again.unrecorded_programs, run.losses.unrecorded_programs);
  EXPECT_EQ(again.unseen_cpu_share, 0.62);
}

TEST(SummaryReport, says_nothing_of_a_cost_that_is_not_known) {
  const auto records = busy_records();
  const auto text = format_summary(summarize_run({.processes = records}));
  EXPECT_THAT(text, Not(HasSubstr("cost")));
  const auto json = summary_json(summarize_run({.processes = records}), summary_context());
  EXPECT_TRUE(json["probe"]["pair_cost_ns"].is_null());
  EXPECT_TRUE(json["probe"]["cost_share"].is_null());
}

TEST(SummaryAdvice, is_to_have_more_gils_where_threads_were_forced_and_larger_steps_where_they_were_not) {
  auto records = busy_records();
  records.front().blame.reset();
  EXPECT_THAT(report(records), HasSubstr("sub-interpreters have a GIL each"));
  for (auto& row : records.front().figures.threads) row.forced = 0;
  EXPECT_THAT(report(records), HasSubstr("threads give the GIL up often"));
}

TEST(SummaryVerdict, says_the_ceiling_with_as_many_digits_as_it_has) {
  const auto verdict = [](std::uint64_t hold_ticks) {
    auto process = make_process(1, {{.thread = 1, .holds = 1, .hold_ticks = hold_ticks}});
    process.cpu = Nanoseconds(90 * kMillisecondTicks);
    return describe_verdict(summarize_run(recorded({process})));
  };
  EXPECT_THAT(verdict(100 * kMillisecondTicks), HasSubstr("at most 1.00 × faster"));
  EXPECT_THAT(verdict(40 * kMillisecondTicks), HasSubstr("at most 2.50 × faster"));
  EXPECT_THAT(verdict(2 * kMillisecondTicks), HasSubstr("at most 50 × faster"));
}

TEST(SummaryVerdict, says_nothing_of_a_ceiling_of_a_program_that_sleeps) {
  auto process = make_process(1, {{.thread = 1, .holds = 1, .hold_ticks = kMillisecondTicks}});
  process.cpu = Nanoseconds(kMillisecondTicks);
  EXPECT_EQ(describe_verdict(summarize_run(recorded({process}))),
            "one thread used the GIL, and had it to itself, for 1.0 % of the time");
}

TEST(SummaryVerdict, says_how_long_the_gil_was_held_and_waited_for_where_it_is_no_bottleneck) {
  const test::RowSpec computes{.thread = 1, .holds = 9, .hold_ticks = 40 * kMillisecondTicks};
  const test::RowSpec waits{.thread = 2, .holds = 1, .hold_ticks = 100, .waits = 1, .wait_ticks = 3'000'000};
  EXPECT_EQ(describe_verdict(summarize_run(recorded({make_process(1, {computes, waits})}))),
            "the GIL is no bottleneck here: it was held 40 % of the time, and threads waited 3.00 ms for it "
            "in all");
  EXPECT_EQ(
      describe_verdict(summarize_run(recorded({make_process(1, {computes}), make_process(2, {computes})}))),
      "the GIL is no bottleneck here: none was held more than 40 % of the time, and threads waited 0 ns for "
      "them in all");
}

TEST(SummaryShare, has_two_significant_digits) {
  for (const auto& [share, text] :
       std::initializer_list<std::pair<double, std::string>>{{0, "0 %"},
                                                             {1, "100 %"},
                                                             {0.714, "71 %"},
                                                             {0.0996, "10 %"},
                                                             {0.0994, "9.9 %"},
                                                             {0.00996, "1.0 %"},
                                                             {0.004, "0.40 %"},
                                                             {0.00012, "0.012 %"},
                                                             {0.00001, "0.001 %"},
                                                             {0.000001, "<0.001 %"}}) {
    EXPECT_EQ(format_share(share), text);
  }
}

TEST(StartMethod, is_known_of_children_only) {
  EXPECT_EQ(start_method_of(ProcessRole::First), std::nullopt);
  EXPECT_EQ(start_method_of(ProcessRole::Server), std::nullopt);
  EXPECT_EQ(start_method_of(ProcessRole::Fork), "fork");
  EXPECT_EQ(start_method_of(ProcessRole::Spawn), "spawn");
  EXPECT_EQ(start_method_of(ProcessRole::Forkserver), "forkserver");
  EXPECT_EQ(start_method_of(ProcessRole::Started), "exec");
}

}  // namespace
}  // namespace gilscope
