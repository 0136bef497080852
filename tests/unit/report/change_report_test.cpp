#include "report/change_report.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/process_records.h"
#include "golden.h"
#include "report/summary_records.h"

namespace gilscope {
namespace {

using test::kMillisecondTicks;
using test::make_process;
using test::summary_context;
using test::two_that_compete;
using testing::HasSubstr;
using testing::Not;

RecordedRun run_before() {
  auto first = make_process(4001, two_that_compete({{.thread = 3, .holds = 4, .hold_ticks = 2'000'000}}));
  first.threads = {{.id = ThreadId{1}, .name = "MainThread", .cpu = Nanoseconds(50 * kMillisecondTicks)},
                   {.id = ThreadId{2}, .name = "parser", .cpu = Nanoseconds(46 * kMillisecondTicks)},
                   {.id = ThreadId{3}, .name = "old"}};
  first.cpu = Nanoseconds(96 * kMillisecondTicks);
  first.figures.gils[0].handoffs = 19;
  first.name = "before";
  auto child = make_process(4002, {{.thread = 1, .holds = 3, .hold_ticks = 10 * kMillisecondTicks}});
  child.role = ProcessRole::Fork;
  child.name = "ForkPoolWorker-1";
  child.cpu = Nanoseconds(11 * kMillisecondTicks);
  return {.processes = {first, child}, .exit_code = 0};
}

RecordedRun run_after() {
  auto first = make_process(
      5001,
      {{.thread = 7, .holds = 12, .hold_ticks = 48'500'000, .waits = 4, .wait_ticks = 5'250'000, .forced = 1},
       {.thread = 8, .holds = 10, .hold_ticks = 5'000'000},
       {.thread = 9, .gil = 1, .holds = 10, .hold_ticks = 45'000'000}});
  first.wall = Nanoseconds(60 * kMillisecondTicks);
  first.threads = {{.id = ThreadId{7}, .name = "MainThread", .cpu = Nanoseconds(50 * kMillisecondTicks)},
                   {.id = ThreadId{8}, .name = "parser", .cpu = Nanoseconds(5 * kMillisecondTicks)}};
  first.cpu = Nanoseconds(101 * kMillisecondTicks);
  first.figures.gils[0].handoffs = 4;
  first.name = "after";
  return {.processes = {first}, .exit_code = 1};
}

ChangeReport make_report(const RecordedRun& before, const RecordedRun& after) {
  ChangeReport report{.before = summarize_run(before),
                      .after = summarize_run(after),
                      .before_context = summary_context("app.py"),
                      .after_context = summary_context("app.py")};
  report.change = compare_runs(report.before, report.after);
  return report;
}

std::string as_json(const ChangeReport& report) { return change_json(report).dump(2) + "\n"; }

TEST(ChangeReport, looks_as_it_did) {
  const auto report = make_report(run_before(), run_after());
  test::expect_golden("change.txt", format_change(report));
  test::expect_golden("change.json", as_json(report));
}

TEST(ChangeReport, of_runs_the_other_way_round_looks_as_it_did) {
  auto report = make_report(run_after(), run_before());
  report.answer = {.allowed = 0.125, .worsening = judge_worsening(report.change, 0.125)};
  test::expect_golden("change_worse.txt", format_change(report));
  test::expect_golden("change_worse.json", as_json(report));
}

TEST(ChangeReport, fits_its_columns) {
  std::istringstream lines(format_change(make_report(run_before(), run_after())));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(count_columns(line), 100U) << line;
}

TEST(ChangeReport, says_what_became_of_the_waiting) {
  const auto waited = [](std::uint64_t ticks) {
    return RecordedRun{
        .processes = {make_process(
            1, {{.holds = 2, .hold_ticks = 9, .waits = ticks > 0 ? 1U : 0U, .wait_ticks = ticks}})}};
  };
  const auto text = [&](std::uint64_t before, std::uint64_t after) {
    return describe_change(make_report(waited(before), waited(after)).change);
  };
  EXPECT_EQ(text(0, 0), "no thread waited for the GIL, neither before nor after");
  EXPECT_EQ(text(0, 5'000'000), "threads waited 5.00 ms for the GIL; before, none did");
  EXPECT_EQ(text(5'000'000, 5'000'100), "threads waited as long for the GIL as before: 5.00 ms");
  EXPECT_EQ(text(4'000'000, 3'000'000),
            "threads waited 25 % less for the GIL: 3.00 ms; before, it was 4.00 ms");
  EXPECT_EQ(text(1'000'000, 3'500'000),
            "threads waited 250 % longer for the GIL: 3.50 ms; before, it was 1.00 ms");
}

TEST(ChangeReport, says_which_capture_is_not_whole) {
  auto damaged = run_before();
  damaged.dropped_events = 3;
  const auto whole = run_after();
  const auto text = [](const RecordedRun& before, const RecordedRun& after) {
    return format_change(make_report(before, after));
  };
  EXPECT_THAT(text(whole, whole), Not(HasSubstr("not whole")));
  EXPECT_THAT(text(damaged, whole), HasSubstr("The first capture is not whole: figures are too low."));
  EXPECT_THAT(text(whole, damaged), HasSubstr("The second capture is not whole: figures are too low."));
  EXPECT_THAT(text(damaged, damaged), HasSubstr("Both captures are not whole: figures are too low."));
}

TEST(ChangeReport, tells_the_limit_as_it_was_given) {
  EXPECT_EQ(describe_answer({.allowed = 0.125, .worsening = Worsening::Worse}),
            "WORSE: the waiting grew by more than 12.5 %.");
  EXPECT_THAT(describe_answer({.allowed = 0, .worsening = Worsening::None}), HasSubstr("more than 0 %."));
  EXPECT_THAT(describe_answer({.allowed = 0.1, .worsening = Worsening::Small}),
              HasSubstr("less than 1.0 % of the time"));
}

TEST(ChangeReport, names_cannot_steer_a_terminal) {
  auto run = run_before();
  run.processes[0].threads[1].name = "\x1b[31mred\n";
  EXPECT_THAT(format_change(make_report(run, run)), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace gilscope
