// A child that may end by itself where a signal interrupts us. Real children, of /bin/sh, that interrupt this
// process once their own trap is set: no sleep is a handshake here.
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <sys/wait.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "run/child.h"

namespace gilscope {
namespace {

using End = ChildResult::End;
using Clock = std::chrono::steady_clock;

constexpr auto kLong = std::chrono::minutes(10);  // who waits for all of it is ended: ctest's time limit
constexpr auto kShort = std::chrono::milliseconds(100);

// A shell's loop that only a signal ends.
constexpr const char* kWaitForever = "; while :; do sleep 1000 & wait; done";

class Grace : public ::testing::Test {
 protected:
  // Who runs the tests in the background has had some of them ignored.
  void SetUp() override {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, SIG_DFL);
  }

  // Nothing of the child is left, whether it ended by itself or not.
  void TearDown() override {
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
  }
};

ChildResult run_with_grace(const std::string& script, Nanoseconds grace, Nanoseconds timeout = kLong) {
  const InterruptGuard guard;
  return run_child({{"/bin/sh", "-c", script}, {}, timeout, grace});
}

std::string trap_and_interrupt(const std::string& trap, int number) {
  const auto signal = std::to_string(number);
  return "trap '" + trap + "' " + signal + "; kill -" + signal + " $PPID" + kWaitForever;
}

TEST_F(Grace, lets_the_child_end_by_itself_once_it_got_the_signal) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    const auto result = run_with_grace(trap_and_interrupt("echo tidied; exit 3", number), kLong);
    EXPECT_EQ(result.end, End::Interrupted);
    EXPECT_EQ(result.code, number) << "the signal, not its own exit code";
    EXPECT_EQ(result.output, "tidied\n");
  }
}

TEST_F(Grace, ends_with_the_child_that_the_signal_kills) {
  const auto result = run_with_grace("kill -TERM $PPID; exec sleep 1000", kLong);
  EXPECT_EQ(result.end, End::Interrupted);
  EXPECT_EQ(result.code, SIGTERM);
}

TEST_F(Grace, is_all_that_a_child_gets_which_ignores_the_signal) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    const auto begin = Clock::now();
    const auto result = run_with_grace(trap_and_interrupt("", number), kShort);
    EXPECT_EQ(result.end, End::Interrupted);
    EXPECT_EQ(result.code, number);
    EXPECT_GE(Clock::now() - begin, kShort);
  }
}

// The second one comes while the child tidies up; with ever more grace until it came so far.
TEST_F(Grace, is_not_renewed_by_a_second_signal) {
  for (Nanoseconds grace = kShort; grace < kLong; grace *= 2) {
    const auto result = run_with_grace(trap_and_interrupt("kill -TERM $PPID; echo tidying", SIGINT), grace);
    EXPECT_EQ(result.end, End::Interrupted);
    EXPECT_EQ(result.code, SIGINT) << "the first one";
    if (result.output == "tidying\n") return;
  }
  FAIL() << "it never got as far as to tidy up";
}

TEST_F(Grace, may_be_longer_than_the_time_limit) {
  const auto result = run_with_grace(
      "trap 'echo tidied; exit' TERM; kill -TERM $PPID" + std::string(kWaitForever), kLong, kLong / 2);
  EXPECT_EQ(result.end, End::Interrupted);
  EXPECT_EQ(result.output, "tidied\n");
}

TEST_F(Grace, is_not_for_a_child_that_runs_too_long) {
  EXPECT_EQ(run_with_grace("exec sleep 1000", kLong, kShort).end, End::TimedOut);
}

TEST_F(Grace, is_not_waited_for_by_a_child_that_nobody_interrupts) {
  const auto result = run_with_grace("exit 7", kLong);
  EXPECT_EQ(result.end, End::Exited);
  EXPECT_EQ(result.code, 7);
}

}  // namespace
}  // namespace gilscope
