#include "run/trial_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace gilscope {
namespace {

using testing::ElementsAre;

TrialSpec spec() {
  TrialSpec spec;
  spec.mode = Mode::Processes;
  spec.workers = 3;
  spec.start_method = "spawn";
  spec.tasks = {{"app.py:f", "/app.py", "", "f"}};
  spec.arguments = {"--its", "own"};
  return spec;
}

TEST(TrialCommand, of_a_host_or_a_package_is_the_subcommand_with_its_options) {
  EXPECT_THAT(trial_command({Engine::Host, {"/gilscope"}, {}}, spec()),
              ElementsAre("/gilscope", "trial", "--mode", "processes", "--workers", "3", "--start-method",
                          "spawn", "app.py:f", "--", "--its", "own"));
  auto plain = spec();
  plain.start_method.clear();
  plain.arguments.clear();
  plain.is_traced = false;
  EXPECT_THAT(trial_command({Engine::Package, {"python3", "-m", "gilscope"}, {}}, plain),
              ElementsAre("python3", "-m", "gilscope", "trial", "--mode", "processes", "--workers", "3",
                          "--no-probe", "app.py:f"));
}

TEST(TrialCommand, of_a_stock_python_is_the_spec_and_traces_nothing) {
  const auto command = trial_command({Engine::Timing, {"python3", "/folder"}, {}}, spec());
  ASSERT_EQ(command.size(), 4U);
  EXPECT_THAT(std::vector(command.begin(), command.begin() + 3), ElementsAre("python3", "/folder", "trial"));
  const auto json = nlohmann::json::parse(command.back());
  EXPECT_EQ(json.at("mode"), "processes");
  EXPECT_EQ(json.at("is_traced"), false);
}

TEST(WhyUnavailable, is_said_of_subinterpreters_in_a_stock_python_alone) {
  for (const auto mode : kModes) {
    EXPECT_EQ(why_unavailable(Engine::Host, mode), "");
    EXPECT_EQ(why_unavailable(Engine::Package, mode), "");
    EXPECT_EQ(why_unavailable(Engine::Timing, mode).empty(), mode != Mode::Subinterpreters);
  }
}

}  // namespace
}  // namespace gilscope
