#include "recording/started_programs.h"

#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

#include <gmock/gmock.h>

#include "recording/start_kind.h"
#include "scratch_folder.h"

namespace gilscope {
namespace {

using testing::ElementsAre;

Started judge(const std::string& path, std::vector<std::string> arguments) {
  std::vector<char*> words{const_cast<char*>("its name")};
  for (auto& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  return judge_start(path.c_str(), words.data());
}

TEST(StartedPrograms, pythons_are_told_by_their_name_and_closed_ones_by_their_flags) {
  EXPECT_EQ(judge("/usr/bin/python3", {"x.py", "-I"}), Started::Python);
  EXPECT_EQ(judge("python", {}), Started::Python);
  EXPECT_EQ(judge("/opt/pypy3.10", {"-c", "-E"}), Started::Python);
  EXPECT_EQ(judge("/bin/ls", {"-I"}), Started::Other);
  EXPECT_EQ(judge("python", {"-W", "-E", "x.py"}), Started::Python);
  EXPECT_EQ(judge("python", {"-Wignore", "-E"}), Started::Closed);
  EXPECT_EQ(judge("python", {"-X", "dev", "-sS", "x.py"}), Started::Closed);
  EXPECT_EQ(judge("python", {"-Xdev", "-Im", "x"}), Started::Closed);
  EXPECT_EQ(judge("python", {"-mI"}), Started::Python);
  EXPECT_EQ(judge("python", {"--check-hash-based-pycs", "never", "-I"}), Started::Closed);
  EXPECT_EQ(judge("python", {"--", "-I"}), Started::Python);
}

TEST(StartedPrograms, helpers_and_runs_of_their_own_are_not_to_be_recorded) {
  EXPECT_EQ(judge("python", {"-c", "from multiprocessing.resource_tracker import main;main(5)"}),
            Started::Aside);
  EXPECT_EQ(judge("python", {"-X", "dev", "-m", "gilscope", "run", "x.py"}), Started::Aside);
  EXPECT_EQ(judge("python", {"/venv/bin/gilscope", "run", "x.py"}), Started::Aside);
  EXPECT_EQ(judge("python", {"-I", "-m", "gilscope"}), Started::Closed);
  EXPECT_EQ(judge("python", {"x.py", "gilscope"}), Started::Python);
}

TEST(StartedPrograms, the_binary_is_what_multiprocessing_starts_or_a_run_of_its_own) {
  const auto judge_own_with = [](std::vector<std::string> arguments) {
    std::vector<char*> words;
    for (auto& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    return judge_own(words.data());
  };
  EXPECT_EQ(judge_own_with({"python", "-c", "from multiprocessing.spawn import spawn_main; spawn_main(3)"}),
            Started::Python);
  EXPECT_EQ(judge_own_with({"python", "-c", "from multiprocessing.forkserver import main; main(3)"}),
            Started::Python);
  EXPECT_EQ(judge_own_with({"python", "-c", "from multiprocessing.resource_tracker import main;main(5)"}),
            Started::Aside);
  EXPECT_EQ(judge_own_with({"gilscope", "run", "x.py"}), Started::Aside);
}

TEST(StartedPrograms, a_script_is_what_its_first_line_says) {
  const test::ScratchFolder folder;
  const auto of = [&](const std::string& line) {
    const auto path = (folder.path() / "script").string();
    std::ofstream(path) << line;
    return judge(path, {"-I"});
  };
  EXPECT_EQ(of("#!/usr/bin/python3\nprint()"), Started::Python);
  EXPECT_EQ(of("#! /usr/bin/env python3\n"), Started::Python);
  EXPECT_EQ(of("#!/usr/bin/python3 -Es"), Started::Closed);
  EXPECT_EQ(of("#!/bin/sh\npython"), Started::Other);
  EXPECT_EQ(of("#!"), Started::Other);
  EXPECT_EQ(of("\x7f"
               "ELF"),
            Started::Other);
  EXPECT_EQ(of(""), Started::Other);
  EXPECT_EQ(judge((folder.path() / "none").string(), {}), Started::Other);
}

TEST(StartedPrograms, what_was_added_is_taken_out_again) {
  EXPECT_EQ(without_start("/proc/12/fd/201"), "");
  EXPECT_EQ(without_start("/proc/12/fd/201:/own:/proc/1/fd/2"), "/own:/proc/1/fd/2");
  for (const char* const own :
       {"", "/own", "/proc/12/fd", "/proc//fd/1", "/proc/self/fd/1", "/proc/1/fd/2/x:/own"}) {
    EXPECT_EQ(without_start(own), own);
  }
}

class StartedTable : public testing::Test {
 protected:
  void start(std::uint64_t pid, const char* command) {
    auto& program = table_->programs.at(table_->count.get());
    std::strncpy(program.command.data(), command, program.command.size() - 1);
    program.ticks.set(1000);
    program.pid.set(pid);
    table_->count.add(1);
  }
  std::unique_ptr<StartedPrograms> table_ = std::make_unique<StartedPrograms>();
};

TEST_F(StartedTable, those_that_did_not_join_are_named_by_their_command_the_most_first) {
  start(1, "python a.py");
  start(2, "python -I b.py");
  start(3, "python joined.py");
  start(4, "python -I b.py");
  start(0, "python could not be started");
  start(5, "python after another one of its number.py");
  // The fifth had recorded before it was started anew: as the child of a fork.
  const std::vector<JoinedProcess> joined{{.pid = 3, .begin = 2000}, {.pid = 5, .begin = 999}};
  EXPECT_THAT(find_unrecorded(*table_, joined),
              ElementsAre(UnrecordedProgram{"python -I b.py", 2}, UnrecordedProgram{"python a.py", 1},
                          UnrecordedProgram{"python after another one of its number.py", 1}));
}

TEST_F(StartedTable, more_than_there_is_place_for_are_no_end_of_it) {
  table_->count.set(1U << 20U);
  table_->programs.back().pid.set(7);
  std::memset(table_->programs.back().command.data(), 'x', table_->programs.back().command.size());
  EXPECT_THAT(find_unrecorded(*table_, {}), ElementsAre(UnrecordedProgram{std::string(112, 'x'), 1}));
}

}  // namespace
}  // namespace gilscope
