#include "report/compare_report.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden.h"
#include "report/lines.h"
#include "trials.h"

namespace gilscope {
namespace {

using nlohmann::ordered_json;
using test::failed_trial;
using test::lines_of;
using test::trials_of;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

CompareContext context_of(std::vector<std::string> tasks = {"app.py:parse"}) {
  return {.python = {{"version", "3.13.0"},
                     {"implementation", "CPython"},
                     {"executable", "/usr/local/bin/python3.13"},
                     {"prefix", "/usr/local"},  // not the comparison's to show
                     {"linkage", "static"},
                     {"free_threaded", false},
                     {"config_args", "'--enable-optimizations'"}},
          .machine = {{"cpus", 8}, {"usable_cpus", 8.0}, {"model", "AMD EPYC 9654"}, {"load_average", 0.25}},
          .command = {"gilscope", "compare", "app.py:parse", "--json", "-"},
          .tasks = std::move(tasks),
          .workers = 2,
          .rounds = 5,
          .rounds_done = 5};
}

ModeSummary summary(Mode mode, GilKind gil, const Estimate& work, const Estimate& speedup) {
  ModeSummary summary{.mode = mode, .gil = gil};
  summary.work_samples_ns = {*work.low, work.median, work.median, work.median, *work.high};
  summary.setup_samples_ns = {1e6, 4.2e6, 4.2e6, 4.2e6, 9e6};
  summary.work_ns = work;
  summary.setup_ns = Estimate{4.2e6, 1e6, 9e6};
  summary.speedup = speedup;
  summary.concurrency = 2;
  summary.parallelism = 1;
  summary.cpu_ns = work.median;
  summary.max_rss_bytes = 19.1 * 0x1p20;
  summary.results_equal = true;
  return summary;
}

// What a run on two free cores of an ordinary build looks like.
Comparison ordinary_comparison() {
  Comparison comparison;
  comparison.modes = {
      summary(Mode::Sequential, GilKind::Shared, {1.234e9, 1.201e9, 1.301e9}, {1, 1, 1}),
      summary(Mode::Threads, GilKind::Shared, {1.259e9, 0.9951e9, 1.34e9}, {0.98, 0.92, 1.04}),
      summary(Mode::Subinterpreters, GilKind::Own, {687e6, 670e6, 702e6}, {1.796, 1.75, 1.85}),
      summary(Mode::Processes, GilKind::Own, {649.4e6, 641e6, 655e6}, {1.9, 1.85, 1.95}),
      summary(Mode::Asyncio, GilKind::Shared, {1.24e9, 1.21e9, 1.31e9}, {0.995, 0.94, 1.05})};
  auto& modes = comparison.modes;
  modes[0].concurrency = 1;
  modes[2].parallelism = 1.93;
  modes[2].slow_modules = {"datetime", "decimal"};
  modes[2].max_rss_bytes = 1.5 * 0x1p30;
  modes[3].parallelism = 1.99;
  modes[3].start_method = "forkserver";
  for (auto& mode : modes) {
    mode.gil_figures = {.holds = 91, .hold_ns = 1.23e9, .hold_share = 0.998};
  }
  modes[1].gil_figures = {.holds = 1035,
                          .hold_ns = 1.25e9,
                          .hold_share = 0.9931,
                          .waits = 940,
                          .wait_ns = 1.2e9,
                          .wait_share = 0.4949,
                          .forced = 936,
                          .handoffs = 941,
                          .handoffs_per_s = 747.4};
  modes[1].worker_time = {.whole = 2.518e9,
                          .alone = 1.234e9,
                          .for_gil = 1.2e9,
                          .for_locks = 2.1e6,
                          .stopped = 0,
                          .no_cpu = 21e6,
                          .no_task = 0,
                          .rest = 60.9e6};
  modes[3].worker_time = {.whole = 1.2988e9, .alone = 1.234e9, .no_task = 80e6, .rest = -15.2e6};
  comparison.ceiling = 1.0231;
  modes[4].results_equal.reset();
  modes[4].max_rss_bytes.reset();
  comparison.verdict = {.kind = Verdict::Kind::OneWins,
                        .best_mode = Mode::Processes,
                        .peers = {},
                        .without_gain = {Mode::Threads, Mode::Asyncio}};
  return comparison;
}

// One mode that raised, one that hung, one that crashed, one that was never run, one whose result is another.
Comparison unlucky() {
  auto threads = trials_of(Mode::Threads, 100);
  for (auto& record : threads.records) record.digests = {"other"};
  auto failure =
      failed_trial(TrialFailure::Kind::Task,
                   "ValueError: signal only works in main thread of the main interpreter, and this message "
                   "is longer than what is left of one line");
  failure.failure->traceback =
      "Traceback (most recent call last):\n  File \"/home/zoë/app.py\", line 3, in parse\n    raise "
      "ValueError(\"\x1b]0;gotcha\x07\")\nValueError: signal only works in main thread\n";
  auto hang = failed_trial(TrialFailure::Kind::Timeout, "ran longer than 60 s");
  hang.failure->traceback = "";
  auto crash = failed_trial(TrialFailure::Kind::Ended, "its process was ended by SIGSEGV");
  crash.failure->traceback = "Fatal Python error: Segmentation fault";
  auto comparison = compare_modes({trials_of(Mode::Sequential, 100),
                                   threads,
                                   {Mode::Subinterpreters, GilKind::Own, {failure}},
                                   {Mode::Processes, GilKind::Own, {crash}},
                                   {Mode::Asyncio, GilKind::Shared, {hang}}});
  comparison.modes.push_back(compare_modes({{Mode::Asyncio, GilKind::Shared, {}}}).modes.front());
  return comparison;
}

// The table's own lines: from the titles to the next blank one.
std::vector<std::string> table_of(const std::string& text) {
  const auto lines = lines_of(text);
  const auto begin = std::ranges::find_if(lines, [](const auto& line) { return line.starts_with("mode "); });
  return {begin, std::find(begin, lines.end(), "")};
}

TEST(CompareReport, looks_as_it_did) {
  test::expect_golden("compare.txt", format_comparison(ordinary_comparison(), context_of()));
}

TEST(CompareReport, of_modes_that_failed_looks_as_it_did) {
  test::expect_golden("compare_failed.txt",
                      format_comparison(unlucky(), context_of({"app.py:parse", "app.py:load"})));
}

TEST(CompareReport, has_the_json_it_had) {
  test::expect_golden("compare.json", comparison_json(ordinary_comparison(), context_of()).dump(2) + "\n");
}

TEST(CompareReport, of_modes_that_failed_has_the_json_it_had) {
  test::expect_golden("compare_failed.json", comparison_json(unlucky(), context_of()).dump(2) + "\n");
}

TEST(CompareReport, has_a_table_of_at_most_100_columns_whatever_the_figures) {
  const std::vector<double> times{0,      0.1,  0.9, 12.34,  999.6,  1e3,     123'456, 999'600,
                                  1.05e6, 99e6, 1e9, 59.9e9, 3600e9, 99999e9, 1e15};
  const std::vector<double> ratios{0, 0.0001, 0.98, 1, 9.996, 15.8, 99.96, 128, 1024, 1234.56, 1e6};
  for (const double time : times) {
    for (const double ratio : ratios) {
      for (const double spread : {1.0, 1.3, 40.0, 1e4, 1e12}) {
        const Estimate work{time, time / spread, time * spread};
        const Estimate speedup{ratio, ratio / spread, ratio * spread};
        Comparison comparison;
        comparison.modes = {summary(Mode::Subinterpreters, GilKind::Shared, work, speedup)};
        auto& mode = comparison.modes.front();
        mode.setup_ns = work;
        mode.cpu_ns = time * 256;
        mode.concurrency = std::min(ratio, 1024.0);
        mode.parallelism = std::min(ratio, 1024.0);
        mode.max_rss_bytes = std::min(time * 1024, 1e15);
        for (const auto& line : table_of(format_comparison(comparison, context_of()))) {
          ASSERT_LE(count_columns(line), 100U) << line;
        }
      }
    }
  }
}

TEST(CompareReport, keeps_its_columns_one_below_the_other) {
  const auto table = table_of(format_comparison(ordinary_comparison(), context_of()));
  ASSERT_EQ(table.size(), 6U);
  std::vector<std::size_t> lengths;
  std::ranges::transform(table, std::back_inserter(lengths), count_columns);
  EXPECT_THAT(lengths, Each(100U));
}

TEST(CompareReport, shows_an_interval_that_crosses_a_power_of_ten_with_the_decimals_of_the_median) {
  Comparison comparison;
  comparison.modes = {summary(Mode::Threads, GilKind::Shared, {1.05e6, 0.98e6, 1.1e6}, {10.4, 9.9, 11.2})};
  const auto text = format_comparison(comparison, context_of());
  EXPECT_THAT(text, HasSubstr(" 1.05 ms (0.98–1.10) "));
  EXPECT_THAT(text, HasSubstr(" 10.4 (9.9–11.2) "));
}

TEST(CompareReport, shows_a_wide_interval_with_fewer_decimals_rather_than_not_at_all) {
  Comparison comparison;
  comparison.modes = {
      summary(Mode::Threads, GilKind::Shared, {1.05e6, 0.98e6, 1234.4e6}, {1.05, 0.5, 1234.5})};
  const auto text = format_comparison(comparison, context_of());
  EXPECT_THAT(text, HasSubstr(" 1.05 ms (1–1234) "));
  EXPECT_THAT(text, HasSubstr(" 1.05 (0–1234) "));
}

TEST(CompareReport, shows_no_interval_of_few_rounds) {
  const auto comparison =
      compare_modes({trials_of(Mode::Sequential, 100, 3), trials_of(Mode::Threads, 50, 3)});
  const auto table = table_of(format_comparison(comparison, context_of()));
  ASSERT_EQ(table.size(), 3U);
  EXPECT_THAT(table[2], HasSubstr(" 49.0 ms "));
  EXPECT_THAT(table[2], Not(HasSubstr("(")));
}

TEST(CompareReport, has_colour_only_when_asked) {
  for (const auto& comparison : {ordinary_comparison(), unlucky()}) {
    EXPECT_THAT(format_comparison(comparison, context_of()), Not(HasSubstr("\x1b")));
    EXPECT_THAT(format_comparison(comparison, context_of(), {.colour = Colour::On}), HasSubstr("\x1b["));
  }
}

TEST(CompareReport, paints_the_best_mode_and_no_other) {
  for (const auto& line :
       lines_of(format_comparison(ordinary_comparison(), context_of(), {.colour = Colour::On}))) {
    const bool is_green = line.starts_with("\x1b[32m");
    EXPECT_EQ(is_green, line.find("processes       own") != std::string::npos) << line;
  }
}

TEST(CompareReport, lets_nobody_elses_text_steer_the_terminal) {
  const std::string evil =
      "\x1b[2J\x1b]0;title\x07\r\xC2\x9B"
      "31m";
  auto failure = failed_trial(TrialFailure::Kind::Task, "ValueError: " + evil);
  failure.failure->traceback = "Traceback\n  " + evil + "\nValueError: " + evil + "\n";
  const auto comparison = compare_modes({{Mode::Sequential, GilKind::Shared, {failure}}});
  const auto text = format_comparison(comparison, context_of({"app\x1b[31m.py:" + evil}));
  for (const char control : {'\x1b', '\x07', '\r'}) EXPECT_EQ(text.find(control), std::string::npos);
  EXPECT_EQ(text.find("\xC2\x9B"), std::string::npos);
  EXPECT_THAT(text, HasSubstr("  ValueError: ?[2J?]0;title???31m\n"));  // still there, and harmless
}

TEST(CompareReport, shows_the_traceback_of_several_modes_once) {
  const auto failure = failed_trial(TrialFailure::Kind::Task);
  const auto comparison = compare_modes(
      {{Mode::Sequential, GilKind::Shared, {failure}}, {Mode::Threads, GilKind::Shared, {failure}}});
  const auto text = format_comparison(comparison, context_of());
  EXPECT_THAT(text, HasSubstr("\nsequential, threads:\n  Traceback: no\n"));
  EXPECT_EQ(text.find("Traceback: no"), text.rfind("Traceback: no"));
}

TEST(CompareReport, shows_both_ends_of_a_very_long_traceback) {
  auto failure = failed_trial(TrialFailure::Kind::Task);
  failure.failure->traceback.clear();
  for (int line = 0; line < 1000; ++line) failure.failure->traceback += "line " + std::to_string(line) + "\n";
  const auto comparison = compare_modes({{Mode::Sequential, GilKind::Shared, {failure}}});
  const auto text = format_comparison(comparison, context_of());
  EXPECT_THAT(text, HasSubstr("  line 9\n  (980 more lines: --json has them)\n  line 990\n"));
  EXPECT_THAT(text, HasSubstr("  line 999\n"));
}

TEST(CompareReport, shortens_a_message_of_megabytes) {
  auto failure = failed_trial(TrialFailure::Kind::Task, "ValueError: " + std::string(3'000'000, 'x'));
  failure.failure->traceback = failure.failure->message;
  const auto comparison = compare_modes({{Mode::Sequential, GilKind::Shared, {failure}}});
  EXPECT_LT(format_comparison(comparison, context_of()).size(), 3000U);
  EXPECT_GT(comparison_json(comparison, context_of()).dump().size(), 6'000'000U);  // which has it whole
}

TEST(CompareReport, says_one_worker_and_one_round_in_the_singular) {
  auto context = context_of();
  context.workers = 1;
  context.rounds_done = 1;
  EXPECT_THAT(format_comparison(ordinary_comparison(), context),
              HasSubstr("app.py:parse × 1, 1 worker, 1 round, CPython 3.13.0"));
  EXPECT_THAT(format_comparison(ordinary_comparison(), context_of()), HasSubstr("2 workers, 5 rounds"));
}

TEST(CompareReport, says_what_threads_pay_for_memory_that_they_share) {
  auto comparison = ordinary_comparison();
  comparison.memory_cost = MemoryCost{.threads = {.median = 2.104, .low = 2, .high = 2.2},
                                      .processes = {.median = 1.02, .low = 1, .high = 1.04}};
  EXPECT_THAT(describe_verdict(comparison),
              testing::EndsWith(
                  "; threads cost 2.10 × the CPU time of the sequential work (processes: 1.02 ×), and waited "
                  "for nothing: they write to the same memory, as reference counts of objects that all use"));
  const auto json = comparison_json(comparison, context_of());
  EXPECT_EQ(json["verdict"]["memory_cost"]["threads"]["median"], 2.104);
  EXPECT_EQ(json["verdict"]["memory_cost"]["processes"]["high"], 1.04);
}

TEST(CompareReport, says_that_python_is_free_threaded) {
  auto context = context_of();
  context.python["free_threaded"] = true;
  EXPECT_THAT(format_comparison(ordinary_comparison(), context),
              HasSubstr("CPython 3.13.0 free-threaded (static libpython)"));
}

TEST(CompareReport, has_the_rounds_that_were_done_where_it_was_interrupted) {
  auto context = context_of();
  context.rounds_done = 2;
  EXPECT_THAT(format_comparison(ordinary_comparison(), context), HasSubstr("2 rounds"));
  const auto json = comparison_json(ordinary_comparison(), context);
  EXPECT_EQ(json["rounds"], 5);
  EXPECT_EQ(json["rounds_done"], 2);
}

TEST(CompareJson, has_null_for_what_is_unknown_and_never_zero) {
  const ModeTrials failed{Mode::Threads, GilKind::Shared, {failed_trial(TrialFailure::Kind::Task)}};
  const auto json = comparison_json(compare_modes({failed, {Mode::Asyncio, GilKind::Shared, {}}}), {});
  for (const auto& mode : json["modes"]) {
    for (const auto* key : {"work_ns", "setup_ns", "speedup", "concurrency", "parallelism", "cpu_ns",
                            "max_rss_bytes", "results_equal", "start_method"}) {
      EXPECT_TRUE(mode.at(key).is_null()) << key;
    }
  }
  EXPECT_TRUE(json["verdict"]["best_mode"].is_null());
  EXPECT_TRUE(json["python"]["version"].is_null());
  EXPECT_TRUE(json["machine"]["cpus"].is_null());
}

TEST(CompareJson, has_null_bounds_and_no_reason_for_few_good_rounds) {
  const auto json = comparison_json(compare_modes({trials_of(Mode::Sequential, 100, 2)}), context_of());
  const auto& mode = json["modes"][0];
  EXPECT_EQ(mode["status"], "ok");
  EXPECT_TRUE(mode["reason"].is_null());
  EXPECT_TRUE(mode["traceback"].is_null());
  EXPECT_TRUE(mode["work_ns"]["low"].is_null());
  EXPECT_TRUE(mode["speedup"]["high"].is_null());
  EXPECT_EQ(mode["work_ns"]["median"], 98'500'000);
  EXPECT_EQ(mode["work_ns"]["samples"], (ordered_json{98'000'000, 99'000'000}));
}

TEST(CompareJson, has_times_and_bytes_as_integers) {
  const auto json = comparison_json(ordinary_comparison(), context_of());
  for (const auto& mode : json["modes"]) {
    EXPECT_TRUE(mode["work_ns"]["median"].is_number_integer());
    EXPECT_TRUE(mode["setup_ns"]["high"].is_number_integer());
    EXPECT_TRUE(mode["cpu_ns"].is_number_integer());
    EXPECT_THAT(mode["work_ns"]["samples"], Each(testing::Property(&ordered_json::is_number_integer, true)));
  }
  EXPECT_EQ(json["modes"][0]["max_rss_bytes"], 20'027'802);
}

TEST(CompareJson, names_every_status_and_its_reason) {
  const auto json = comparison_json(unlucky(), context_of());
  const auto& modes = json["modes"];
  EXPECT_EQ(modes[0]["status"], "ok");
  EXPECT_EQ(modes[2]["status"], "failed");
  EXPECT_EQ(modes[3]["reason"], "its process was ended by SIGSEGV");
  EXPECT_EQ(modes[4]["status"], "timeout");
  EXPECT_EQ(modes[5]["status"], "unavailable");
  EXPECT_EQ(modes[5]["reason"], "no trial of it was made before the comparison ended");
}

TEST(CompareJson, has_the_same_verdict_as_the_text) {
  const auto comparison = ordinary_comparison();
  const auto json = comparison_json(comparison, context_of());
  EXPECT_EQ(json["verdict"]["text"], describe_verdict(comparison));
  EXPECT_EQ(json["verdict"]["kind"], "one_wins");
  EXPECT_EQ(json["verdict"]["best_mode"], "processes");
}

}  // namespace
}  // namespace gilscope
