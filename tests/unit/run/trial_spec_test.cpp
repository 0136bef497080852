#include "run/trial_spec.h"

#include <cstdlib>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "scratch_folder.h"
#include "support/file.h"

namespace gilscope {
namespace {

using test::error_of;
using test::ScratchFolder;
using testing::ElementsAre;
using testing::HasSubstr;

void expect_usage_error(const std::string& task, const std::string& words) {
  const auto error = error_of([&] { static_cast<void>(parse_task(task)); });
  EXPECT_THAT(error.what(), HasSubstr(words));
  EXPECT_EQ(error.exit_code(), ExitCode::Usage) << task;
}

// Relative paths begin there.
class WorkingFolder {
 public:
  explicit WorkingFolder(const std::filesystem::path& folder) { std::filesystem::current_path(folder); }
  WorkingFolder(const WorkingFolder&) = delete;
  WorkingFolder& operator=(const WorkingFolder&) = delete;
  WorkingFolder(WorkingFolder&&) = delete;
  WorkingFolder& operator=(WorkingFolder&&) = delete;
  ~WorkingFolder() { std::filesystem::current_path(before_); }

 private:
  std::filesystem::path before_ = std::filesystem::current_path();
};

TEST(Mode, has_a_name_that_names_it) {
  for (const auto mode : kModes) EXPECT_EQ(mode_of(name_of(mode)), mode);
  EXPECT_EQ(name_of(Mode::Subinterpreters), "subinterpreters");
  EXPECT_FALSE(mode_of("Threads").has_value());
  EXPECT_FALSE(mode_of("").has_value());
}

TEST(Task, may_be_a_whole_script) {
  const ScratchFolder folder;
  const auto file = folder.write("app.py", "");
  EXPECT_EQ(parse_task(file), (Task{.text = file, .file = file, .module = "", .function = ""}));
}

TEST(Task, may_be_a_script_without_an_ending) {
  const ScratchFolder folder;
  const auto file = folder.write("app", "");
  EXPECT_EQ(parse_task(file).file, file);
}

TEST(Task, may_be_a_function_of_a_file) {
  const ScratchFolder folder;
  const auto file = folder.write("app.py", "");
  EXPECT_EQ(parse_task(file + ":parse"),
            (Task{.text = file + ":parse", .file = file, .module = "", .function = "parse"}));
}

TEST(Task, may_be_a_function_of_a_module) {
  EXPECT_EQ(parse_task("json.tool:main"),
            (Task{.text = "json.tool:main", .file = "", .module = "json.tool", .function = "main"}));
}

TEST(Task, may_be_a_method_of_a_class) { EXPECT_EQ(parse_task("app:Parser.parse").function, "Parser.parse"); }

TEST(Task, of_a_relative_path_has_an_absolute_one) {
  const ScratchFolder folder;
  static_cast<void>(folder.write("src/app.py", ""));
  const WorkingFolder inside(folder.path());
  const auto expected = (std::filesystem::current_path() / "src" / "app.py").string();
  EXPECT_EQ(parse_task("src/app.py:parse").file, expected);
  EXPECT_EQ(parse_task("./src/../src/app.py").file, expected);
}

TEST(Task, of_a_file_may_have_blanks_quotes_and_any_letters_in_its_path) {
  const ScratchFolder folder;
  for (const auto* name : {"with blank.py", "it's.py", "\"quoted\".py", "müsli.py", "日本.py", "-dash.py"}) {
    const auto file = folder.write(name, "");
    EXPECT_EQ(parse_task(file + ":f").file, file);
    EXPECT_EQ(parse_task(file).file, file);
  }
}

TEST(Task, of_a_file_with_a_colon_in_its_name_is_that_file) {
  const ScratchFolder folder;
  const auto file = folder.write("a:b.py", "");
  EXPECT_EQ(parse_task(file), (Task{.text = file, .file = file, .module = "", .function = ""}));
  EXPECT_EQ(parse_task(file + ":parse").file, file);
  EXPECT_EQ(parse_task(file + ":parse").function, "parse");
}

TEST(Task, of_a_file_whose_name_looks_like_a_module_and_a_function_is_that_file) {
  const ScratchFolder folder;
  static_cast<void>(folder.write("json:dumps", ""));
  const WorkingFolder inside(folder.path());
  EXPECT_EQ(parse_task("json:dumps").module, "");
  EXPECT_EQ(parse_task("json:loads").module, "json");
}

TEST(Task, may_have_letters_of_any_language_in_its_names) {
  EXPECT_EQ(parse_task("müsli.größe:zähle_äpfel").function, "zähle_äpfel");
  EXPECT_EQ(parse_task("模块:函数").module, "模块");
  EXPECT_EQ(parse_task("_a1:_").function, "_");
}

TEST(Task, of_a_file_that_is_not_there_is_an_error) {
  expect_usage_error("/nowhere/app.py", "no such file: /nowhere/app.py");
  expect_usage_error("/nowhere/app.py:parse", "no such file: /nowhere/app.py");
  expect_usage_error("app_that_is_not_there.py:parse", "no such file: app_that_is_not_there.py");
  expect_usage_error("", "no such file");
}

TEST(Task, of_a_module_without_a_function_is_an_error_that_says_what_a_task_is) {
  const auto error = error_of([] { static_cast<void>(parse_task("json")); });
  EXPECT_THAT(error.what(), HasSubstr("no such file: json"));
  EXPECT_THAT(error.hint(), HasSubstr("FILE.py, FILE.py:FUNCTION or MODULE:FUNCTION"));
}

TEST(Task, cannot_be_a_directory) {
  const ScratchFolder folder;
  expect_usage_error(folder.path(), "is a directory");
  expect_usage_error(folder.path().string() + ":f", "is a directory");
}

TEST(Task, cannot_be_a_pipe_or_a_device_which_can_be_read_once_only) {
  const ScratchFolder folder;
  const auto pipe = folder.file("pipe.py");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  expect_usage_error(pipe, "is no regular file");
  expect_usage_error("/dev/zero", "is no regular file");
}

TEST(Task, cannot_be_a_file_that_may_not_be_read) {
  const ScratchFolder folder;
  const auto file = folder.write("secret.py", "");
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  ASSERT_EQ(chmod(file.c_str(), 0000), 0);
  EXPECT_EXIT(
      {
        if (getuid() == 0 && setuid(65534) != 0) std::exit(1);  // root may read everything, nobody may not
        const auto error = error_of([&] { static_cast<void>(parse_task(file)); });
        print_error(error.what());
        std::exit(static_cast<int>(error.exit_code()));
      },
      testing::ExitedWithCode(2), "secret.py cannot be read: permission denied");
}

TEST(Task, has_no_function_of_a_name_that_python_would_not_take) {
  const ScratchFolder folder;
  const auto file = folder.write("app.py", "");
  for (const std::string name : {"", "1st", "a-b", "a b", "f()", "a..b", ".a", "a."}) {
    expect_usage_error(file + ":" + name, "'" + name + "' is no function's name");
  }
  expect_usage_error("json:", "'' is no function's name");
}

TEST(Task, has_no_module_of_a_name_that_python_would_not_take) {
  for (const std::string name : {"", "1st", "a-b", "a..b", "a b"}) {
    expect_usage_error(name + ":f", "'" + name + "' is no module's name");
  }
}

TEST(Task, of_a_junk_text_is_an_error_and_nothing_worse) {
  for (const auto& junk :
       {std::string(":"), std::string("::"), std::string(10'000, 'x'), std::string("\x01\xff:\xfe"),
        std::string(10'000, ':'), std::string("..:.."), std::string("\n")}) {
    const auto error = error_of([&] { static_cast<void>(parse_task(junk)); });
    EXPECT_EQ(error.exit_code(), ExitCode::Usage);
  }
}

TEST(Jobs, of_one_task_are_that_task_for_each_worker) {
  TrialSpec spec{.workers = 3, .tasks = {{.text = "app:f"}}};
  EXPECT_THAT(jobs_of(spec), ElementsAre(0, 0, 0));
  spec.workers = 1;
  EXPECT_THAT(jobs_of(spec), ElementsAre(0));
}

TEST(Jobs, of_several_tasks_are_each_task_once_whatever_the_workers) {
  TrialSpec spec{.workers = 2, .tasks = {{.text = "app:f"}, {.text = "app:g"}, {.text = "app:h"}}};
  EXPECT_THAT(jobs_of(spec), ElementsAre(0, 1, 2));
  spec.workers = 8;
  EXPECT_THAT(jobs_of(spec), ElementsAre(0, 1, 2));
}

TEST(Spec, is_json_as_the_python_side_reads_it) {
  const TrialSpec spec{.mode = Mode::Processes,
                       .workers = 2,
                       .start_method = "spawn",
                       .tasks = {{.text = "a", .file = "/zoë/it's \"a\".py", .module = "", .function = "f"},
                                 {.text = "b", .file = "", .module = "m.n", .function = "g"}},
                       .arguments = {"--its-own", "", "ß\n"}};
  const auto json = nlohmann::json::parse(to_json(spec));
  EXPECT_EQ(json, nlohmann::json::parse(R"({"mode": "processes", "workers": 2, "start_method": "spawn",
    "tasks": [{"file": "/zoë/it's \"a\".py", "module": "", "function": "f"},
              {"file": "", "module": "m.n", "function": "g"}],
    "jobs": [0, 1], "arguments": ["--its-own", "", "ß\n"], "is_traced": true})"));
}

}  // namespace
}  // namespace gilscope
