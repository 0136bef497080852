#include "embed/virtual_environment.h"

#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scratch_folder.h"
#include "support/environment.h"

namespace gilscope {
namespace {

using test::ScratchFolder;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kBuiltWith = "/opt/python/bin/python3.13";

PythonEnvironment choose_with(const std::optional<std::string>& virtual_env,
                              const std::string& version = "3.13") {
  const auto variables = [&](const char* name) {
    return std::string(name) == "VIRTUAL_ENV" ? virtual_env : std::nullopt;
  };
  return choose_environment(variables, version, kBuiltWith);
}

// A folder that looks like a virtual environment.
ScratchFolder& fill(ScratchFolder& folder, const std::string& configuration) {
  static_cast<void>(folder.write("bin/python", ""));
  static_cast<void>(folder.write("pyvenv.cfg", configuration));
  return folder;
}

TEST(Environment, without_a_virtual_one_is_that_of_the_build) {
  const auto environment = choose_with(std::nullopt);
  EXPECT_EQ(environment.executable, kBuiltWith);
  EXPECT_EQ(environment.warning, "");
}

TEST(Environment, of_the_same_version_is_used_without_a_word) {
  ScratchFolder folder;
  fill(folder, "home = /opt/python/bin\ninclude-system-site-packages = false\nversion = 3.13.0\n");
  const auto environment = choose_with(folder.path());
  EXPECT_EQ(environment.executable, folder.path() / "bin" / "python");
  EXPECT_EQ(environment.warning, "");
}

TEST(Environment, of_virtualenv_and_uv_is_used_too) {
  ScratchFolder folder;
  fill(folder,
       "home = /opt\nimplementation = CPython\nuv = 0.5.1\nversion_info = 3.13.0.final.0\nprompt = x\n");
  EXPECT_EQ(choose_with(folder.path()).executable, folder.path() / "bin" / "python");
}

TEST(Environment, of_another_version_is_not_used_and_the_warning_names_both) {
  ScratchFolder folder;
  fill(folder, "version = 3.11.2\n");
  const auto environment = choose_with(folder.path());
  EXPECT_EQ(environment.executable, kBuiltWith);
  EXPECT_THAT(environment.warning, AllOf(HasSubstr(folder.path().string()), HasSubstr("of Python 3.11"),
                                         HasSubstr("embeds 3.13"), HasSubstr("not used")));
}

TEST(Environment, of_a_version_that_only_begins_alike_is_not_used) {
  ScratchFolder folder;
  fill(folder, "version = 3.1.13\n");
  EXPECT_EQ(choose_with(folder.path()).executable, kBuiltWith);
  fill(folder, "version = 3.130.0\n");
  EXPECT_EQ(choose_with(folder.path()).executable, kBuiltWith);
}

TEST(Environment, of_a_free_threaded_build_is_for_free_threaded_builds_alone) {
  ScratchFolder ordinary;
  fill(ordinary, "version = 3.13.5\n");
  static_cast<void>(ordinary.write("lib/python3.13/site-packages/x.py", ""));
  ScratchFolder free_threaded;
  fill(free_threaded, "version = 3.13.5\n");
  static_cast<void>(free_threaded.write("lib/python3.13t/site-packages/x.py", ""));
  EXPECT_EQ(choose_with(ordinary.path(), "3.13").warning, "");
  EXPECT_EQ(choose_with(free_threaded.path(), "3.13t").warning, "");
  EXPECT_THAT(choose_with(free_threaded.path(), "3.13").warning,
              HasSubstr("of Python 3.13t, this gilscope embeds 3.13:"));
  EXPECT_THAT(choose_with(ordinary.path(), "3.13t").warning,
              HasSubstr("of Python 3.13, this gilscope embeds 3.13t:"));
}

TEST(Environment, of_a_relative_path_has_an_absolute_executable) {
  ScratchFolder folder;
  fill(folder, "version = 3.13.0\n");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path().parent_path());
  const auto environment = choose_with(folder.path().filename());
  std::filesystem::current_path(before);
  EXPECT_EQ(environment.executable, folder.path() / "bin" / "python");
}

TEST(Environment, without_a_configuration_is_not_used) {
  const ScratchFolder folder;
  static_cast<void>(folder.write("bin/python", ""));
  const auto environment = choose_with(folder.path());
  EXPECT_EQ(environment.executable, kBuiltWith);
  EXPECT_THAT(environment.warning, HasSubstr("(unknown)"));
}

TEST(Environment, without_a_python_is_not_used) {
  const ScratchFolder folder;
  static_cast<void>(folder.write("pyvenv.cfg", "version = 3.13.0\n"));
  const auto environment = choose_with(folder.path());
  EXPECT_EQ(environment.executable, kBuiltWith);
  EXPECT_THAT(environment.warning, HasSubstr("has no bin/python"));
}

TEST(Environment, whose_python_is_a_dangling_link_is_not_used) {
  ScratchFolder folder;
  fill(folder, "version = 3.13.0\n");
  std::filesystem::remove(folder.file("bin/python"));
  std::filesystem::create_symlink("/nowhere/python3.13", folder.file("bin/python"));
  EXPECT_EQ(choose_with(folder.path()).executable, kBuiltWith);
}

TEST(Environment, that_is_not_there_is_not_used) {
  EXPECT_EQ(choose_with("/nowhere/.venv").executable, kBuiltWith);
  EXPECT_THAT(choose_with("/nowhere/.venv").warning, HasSubstr("/nowhere/.venv"));
}

TEST(EnvironmentVersion, is_read_whatever_the_blanks_and_line_ends) {
  ScratchFolder folder;
  for (const auto* line :
       {"version=3.13.0", "version = 3.13.0\r\n", "\tversion  =\t3.13.0  \n", "version = 3.13"}) {
    fill(folder, std::string("home = /usr/bin\n# a comment\n\n") + line);
    EXPECT_EQ(virtual_environment_version(folder.path()), "3.13") << line;
  }
}

TEST(EnvironmentVersion, is_unknown_where_the_file_does_not_say_it) {
  ScratchFolder folder;
  for (const auto* text : {"", "version", "version =\n", "version = 3\n", "versions = 3.13.0\n", "= 3.13.0\n",
                           "home = version = 3.13.0\n", "\xff\xfe binary \x01"}) {
    fill(folder, text);
    EXPECT_FALSE(virtual_environment_version(folder.path()).has_value()) << text;
  }
}

TEST(EnvironmentVariable, that_is_empty_counts_as_unset) {
  ASSERT_EQ(setenv("GILSCOPE_TEST_VARIABLE", "", 1), 0);
  EXPECT_FALSE(environment_variable("GILSCOPE_TEST_VARIABLE").has_value());
  ASSERT_EQ(setenv("GILSCOPE_TEST_VARIABLE", "x", 1), 0);
  EXPECT_EQ(environment_variable("GILSCOPE_TEST_VARIABLE"), "x");
  ASSERT_EQ(unsetenv("GILSCOPE_TEST_VARIABLE"), 0);
  EXPECT_FALSE(environment_variable("GILSCOPE_TEST_VARIABLE").has_value());
}

}  // namespace
}  // namespace gilscope
