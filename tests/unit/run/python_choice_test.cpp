// What is decided about a path after --python without asking anybody. tests/integration asks real Pythons.
#include "run/python_choice.h"

#include <filesystem>
#include <string>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "expect_error.h"
#include "scratch_folder.h"

namespace gilscope {
namespace {

namespace fs = std::filesystem;

using test::error_of;
using test::ScratchFolder;
using testing::ElementsAre;
using testing::HasSubstr;

std::string write_program(const ScratchFolder& folder, std::string_view name) {
  auto path = folder.write(name, "#!/bin/sh\n");
  fs::permissions(path, fs::perms::owner_all);
  return path;
}

TEST(FindProgram, takes_a_path_as_it_is_and_makes_it_absolute) {
  const ScratchFolder folder;
  const auto python = write_program(folder, "bin/python");
  EXPECT_EQ(find_program(python, ""), python);
  EXPECT_EQ(find_program(fs::relative(python).string(), ""),
            (fs::current_path() / fs::relative(python)).string());
}

TEST(FindProgram, does_not_follow_links_which_environments_are_told_by) {
  const ScratchFolder folder;
  write_program(folder, "base");
  fs::create_symlink("base", folder.path() / "python");
  EXPECT_EQ(find_program(folder.file("python"), ""), folder.file("python"));
}

TEST(FindProgram, looks_a_name_up_as_a_shell_does) {
  const ScratchFolder folder;
  static_cast<void>(folder.write("first/python9", "not executable"));
  fs::create_directories(folder.path() / "second" / "python9");
  const auto python = write_program(folder, "third/python9");
  write_program(folder, "fourth/python9");
  const auto search_path = fmt::format(":{}:/nowhere:{}:{}:{}", folder.file("first"), folder.file("second"),
                                       folder.file("third"), folder.file("fourth"));
  EXPECT_EQ(find_program("python9", search_path), python);
}

TEST(FindProgram, refuses_what_cannot_be_run) {
  const ScratchFolder folder;
  const auto text = folder.write("text", "");
  const auto refusal = [](const std::string& name) {
    return error_of([&] { static_cast<void>(find_program(name, "/nowhere")); });
  };
  EXPECT_THAT(refusal("/nowhere/python").what(), HasSubstr("/nowhere/python: no such file"));
  EXPECT_THAT(refusal(folder.path()).what(), HasSubstr(": is no file"));
  EXPECT_THAT(refusal(text).what(), HasSubstr(": permission to run it denied"));
  EXPECT_THAT(refusal("python9").what(), HasSubstr("python9: is not on PATH"));
  EXPECT_THAT(refusal("").what(), HasSubstr("an empty path"));
  EXPECT_EQ(refusal("python9").exit_code(), ExitCode::Usage);
  EXPECT_THAT(refusal("python9").hint(), HasSubstr("CPython 3.11 or later"));
}

TEST(ParseVersion, tells_hosts_and_pythons) {
  EXPECT_EQ(parse_version("gilscope 0.1.0, embeds CPython 3.13.0 (static libpython)\n"), ProgramKind::Host);
  for (const auto* output : {"Python 3.11.0\n", "Python 3.13.5", "Python 3.15.0rc1\n", "Python 3.100.1 (x)\n",
                             "Python 3.9.16 (7.3.11+dfsg, Dec 30 2024)\n[PyPy 7.3.11 with GCC 12.2.0]\n"}) {
    EXPECT_EQ(parse_version(output), ProgramKind::Python) << output;
  }
}

TEST(ParseVersion, refuses_all_others) {
  const auto refusal = [](const char* output) {
    return std::string(error_of([&] { static_cast<void>(parse_version(output)); }).what());
  };
  EXPECT_EQ(refusal("Python 3.10.13\n"), "is Python 3.10.13, too old");
  EXPECT_EQ(refusal("Python 2.7.18\n"), "is Python 2.7.18, too old");
  EXPECT_EQ(refusal("Python 3.8.13 (7.3.9)\n[PyPy 7.3.9 with GCC 10]\n"), "is Python 3.8.13, too old");
  for (const auto* output : {"", "\n", "Python", "python 3.13.0", "echo (GNU coreutils) 9.1\n"}) {
    EXPECT_THAT(refusal(output), HasSubstr("is no Python")) << output;
  }
  for (const auto* output : {"Python \n", "Python 3\n", "Python 3.x\n", "Python 4.0.0\n"}) {
    EXPECT_THAT(refusal(output), HasSubstr("too old")) << output;
  }
}

TEST(FindHosts, finds_those_beside_it_and_itself_first) {
  const ScratchFolder folder;
  const auto in = [](std::string_view tag) { return fmt::format("{}/release/host/gilscope", tag); };
  const auto own = write_program(folder, in("cpython-3.13.0-aaaaaa"));
  const auto newer = write_program(folder, in("cpython-3.14.1-bbbbbb"));
  const auto older = write_program(folder, in("cpython-3.12.1-cccccc"));
  static_cast<void>(folder.write(in("cpython-3.11.7-dddddd"), "being linked"));
  write_program(folder, "cpython-3.11.2-eeeeee/dev/host/gilscope");
  write_program(folder, in("other"));
  EXPECT_THAT(find_hosts(own), ElementsAre(own, older, newer));
}

TEST(FindHosts, finds_itself_wherever_it_is) {
  EXPECT_THAT(find_hosts("/nowhere/gilscope"), ElementsAre("/nowhere/gilscope"));
  EXPECT_THAT(find_hosts("/gilscope"), ElementsAre("/gilscope"));
}

}  // namespace
}  // namespace gilscope
