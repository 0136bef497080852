#include "report/pythons_report.h"

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

using test::failed_trial;
using test::lines_of;
using test::of_two_workers;
using test::trials_of;
using testing::HasSubstr;
using testing::Not;

CompareContext context_of(std::string version, bool free_threaded, Engine engine) {
  return {.python = {{"version", std::move(version)},
                     {"implementation", "CPython"},
                     {"executable", "/usr/bin/python3"},
                     {"linkage", engine == Engine::Host ? "static" : "stock"},
                     {"free_threaded", free_threaded},
                     {"config_args", nullptr}},
          .machine = {{"cpus", 8}, {"usable_cpus", 8.0}, {"model", "AMD EPYC 9654"}},
          .command = {"gilscope", "compare", "--python", "python3.13,python3.12", "app.py:parse"},
          .tasks = {"app.py:parse"},
          .workers = 2,
          .rounds = 5,
          .rounds_done = 5,
          .engine = engine};
}

ModeTrials of_gil(ModeTrials trials, GilKind gil) {
  trials.gil = gil;
  return trials;
}

// An ordinary build by its host, one without, and a free-threaded one whose processes fail.
std::vector<PythonComparison> three() {
  auto processes = trials_of(Mode::Processes, 112);
  for (auto& record : processes.records) record.start_method = "fork";
  const ModeTrials no_subinterpreters{
      .mode = Mode::Subinterpreters,
      .gil = GilKind::Own,
      .records = {},
      .unavailable = std::string(why_unavailable(Engine::Timing, Mode::Subinterpreters))};
  return {{"python3.13",
           compare_modes({trials_of(Mode::Sequential, 200),
                          of_two_workers(trials_of(Mode::Threads, 204), {.gil = 198, .cpu = 9}),
                          of_gil(trials_of(Mode::Subinterpreters, 120), GilKind::Own), processes}),
           context_of("3.13.0", false, Engine::Host)},
          {"/opt/python3.12/bin/python3",
           compare_modes({trials_of(Mode::Sequential, 230), trials_of(Mode::Threads, 231), no_subinterpreters,
                          trials_of(Mode::Processes, 130)}),
           context_of("3.12.1", false, Engine::Timing)},
          {"python3.13t",
           compare_modes(
               {of_gil(trials_of(Mode::Sequential, 260), GilKind::None),
                of_gil(of_two_workers(trials_of(Mode::Threads, 141), {.gil = {}, .lock = 17}), GilKind::None),
                no_subinterpreters,
                {Mode::Processes, GilKind::None, {failed_trial(TrialFailure::Kind::Task)}}}),
           context_of("3.13.5", true, Engine::Timing)}};
}

TEST(PythonsReport, looks_as_it_did) { test::expect_golden("pythons.txt", format_pythons(three())); }

TEST(PythonsReport, has_the_json_it_had) {
  test::expect_golden("pythons.json", pythons_json(three()).dump(2) + "\n");
}

TEST(PythonsReport, puts_those_for_which_a_line_has_no_room_below) {
  auto pythons = three();
  pythons.push_back(pythons[1]);
  pythons.push_back(pythons[2]);
  const auto text = format_pythons(pythons);
  for (const auto& line : lines_of(text)) EXPECT_LE(count_columns(line), 100U) << line;
  EXPECT_THAT(text, HasSubstr("1: 3.13.0, its own host"));
  EXPECT_THAT(text, HasSubstr("\n                    4: 3.12.1, timing only    5: 3.13.5t, timing only\n"));
  EXPECT_THAT(format_pythons(three(), {.columns = 20}), HasSubstr("\nsequential         260 ms"));
}

TEST(PythonsReport, has_the_time_of_each_beside_the_first) {
  const auto json = pythons_json(three()).at("pythons");
  EXPECT_EQ(json[0]["sequential_ratio"]["median"], 1.0);
  EXPECT_EQ(json[1]["sequential_ratio"]["median"], 1.15);
  EXPECT_EQ(json[2]["sequential_ratio"]["median"], 1.3);
}

TEST(PythonsReport, has_no_ratio_without_a_sequential_time) {
  auto pythons = three();
  pythons[0].comparison = compare_modes({trials_of(Mode::Threads, 200)});
  const auto json = pythons_json(pythons).at("pythons");
  ASSERT_EQ(json.size(), pythons.size());
  for (const auto& python : json) EXPECT_TRUE(python["sequential_ratio"].is_null());
}

TEST(PythonsReport, of_one_python_has_all_that_its_own_document_has) {
  const auto pythons = three();
  const auto json = pythons_json(pythons).at("pythons");
  for (std::size_t i = 0; i < pythons.size(); ++i) {
    auto document = json[i];
    for (const auto* key : {"path", "engine", "sequential_ratio"}) document.erase(key);
    EXPECT_EQ(document, comparison_json(pythons[i].comparison, pythons[i].context));
  }
}

TEST(PythonsReport, paints_the_best_mode_of_each_and_what_failed) {
  EXPECT_THAT(format_pythons(three()), Not(HasSubstr("\x1b")));
  const auto text = format_pythons(three(), {.colour = Colour::On});
  EXPECT_THAT(text, HasSubstr("\x1b[32m    112 ms 1.79"));
  EXPECT_THAT(text, HasSubstr("failed\x1b[0m"));
}

TEST(PythonsReport, lets_no_path_steer_the_terminal) {
  auto pythons = three();
  pythons[1].path = "/\x1b[2J/python";
  EXPECT_THAT(format_pythons(pythons), HasSubstr(": /?[2J/python\n"));
}

TEST(CompareReport, says_that_a_stock_python_was_only_timed) {
  const auto python = three()[1];
  EXPECT_THAT(format_comparison(python.comparison, python.context),
              HasSubstr("CPython 3.12.1 (timing only)\n"));
}

}  // namespace
}  // namespace gilscope
