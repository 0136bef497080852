// The command line up to the point where work begins. What the subcommands then do, tests/integration asks;
// `run` and `trial`, which need no other process, are asked here in a child of the test.
#include "cli/cli.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "embed/embedded_host.h"
#include "expect_error.h"
#include "scratch_folder.h"

namespace gilscope::cli {
namespace {

using test::error_of;
using test::read_file;
using test::ScratchFolder;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::ExitedWithCode;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using Arguments = std::vector<std::string>;

int run_gilscope(const Arguments& arguments) {
  EmbeddedHost host;
  return run_command_line(arguments, host);
}

struct Ending {
  int code = 0;
  std::string output;
  std::string errors;
};

// As main() does it.
Ending run(const Arguments& arguments) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ending ending;
  try {
    ending.code = run_gilscope(arguments);
  } catch (const Error& error) {
    ending.code = static_cast<int>(error.exit_code());
    ending.errors = fmt::format("gilscope: {}\n  try: {}\n", error.what(), error.hint());
  }
  ending.output = testing::internal::GetCapturedStdout();
  ending.errors += testing::internal::GetCapturedStderr();
  return ending;
}

void expect_usage_error(const Arguments& arguments, const std::string& words) {
  const auto ending = run(arguments);
  EXPECT_EQ(ending.code, 2) << words;
  EXPECT_EQ(ending.output, "");
  EXPECT_THAT(ending.errors, HasSubstr(words));
  EXPECT_THAT(ending.errors, ContainsRegex("\n  try: gilscope.* --help\n$"));
}

// `run` and `trial` start an interpreter: in a process of their own, whose exit code this is.
[[noreturn]] void run_and_exit(const Arguments& arguments) {
  set_up_logging(Verbosity::Normal);
  if (std::freopen("/dev/null", "w", stdout) == nullptr) std::exit(99);
  std::exit(run_gilscope(arguments));
}

// What Python code shows of its own command line, on standard error.
constexpr const char* kShowArguments = "import sys; sys.stderr.write('argv: ' + '|'.join(sys.argv) + '\\n')";

TEST(CommandLine, has_help_of_its_own_and_of_each_subcommand) {
  EXPECT_THAT(run({"--help"}).output, HasSubstr("  compare   Runs tasks"));
  for (const auto* name : {"run", "compare", "article", "report", "top", "doctor"}) {
    const auto ending = run({name, "--help"});
    EXPECT_EQ(ending.code, 0);
    EXPECT_EQ(ending.errors, "");
    EXPECT_THAT(ending.output, HasSubstr(std::string("Example: gilscope ") + name));
    EXPECT_LT(ending.output.find("Example:"), ending.output.find("Options:"));  // an example first
    EXPECT_EQ(run({name, "-h"}).output, ending.output);
  }
}

TEST(CommandLine, shows_every_subcommand_but_the_one_that_is_for_itself) {
  const auto help = run({"--help"}).output;
  for (const auto* name : {"\n  run ", "\n  compare ", "\n  report ", "\n  doctor "})
    EXPECT_THAT(help, HasSubstr(name));
  EXPECT_THAT(help, Not(HasSubstr("\n  trial ")));
}

TEST(CommandLine, names_the_versions_of_gilscope_and_of_python) {
  const auto ending = run({"--version"});
  EXPECT_EQ(ending.code, 0);
  EXPECT_THAT(ending.output, ContainsRegex("^gilscope [0-9.]+, embeds CPython 3\\.[0-9]+\\..* libpython\\)"));
}

TEST(CommandLine, without_a_subcommand_or_with_an_unknown_one_is_an_error) {
  expect_usage_error({}, "subcommand is required");
  expect_usage_error({"bogus"}, "bogus");
  expect_usage_error({"--bogus"}, "subcommand is required");
  expect_usage_error({"app.py"}, "'app.py' is no subcommand");
  expect_usage_error({"-q", "doctor"}, "-q");
}

TEST(Run, without_tracing_has_no_figures_to_write) {
  for (const auto& options :
       {Arguments{"--json", "-"}, Arguments{"-o", "capture"}, Arguments{"--trace", "t.json"}}) {
    Arguments arguments{"run", "--no-probe"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.emplace_back("app.py");
    const auto error = error_of([&] { run_gilscope(arguments); });
    EXPECT_THAT(error.what(), HasSubstr("--no-probe traces nothing"));
    EXPECT_EQ(error.exit_code(), ExitCode::Usage);
  }
}

TEST(Compare, without_a_task_is_an_error) {
  expect_usage_error({"compare"}, "gilscope compare: TASK is required");
  expect_usage_error({"compare", "--", "app.py"}, "TASK is required");
}

TEST(Compare, knows_no_modes_but_its_own) {
  for (const auto* modes : {"bogus", "threads,bogus", "Threads", "threads;processes", "threads processes"}) {
    expect_usage_error({"compare", "app.py", "--modes", modes}, "--modes");
  }
  EXPECT_THAT(run({"compare", "app.py", "--modes", "bogus"}).errors,
              HasSubstr("sequential,threads,subinterpreters,processes,asyncio"));
}

TEST(Compare, takes_no_number_of_workers_that_makes_no_sense) {
  for (const auto* workers : {"0", "1000000", "1025", "-1", "two", "1.5", "", "99999999999999999999"}) {
    expect_usage_error({"compare", "app.py", "--workers", workers}, "--workers");
  }
}

TEST(Compare, takes_no_number_of_rounds_that_makes_no_sense) {
  for (const auto* rounds : {"0", "10001", "-1", "many", "2.5"}) {
    expect_usage_error({"compare", "app.py", "--rounds", rounds}, "--rounds");
  }
}

TEST(Compare, takes_no_timeout_that_makes_no_sense) {
  for (const auto* timeout : {"0", "-1", "soon", "nan", "inf", "1e7", "60s", ""}) {
    expect_usage_error({"compare", "app.py", "--timeout", timeout}, "--timeout");
  }
}

TEST(Compare, knows_no_start_methods_but_pythons) {
  expect_usage_error({"compare", "app.py", "--start-method", "vfork"}, "--start-method");
}

TEST(Compare, knows_no_other_options) {
  expect_usage_error({"compare", "app.py", "--bogus"}, "--bogus");
  expect_usage_error({"compare", "app.py", "--rounds"}, "--rounds");
  expect_usage_error({"compare", "app.py", "-q", "-v"}, "excludes");
  expect_usage_error({"compare", "app.py", "--json", ""}, "--json");
}

TEST(CommandLine, refuses_what_is_none_of_the_articles_programs_or_sizes) {
  for (const auto* program : {"nowhere", "options.py", ".py", "", "count_threads.py.py"})
    expect_usage_error({"article", program}, "is none of the article's programs: add_sub_sequential, ");
  for (const auto* scale : {"-1", "1001", "nan", "inf", "much", ""})
    expect_usage_error({"article", "--scale", scale}, "is no number from 0 to 1000");
  for (const auto* iterations : {"0", "-1", "1.5", "10000000001", "many"})
    expect_usage_error({"article", "--iterations", iterations}, "--iterations");
  for (const auto* option : {"--rounds", "--timeout", "-o", "--bogus"})
    expect_usage_error({"article", option}, option);
  expect_usage_error({"article", "-o", ""}, "the folder's name is empty");
}

TEST(Compare, of_a_task_that_is_not_there_is_an_error_before_anything_is_made) {
  const ScratchFolder folder;
  const auto json = folder.file("out.json");
  const auto error = error_of([&] { run_gilscope({"compare", "/nowhere/app.py", "--json", json}); });
  EXPECT_THAT(error.what(), HasSubstr("no such file: /nowhere/app.py"));
  EXPECT_EQ(error.exit_code(), ExitCode::Usage);
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(Compare, does_not_overwrite_a_result_without_force) {
  const ScratchFolder folder;
  const auto task = folder.write("app.py", "");
  const auto json = folder.write("out.json", "old");
  const auto error = error_of([&] { run_gilscope({"compare", task, "--json", json}); });
  EXPECT_THAT(error.what(), HasSubstr("exists already"));
  EXPECT_EQ(error.exit_code(), ExitCode::Usage);
  EXPECT_EQ(read_file(json), "old");
}

TEST(Compare, refuses_a_result_that_cannot_be_written_before_the_work) {
  const ScratchFolder folder;
  const auto task = folder.write("app.py", "");
  const auto error =
      error_of([&] { run_gilscope({"compare", task, "--json", folder.file("nowhere/out.json")}); });
  EXPECT_EQ(error.exit_code(), ExitCode::CannotRun);
  EXPECT_THAT(folder.names(), ElementsAre("app.py"));
}

TEST(Compare, says_it_where_a_task_or_an_argument_is_not_utf8) {
  const ScratchFolder folder;
  const auto good = folder.write("app.py", "");
  const auto bad = folder.write("app\xff.py", "");
  for (const auto& arguments : {Arguments{"compare", bad}, Arguments{"compare", good, "--", "\xff"}}) {
    const auto error = error_of([&] { run_gilscope(arguments); });
    EXPECT_THAT(error.what(), HasSubstr("not UTF-8"));
    EXPECT_EQ(error.exit_code(), ExitCode::Usage);
  }
}

TEST(Doctor, does_not_overwrite_a_result_without_force) {
  const ScratchFolder folder;
  const auto json = folder.write("out.json", "old");
  const auto error = error_of([&] { run_gilscope({"doctor", "--json", json}); });
  EXPECT_THAT(error.what(), HasSubstr("exists already"));
  EXPECT_EQ(read_file(json), "old");
}

TEST(Doctor, takes_no_arguments) { expect_usage_error({"doctor", "app.py"}, "app.py"); }

TEST(Run, of_nothing_is_an_error) {
  for (const auto& arguments : {Arguments{"run"}, Arguments{"run", "--"}, Arguments{"run", "-q"}}) {
    const auto error = error_of([&] { run_gilscope(arguments); });
    EXPECT_THAT(error.what(), HasSubstr("nothing to run"));
    EXPECT_EQ(error.exit_code(), ExitCode::Usage);
  }
}

TEST(Run, takes_pythons_own_flags_behind_two_dashes_only) {
  expect_usage_error({"run", "-X", "dev", "app.py"}, "-X");
  expect_usage_error({"run", "--bogus", "app.py"}, "--bogus");
  EXPECT_EXIT(run_and_exit({"run", "--", "-X", "dev", "-c", "import sys; sys.exit(40 + sys.flags.dev_mode)"}),
              ExitedWithCode(41), "");
}

TEST(Run, leaves_everything_behind_the_code_to_the_code) {
  EXPECT_EXIT(run_and_exit({"run", "-c", kShowArguments, "--json", "-q", "--", "--help"}), ExitedWithCode(0),
              "argv: -c\\|--json\\|-q\\|--\\|--help\n");
  EXPECT_EXIT(run_and_exit({"run", std::string("-c") + kShowArguments, "-q"}), ExitedWithCode(0),
              "argv: -c\\|-q\n");
}

TEST(Run, leaves_everything_behind_the_script_to_the_script) {
  const ScratchFolder folder;
  const auto script = folder.write("müsli app.py", kShowArguments);
  EXPECT_EXIT(run_and_exit({"run", script, "--help", "-c", "x"}), ExitedWithCode(0),
              "app.py\\|--help\\|-c\\|x\n");
  EXPECT_EXIT(run_and_exit({"run", "--", script, "--", "x"}), ExitedWithCode(0), "app.py\\|--\\|x\n");
}

TEST(Run, leaves_everything_behind_the_module_to_the_module) {
  EXPECT_EXIT(run_and_exit({"run", "-m", "json.tool", "--help"}), ExitedWithCode(0), "");
  EXPECT_EXIT(run_and_exit({"run", "-mjson.tool", "-q"}), ExitedWithCode(2), "unrecognized arguments: -q");
}

TEST(Run, takes_its_own_options_before_the_program) {
  EXPECT_EXIT(run_and_exit({"run", "-q", "-c", kShowArguments}), ExitedWithCode(0), "argv: -c\n");
  EXPECT_EXIT(run_and_exit({"run", "--verbose", "-c", kShowArguments, "-q"}), ExitedWithCode(0),
              "argv: -c\\|-q\n");
}

TEST(Run, gives_the_programs_exit_code) {
  EXPECT_EXIT(run_and_exit({"run", "-c", "import sys; sys.exit(7)"}), ExitedWithCode(7), "");
  EXPECT_EXIT(run_and_exit({"run", "-c", "raise ValueError('no')"}), ExitedWithCode(1), "ValueError: no");
}

TEST(Trial, gives_what_is_behind_two_dashes_to_the_tasks) {
  const ScratchFolder folder;
  const auto task = folder.write("app.py", std::string("def f():\n  ") + kShowArguments + "\n");
  EXPECT_EXIT(run_and_exit({"trial", "--workers", "1", task + ":f", "--", "--its-own", "-q", "--"}),
              ExitedWithCode(0), "app.py\\|--its-own\\|-q\\|--\n");
}

TEST(Trial, keeps_more_workers_than_tasks_from_idling_and_says_so) {
  const ScratchFolder folder;
  const auto task = folder.write("app.py", "def f(): pass\n");
  EXPECT_EXIT(run_and_exit({"trial", "--workers", "3", task + ":f", task + ":f"}), ExitedWithCode(0),
              "2 tasks keep 2 workers busy");
}

}  // namespace
}  // namespace gilscope::cli
