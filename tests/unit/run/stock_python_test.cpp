#include "run/stock_python.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "expect_error.h"
#include "scratch_folder.h"

namespace gilscope {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

std::string answer(const nlohmann::json& json) { return "noise\n\ngilscope-answer:" + json.dump() + "\n"; }

nlohmann::json facts() {
  return {
      {"version", "3.13.5"},      {"implementation", "CPython"}, {"executable", "/environment/bin/python"},
      {"prefix", "/environment"}, {"base_prefix", "/usr"},       {"base_executable", "/usr/bin/python3.13"},
      {"free_threaded", true},    {"config_args", nullptr}};
}

std::string refusal(const std::string& output) {
  return error_of([&] { static_cast<void>(parse_python_facts(output)); }).what();
}

TEST(StockTrialFolder, has_the_modules_that_a_stock_python_runs_while_it_lives) {
  std::filesystem::path path;
  {
    const StockTrialFolder folder;
    const auto command = folder.command_of("/usr/bin/python3");
    ASSERT_EQ(command.size(), 2U);
    EXPECT_EQ(command.front(), "/usr/bin/python3");
    path = command.back();
    EXPECT_THAT(test::read_file(path / "__main__.py"), HasSubstr("def main()"));
    EXPECT_THAT(test::read_file(path / "_gilscope_trial_modes.py"), HasSubstr("def main("));
    EXPECT_THAT(test::read_file(path / "_gilscope_trial_tasks.py"), HasSubstr("class Worker"));
    EXPECT_THAT(test::read_file(path / "_gilscope_describe_python.py"), HasSubstr("def facts()"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(FindAnswer, is_the_last_line_behind_the_mark) {
  EXPECT_EQ(find_answer("\ngilscope-answer:{}\n"), "{}");
  EXPECT_EQ(find_answer("noise\ngilscope-answer:1\nmore\n\ngilscope-answer:2\nafter\n"), "2");
  EXPECT_EQ(find_answer("\ngilscope-answer:{\"cut\": "), "{\"cut\": ");
}

TEST(FindAnswer, is_empty_where_there_is_none) {
  for (const auto* output : {"", "noise\n", "gilscope-answer", "said gilscope-answer:1\n"}) {
    EXPECT_EQ(find_answer(output), "") << output;
  }
}

TEST(PythonFacts, have_what_doctor_would_say_of_a_stock_python) {
  const auto parsed = parse_python_facts(answer(facts()));
  EXPECT_EQ(parsed.python.at("version"), "3.13.5");
  EXPECT_EQ(parsed.python.at("linkage"), "stock");
  EXPECT_EQ(parsed.python.at("free_threaded"), true);
  EXPECT_EQ(parsed.base_executable, "/usr/bin/python3.13");
  EXPECT_EQ(parsed.prefix, "/environment");
  EXPECT_TRUE(parsed.is_environment);
}

TEST(PythonFacts, tell_an_installation_from_an_environment) {
  auto json = facts();
  json["prefix"] = "/usr";
  EXPECT_FALSE(parse_python_facts(answer(json)).is_environment);
}

TEST(PythonFacts, refuse_another_implementation) {
  EXPECT_EQ(refusal(answer({{"implementation", "Jython"}})), "is Jython, neither CPython nor PyPy");
}

TEST(PythonFacts, refuse_what_does_not_answer_as_a_python) {
  for (const auto& output :
       {std::string(), std::string("noise\n"), std::string("\ngilscope-answer:{\"cut\": "),
        std::string("\ngilscope-answer:[]\n"), answer({{"implementation", 3}})}) {
    EXPECT_EQ(refusal(output), "is no Python: it runs, but does not answer as one") << output;
  }
  for (const auto* key :
       {"version", "implementation", "prefix", "base_prefix", "base_executable", "free_threaded"}) {
    auto missing = facts();
    missing.erase(key);
    EXPECT_THAT(refusal(answer(missing)), HasSubstr("does not answer")) << key;
    auto wrong = facts();
    wrong[key] = nlohmann::json::array();
    EXPECT_THAT(refusal(answer(wrong)), HasSubstr("does not answer")) << key;
  }
}

}  // namespace
}  // namespace gilscope
