#include "report/article_report.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "article_measurements.h"
#include "golden.h"
#include "report/lines.h"
#include "report/page.h"

namespace gilscope {
namespace {

using test::agreeing_measurements;
using test::fail;
using test::flavour;
using test::holds_of;
using test::kMillisecond;
using test::lines_of;
using test::mode_of;
using test::mode_result;
using test::sure;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

ArticleContext article_context() {
  return {.python = {{"version", "3.13.0"},
                     {"implementation", "CPython"},
                     {"executable", "/usr/local/bin/python3.13"},
                     {"prefix", "/usr/local"},  // not the report's to show
                     {"linkage", "static"},
                     {"free_threaded", false},
                     {"config_args", "'--enable-optimizations'"}},
          .machine = {{"cpus", 8}, {"usable_cpus", 2.5}, {"model", "AMD EPYC 9654"}, {"load_average", 0.25}},
          .command = {"gilscope", "article", "--json", "-"},
          .iterations = 10'000'000,
          .scale = 0.05,
          .rounds = 5};
}

// What an ordinary build finds: claims that hold, that do not, that cannot be told; and what failed.
ArticleMeasurements ordinary() {
  auto made = agreeing_measurements();
  made.forced_holds = {{holds_of(5 * kMillisecond, true, 5 * kMillisecond, 12), ""},
                       {holds_of(kMillisecond, false, kMillisecond, 12), ""}};
  made.flavours.value->at(1) = flavour("PyPy", true);
  made.flavours.value->at(1).version = "3.9.16, PyPy 7.3.11 with a long tail";
  auto untold = flavour("Jython", false);
  untold.version = "2.7.3";
  untold.has_gil.reset();
  untold.reason = "a busy machine: two processes gained 1.14 ×";
  made.flavours.value->push_back(untold);
  mode_of(made.waits, Mode::Threads).speedup = {1.4, 0.9, 1.6};
  fail(mode_of(made.counting, Mode::Subinterpreters), "ran longer than 60 s");
  made.programs.push_back(
      {"count_native", {std::nullopt, "ended with exit code 1: No module named 'gilscope'"}});
  return made;
}

// By one round, and a signal: some of it is there, and of what was under way nothing.
ArticleMeasurements interrupted() {
  const auto all = agreeing_measurements();
  ArticleMeasurements made{.has_gil = true, .usable_cpus = 2};
  made.programs = {all.programs.front()};
  made.counting = all.counting;
  made.counting.value->rounds_done = 1;
  auto& modes = made.counting.value->comparison.modes;
  for (auto& mode : modes) {
    mode.speedup = Estimate{mode.speedup->median, std::nullopt, std::nullopt};
    mode.work_ns = Estimate{mode.work_ns->median, std::nullopt, std::nullopt};
    mode.setup_ns = Estimate{mode.setup_ns->median, std::nullopt, std::nullopt};
  }
  made.forced_holds = {all.forced_holds.front()};
  return made;
}

ArticleContext interrupted_context() {
  auto made = article_context();
  made.is_complete = false;
  return made;
}

// A Python without a GIL: nothing is recorded of its programs.
ArticleMeasurements without_gil() {
  auto made = agreeing_measurements();
  made.has_gil = false;
  for (auto& program : made.programs) program.run.value->summary.reset();
  for (auto* rounds :
       {&made.counting, &made.native_held, &made.native_released, &made.queries, &made.waits}) {
    for (auto& mode : rounds->value->comparison.modes) {
      mode.gil = GilKind::None;
      mode.gil_figures.reset();
    }
  }
  auto& threads = mode_of(made.counting, Mode::Threads);
  threads = mode_result(Mode::Threads, 526, sure(1.9), 2, 1.95, 0);
  threads.gil = GilKind::None;
  threads.gil_figures.reset();
  made.forced_holds = {{std::nullopt, "nothing was recorded"}, {std::nullopt, "nothing was recorded"}};
  return made;
}

TEST(ArticleReport, looks_as_it_did) {
  test::expect_golden("article.txt", format_article(ordinary(), article_context()));
}

TEST(ArticleReport, without_a_gil_and_in_colour_looks_as_it_did) {
  test::expect_golden("article_no_gil.txt",
                      format_article(without_gil(), article_context(), {.colour = Colour::On}));
}

TEST(ArticleReport, of_an_interrupted_run_looks_as_it_did) {
  test::expect_golden("article_interrupted.txt", format_article(interrupted(), interrupted_context()));
}

TEST(ArticleReport, has_the_json_it_had) {
  test::expect_golden("article.json", article_json(ordinary(), article_context()).dump(2) + "\n");
}

TEST(ArticleReport, of_an_interrupted_run_has_the_json_it_had) {
  test::expect_golden("article_interrupted.json",
                      article_json(interrupted(), interrupted_context()).dump(2) + "\n");
}

TEST(ArticleReport, keeps_to_its_columns) {
  for (const auto& measurements : {ordinary(), interrupted(), without_gil()}) {
    for (const auto& line : lines_of(format_article(measurements, article_context())))
      EXPECT_LE(count_columns(line), 100U) << line;
    for (const std::size_t columns : {60U, 1U}) {
      for (const auto& line : lines_of(format_article(measurements, article_context(), {.columns = columns})))
        EXPECT_LE(count_columns(line), 100U) << line;
    }
  }
}

TEST(ArticleReport, has_colour_only_when_asked) {
  for (const auto& measurements : {ordinary(), interrupted(), without_gil()}) {
    EXPECT_THAT(format_article(measurements, article_context()), Not(HasSubstr("\x1b")));
    EXPECT_THAT(format_article(measurements, article_context(), {.colour = Colour::On}),
                HasSubstr("\x1b[32mholds"));
  }
}

TEST(ArticleReport, lets_nobody_elses_text_steer_the_terminal) {
  const std::string evil =
      "\x1b[2J\x1b]0;title\x07\r\xC2\x9B"
      "31m";
  auto measurements = ordinary();
  measurements.programs.back().run.reason = evil;
  measurements.programs.front().run = {std::nullopt, evil};
  measurements.exchange.value->back().reason = evil;
  for (auto& row : *measurements.flavours.value) row.version = row.name = row.reason = evil;
  const auto text = format_article(measurements, article_context());
  for (const char control : {'\x1b', '\x07', '\r'}) EXPECT_EQ(text.find(control), std::string::npos);
  EXPECT_EQ(text.find("\xC2\x9B"), std::string::npos);
}

TEST(ArticleReport, says_whether_the_sizes_are_the_articles_own) {
  auto full = article_context();
  full.is_full = true;
  full.rounds = 1;
  EXPECT_THAT(format_article(ordinary(), full), HasSubstr("; 1 round of "));
  EXPECT_THAT(format_article(ordinary(), full), Not(HasSubstr("--full")));
  EXPECT_THAT(format_article(ordinary(), article_context()), HasSubstr("--full"));
}

TEST(ArticleReport, counts_the_verdicts) {
  EXPECT_THAT(format_article(agreeing_measurements(), article_context()),
              HasSubstr("\n13 claims: 13 hold, 0 do not, 0 cannot be tested here.\n"));
  ArticleMeasurements one{.has_gil = true, .usable_cpus = 2};
  one.programs = {agreeing_measurements().programs.front()};
  EXPECT_THAT(format_article(one, article_context()), HasSubstr("\n1 claim: 1 holds, 0 do not, 0 cannot"));
}

TEST(ArticleReport, of_programs_that_no_claim_is_about_has_them_and_no_claims) {
  ArticleMeasurements one{.has_gil = true, .usable_cpus = 2};
  one.programs = {{"tasks_threads", agreeing_measurements().programs.front().run}};
  const auto text = format_article(one, article_context());
  EXPECT_THAT(text, HasSubstr("\ntasks_threads "));
  EXPECT_THAT(text, Not(HasSubstr("claim")));
}

TEST(ArticleJson, has_times_as_integers_and_null_for_what_is_unknown) {
  const auto json = article_json(ordinary(), article_context());
  const auto& programs = json["programs"];
  EXPECT_TRUE(programs[0]["wall_ns"].is_number_integer());
  EXPECT_TRUE(programs[3]["wall_ns"].is_null());
  EXPECT_TRUE(programs[3]["exit_code"].is_null());
  EXPECT_TRUE(programs[3]["summary"].is_null());
  EXPECT_EQ(programs[3]["reason"], "ended with exit code 1: No module named 'gilscope'");
  EXPECT_TRUE(programs[0]["reason"].is_null());
  EXPECT_TRUE(json["exchange"].back()["latency_ns"].is_null());
  EXPECT_TRUE(json["flavours"][2]["version"].is_null());
}

TEST(ArticleJson, of_an_interrupted_run_says_so) {
  const auto json = article_json(interrupted(), interrupted_context());
  EXPECT_EQ(json["complete"], false);
  EXPECT_EQ(json["rounds"], 5);
  EXPECT_EQ(json["comparisons"]["counting"]["rounds_done"], 1);
  EXPECT_TRUE(json["comparisons"]["queries"].is_null());
}

TEST(ArticleJson, of_a_failed_switch_interval_has_the_reason) {
  const auto json = article_json(without_gil(), article_context());
  EXPECT_TRUE(json["forced_holds"][0]["switch_interval_ns"].is_null());
  EXPECT_EQ(json["forced_holds"][0]["reason"], "nothing was recorded");
}

TEST(ArticlePage, has_the_json_of_the_report_and_its_words) {
  const auto measurements = ordinary();
  const auto page = article_page(measurements, article_context());
  EXPECT_EQ(page.at("report"), article_json(measurements, article_context()));
  ASSERT_EQ(page.at("measured").size(), page.at("report").at("claims").size());
  for (std::size_t i = 0; i < page.at("measured").size(); ++i) {
    EXPECT_EQ(page.at("measured")[i].size(), page.at("report").at("claims")[i].at("measured").size());
  }
  EXPECT_THAT(page.at("count").get<std::string>(), StartsWith("13 claims: "));
  EXPECT_THAT(page.at("what").get<std::string>(), StartsWith("The article under CPython 3.13.0, "));
}

}  // namespace
}  // namespace gilscope
