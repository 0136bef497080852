// What a report lacks, and what it cost: said in words, and in the JSON.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "report/summary_records.h"
#include "report/summary_report.h"
#include "support/json_values.h"

namespace gilscope {
namespace {

using test::busy_records;
using test::make_process;
using test::recorded;
using test::report;
using test::summary_context;
using testing::HasSubstr;
using testing::Not;

TEST(SummaryLosses, says_that_the_machine_was_suspended_and_the_json_has_it) {
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

TEST(SummaryLosses, says_what_tracing_cost_and_where_that_may_not_be_all) {
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

TEST(SummaryLosses, shouts_where_events_were_dropped) {
  auto record = make_process(4001, {{.thread = 1, .holds = 1, .hold_ticks = 1}});
  EXPECT_THAT(report({record}), HasSubstr("dropped none"));
  record.figures.lost_events = 3;
  EXPECT_THAT(report({record}), HasSubstr("DROPPED 3: figures are too low"));
  auto run = recorded({record});
  run.dropped_events = 4;
  EXPECT_THAT(format_summary(summarize_run(run)), HasSubstr("DROPPED 7: figures and time line end"));
}

TEST(SummaryLosses, says_how_many_processes_are_missing) {
  auto run = recorded({make_process(4001, {})});
  const auto text = [&] { return format_summary(summarize_run(run), {.columns = 200}); };
  EXPECT_THAT(text(), Not(HasSubstr("recorded")));
  run.losses.unrecorded_processes = 1;
  EXPECT_THAT(text(), HasSubstr("1 process could not be recorded."));
  run.losses.unrecorded_processes = 2;
  EXPECT_THAT(text(), HasSubstr("2 processes could not be recorded."));
}

TEST(SummaryLosses, names_the_processes_that_go_on) {
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

TEST(SummaryLosses, names_the_pythons_that_were_not_recorded_and_says_what_share_is_unseen) {
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

TEST(SummaryLosses, says_nothing_of_a_cost_that_is_not_known) {
  const auto records = busy_records();
  const auto text = format_summary(summarize_run({.processes = records}));
  EXPECT_THAT(text, Not(HasSubstr("cost")));
  const auto json = summary_json(summarize_run({.processes = records}), summary_context());
  EXPECT_TRUE(json["probe"]["pair_cost_ns"].is_null());
  EXPECT_TRUE(json["probe"]["cost_share"].is_null());
}

}  // namespace
}  // namespace gilscope
