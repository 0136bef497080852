// Which command lines are multiprocessing's. What the interpreter itself does, tests/integration asks.
#include "embed/interpreter.h"

#include <string>

#include <gtest/gtest.h>

namespace gilscope {
namespace {

TEST(MultiprocessingChild, is_what_spawn_starts) {
  // 3.11 to 3.15: multiprocessing/spawn.py, get_command_line().
  const std::string program =
      "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle=7)";
  EXPECT_TRUE(is_multiprocessing_child({"-c", program, "--multiprocessing-fork"}));
}

TEST(MultiprocessingChild, is_what_the_forkserver_is_started_as) {
  // multiprocessing/forkserver.py, ensure_running(); 3.14 and 3.15 pass sys.argv behind it.
  const std::string until_313 =
      "from multiprocessing.forkserver import main; main(4, 6, [], **{'sys_path': ['/a']})";
  EXPECT_TRUE(is_multiprocessing_child({"-c", until_313}));
  const std::string from_314 =
      "import sys; from multiprocessing.forkserver import main; "
      "main(4, 6, [], sys_argv=sys.argv[1:], **{'authkey_r': 8})";
  EXPECT_TRUE(is_multiprocessing_child({"-X", "dev", "-c", from_314, "app.py", "--its-own"}));
}

TEST(MultiprocessingChild, is_what_the_resource_tracker_is_started_as) {
  EXPECT_TRUE(is_multiprocessing_child({"-c", "from multiprocessing.resource_tracker import main;main(5)"}));
}

TEST(MultiprocessingChild, may_have_flags_of_python_with_and_without_values_before) {
  const std::string program =
      "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle=7)";
  EXPECT_TRUE(is_multiprocessing_child({"-OO", "-c", program, "--multiprocessing-fork"}));
  EXPECT_TRUE(is_multiprocessing_child(
      {"-s", "-E", "-X", "dev", "-W", "error::DeprecationWarning", "-c", program, "--multiprocessing-fork"}));
}

TEST(MultiprocessingChild, is_no_command_of_gilscopes_own) {
  EXPECT_FALSE(is_multiprocessing_child({}));
  EXPECT_FALSE(is_multiprocessing_child({"--help"}));
  EXPECT_FALSE(is_multiprocessing_child({"--version"}));
  EXPECT_FALSE(is_multiprocessing_child({"doctor", "--json", "-"}));
  EXPECT_FALSE(
      is_multiprocessing_child({"compare", "app.py", "--", "-c", "from multiprocessing.spawn import x"}));
}

TEST(MultiprocessingChild, is_no_code_of_the_users) {
  const std::string program = "from multiprocessing.spawn import spawn_main";
  EXPECT_FALSE(is_multiprocessing_child({"run", "-c", program}));
  EXPECT_FALSE(is_multiprocessing_child({"run", "-q", "--", "-c", program}));
  EXPECT_FALSE(is_multiprocessing_child({"-c", "from multiprocessing import Process"}));
  EXPECT_FALSE(is_multiprocessing_child({"-c", "import multiprocessing"}));
}

TEST(MultiprocessingChild, is_no_script_of_the_users) {
  EXPECT_FALSE(is_multiprocessing_child({"app.py"}));
  EXPECT_FALSE(is_multiprocessing_child({"app.py", "-c", "from multiprocessing.spawn import spawn_main"}));
  EXPECT_FALSE(is_multiprocessing_child({"-m", "app"}));
}

TEST(MultiprocessingChild, is_none_without_code) {
  EXPECT_FALSE(is_multiprocessing_child({"-c"}));
  EXPECT_FALSE(is_multiprocessing_child({"-c", ""}));
  EXPECT_FALSE(is_multiprocessing_child({"-"}));
  EXPECT_FALSE(is_multiprocessing_child({""}));
}

TEST(Host, knows_its_own_path) {
  EXPECT_TRUE(host_executable().starts_with('/'));
  EXPECT_TRUE(host_executable().ends_with("unit_tests"));
}

}  // namespace
}  // namespace gilscope
