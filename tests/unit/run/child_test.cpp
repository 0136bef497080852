// Real children, of /bin/sh. No sleep is a handshake here: pipes and FIFOs say "ready", and the end of a pipe
// that every descendant inherits says that all of them are gone.
#include "run/child.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "expect_error.h"
#include "scratch_folder.h"
#include "support/file.h"

namespace gilscope {
namespace {

using End = ChildResult::End;
using test::error_of;
using test::ScratchFolder;
using testing::EndsWith;
using testing::HasSubstr;

constexpr auto kNeverReached = std::chrono::minutes(10);

ChildResult run_shell(const std::string& script, Nanoseconds timeout = kNeverReached) {
  return run_child({{"/bin/sh", "-c", script}, {}, timeout});
}

// A pipe into which this test's children may write, and which ends when the last of their descendants has.
class Lifeline {
 public:
  Lifeline() {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    read_ = FileDescriptor(ends[0]);
    write_ = FileDescriptor(ends[1]);
    fcntl(read_.get(), F_SETFD, FD_CLOEXEC);
  }

  // For a shell's redirection.
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(write_.get()); }

  // Closes the test's own end: what is left of it are the descendants'.
  void let_go() { write_.close(); }

  // What was written so far; "(end)" is added where no descendant is left.
  [[nodiscard]] std::string read_now() {
    let_go();
    std::array<char, 4096> buffer{};
    std::string text;
    pollfd poll_end{read_.get(), POLLIN, 0};
    while (poll(&poll_end, 1, 0) > 0) {
      const auto count = read(read_.get(), buffer.data(), buffer.size());
      if (count <= 0) return text + "(end)";
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }

  // Waits for a byte or for the end; false where neither comes.
  [[nodiscard]] bool wait() const {
    pollfd poll_end{read_.get(), POLLIN, 0};
    return poll(&poll_end, 1, 30'000) > 0;
  }

 private:
  FileDescriptor read_;
  FileDescriptor write_;
};

// What dies with a child that called run_child is this process's to wait for, once it called run_child
// itself.
void reap_orphans() {
  while (waitpid(-1, nullptr, 0) > 0) continue;
}

void expect_no_children() {
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Child, gives_its_exit_code) {
  for (const int code : {0, 1, 7, 125, 255}) {
    const auto result = run_shell("exit " + std::to_string(code));
    EXPECT_EQ(result.end, End::Exited);
    EXPECT_EQ(result.code, code);
  }
  expect_no_children();
}

TEST(Child, that_a_signal_ended_gives_the_signal) {
  for (const int number : {SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGPIPE}) {
    const auto result = run_shell("kill -" + std::to_string(number) + " $$; exit 0");
    EXPECT_EQ(result.end, End::Signalled) << number;
    EXPECT_EQ(result.code, number);
  }
}

TEST(Child, gives_its_output_and_its_errors_apart) {
  const auto result = run_shell("echo out; echo err >&2; echo more");
  EXPECT_EQ(result.output, "out\nmore\n");
  EXPECT_EQ(result.errors, "err\n");
}

TEST(Child, gets_its_arguments_as_they_are) {
  const auto result =
      run_child({{"/usr/bin/printf", "%s|", "a b", "", "it's \"ü\"", "$HOME", "*"}, {}, kNeverReached});
  EXPECT_EQ(result.output, "a b||it's \"ü\"|$HOME|*|");
}

TEST(Child, reads_nothing_from_standard_input) {
  EXPECT_EQ(run_shell("readlink /proc/self/fd/0; cat").output, "/dev/null\n");
}

TEST(Child, has_each_end_of_its_pipes_once) {
  // A second one would keep a pipe open that everybody believes to be closed.
  const std::string script =
      "for n in 1 2; do own=$(readlink /proc/$$/fd/$n); ls -l /proc/$$/fd | grep -cF \"$own\"; done";
  EXPECT_EQ(run_shell(script).output, "1\n1\n");
}

TEST(Child, has_this_process_environment_and_the_changes_to_it) {
  ASSERT_EQ(setenv("GILSCOPE_TEST_KEPT", "kept", 1), 0);
  ASSERT_EQ(setenv("GILSCOPE_TEST_CHANGED", "old", 1), 0);
  ASSERT_EQ(setenv("GILSCOPE_TEST_CHANGED_NOT", "longer name", 1), 0);
  const ChildCommand command{{"/bin/sh", "-c", "env | grep ^GILSCOPE_TEST_ | sort"},
                             {{"GILSCOPE_TEST_CHANGED", "new = 1"}, {"GILSCOPE_TEST_ADDED", ""}},
                             kNeverReached};
  EXPECT_EQ(run_child(command).output,
            "GILSCOPE_TEST_ADDED=\nGILSCOPE_TEST_CHANGED=new = 1\nGILSCOPE_TEST_CHANGED_NOT=longer name\n"
            "GILSCOPE_TEST_KEPT=kept\n");
  for (const auto* name : {"GILSCOPE_TEST_KEPT", "GILSCOPE_TEST_CHANGED", "GILSCOPE_TEST_CHANGED_NOT"})
    unsetenv(name);
}

TEST(Child, whose_program_is_missing_ends_with_127_and_says_why) {
  const auto result = run_child({{"/nowhere/python", "x"}, {}, kNeverReached});
  EXPECT_EQ(result.end, End::Exited);
  EXPECT_EQ(result.code, 127);
  EXPECT_EQ(result.errors, "/nowhere/python: No such file or directory\n");
}

TEST(Child, whose_program_may_not_be_run_ends_with_127_and_says_why) {
  const ScratchFolder folder;
  const auto result = run_child({{folder.write("not-executable", "")}, {}, kNeverReached});
  EXPECT_EQ(result.code, 127);
  EXPECT_THAT(result.errors, HasSubstr("Permission denied"));
}

TEST(Child, has_its_whole_output_kept) {
  EXPECT_EQ(run_shell("head -c 3000000 /dev/zero").output, std::string(3'000'000, '\0'));
}

TEST(Child, that_prints_100_MB_of_errors_is_drained_and_the_tail_kept) {
  const auto result = run_shell("head -c 100000000 /dev/zero >&2; echo the end >&2; exit 4");
  EXPECT_EQ(result.code, 4);
  EXPECT_EQ(result.errors.size(), kErrorTail);
  EXPECT_THAT(result.errors, EndsWith(std::string(1, '\0') + "the end\n"));
}

TEST(Child, that_prints_more_than_a_record_can_be_is_an_error_and_ended) {
  Lifeline lifeline;
  const auto error = error_of([] { run_shell("head -c 70000000 /dev/zero; exec sleep 1000"); });
  EXPECT_THAT(error.what(), HasSubstr("more than 64 MiB"));
  EXPECT_EQ(lifeline.read_now(), "(end)");
  expect_no_children();
}

TEST(Child, that_ends_takes_what_it_left_running_with_it) {
  Lifeline lifeline;
  const auto result = run_shell("sleep 1000 & echo started; exit 3");
  EXPECT_EQ(result.end, End::Exited);
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(result.output, "started\n");
  EXPECT_EQ(lifeline.read_now(), "(end)");
  expect_no_children();
}

TEST(Child, that_ends_takes_with_it_what_had_left_its_process_group) {
  const ScratchFolder folder;
  const auto ready = folder.file("ready");
  ASSERT_EQ(mkfifo(ready.c_str(), 0600), 0);
  Lifeline lifeline;
  // A daemon as they are made: a session of its own, its parent gone, its streams elsewhere.
  const auto result = run_shell("(setsid sh -c 'echo ready > " + ready +
                                "; exec sleep 1000' </dev/null >/dev/null 2>&1 &)\n" + "read word < " +
                                ready + "; echo $word");
  EXPECT_EQ(result.output, "ready\n");
  EXPECT_EQ(lifeline.read_now(), "(end)");
  expect_no_children();
}

// A child that does not end, run with ever more time until that sufficed for it to say "ready" to its
// lifeline.
ChildResult run_too_long(const std::string& script) {
  for (auto timeout = std::chrono::milliseconds(200); timeout < kNeverReached; timeout *= 2) {
    Lifeline lifeline;
    auto result = run_shell("ready='echo ready > " + lifeline.path() + "'\n" + script, timeout);
    EXPECT_EQ(result.end, End::TimedOut);
    const auto text = lifeline.read_now();
    EXPECT_THAT(text, EndsWith("(end)"));
    expect_no_children();
    if (text == "ready\n(end)") return result;
  }
  ADD_FAILURE() << "it never got as far as to be ready";
  return {};
}

TEST(Child, that_runs_too_long_is_ended_with_all_that_it_started) {
  const auto result =
      run_too_long("(sleep 1000; echo never) & setsid sleep 1000 & echo out; eval $ready; sleep 1000");
  EXPECT_EQ(result.output, "out\n");
}

TEST(Child, that_runs_too_long_may_say_its_last_words) {
  // As Python's faulthandler does: the lines where it hangs.
  const auto result = run_too_long("trap 'echo last words >&2; exit 0' ABRT; sleep 1000 & eval $ready; wait");
  EXPECT_EQ(result.errors, "last words\n");
}

TEST(Child, that_runs_too_long_is_ended_whatever_it_ignores) {
  run_too_long("trap '' ABRT TERM INT HUP; eval $ready; while :; do sleep 1000; done");
}

TEST(Child, leaves_alone_the_other_children_of_this_process) {
  const pid_t other = fork();
  if (other == 0) {
    pause();
    _exit(0);
  }
  static_cast<void>(run_shell("sleep 1000 &"));
  EXPECT_EQ(waitpid(other, nullptr, WNOHANG), 0);  // still running
  kill(other, SIGKILL);
  EXPECT_EQ(waitpid(other, nullptr, 0), other);
}

TEST(Child, is_waited_for_where_this_process_was_started_with_the_signal_for_it_ignored) {
  const auto previous = std::signal(SIGCHLD, SIG_IGN);
  const auto result = run_shell("exit 3");
  std::signal(SIGCHLD, previous);
  EXPECT_EQ(result.end, End::Exited);
  EXPECT_EQ(result.code, 3);
}

TEST(Child, dies_of_a_broken_pipe_although_this_process_ignores_it) {
  const auto previous = std::signal(SIGPIPE, SIG_IGN);
  const auto result = run_shell("kill -PIPE $$; exit 0");
  std::signal(SIGPIPE, previous);
  EXPECT_EQ(result.end, End::Signalled);
}

TEST(Child, has_its_streams_where_this_process_has_none) {
  EXPECT_EXIT(
      {
        for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(descriptor);
        const auto result = run_shell("readlink /proc/self/fd/0; echo out; echo err >&2; exit 5");
        const bool is_good =
            result.output == "/dev/null\nout\n" && result.errors == "err\n" && result.code == 5;
        std::exit(is_good ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(Child, goes_with_a_parent_that_is_killed) {
  Lifeline lifeline;
  const auto path = lifeline.path();
  const pid_t parent = fork();
  if (parent == 0) {
    static_cast<void>(run_shell("echo ready > " + path + "; exec sleep 1000"));
    _exit(0);
  }
  EXPECT_TRUE(lifeline.wait());
  kill(parent, SIGKILL);
  EXPECT_EQ(waitpid(parent, nullptr, 0), parent);
  EXPECT_THAT(lifeline.read_now(), testing::StartsWith("ready\n"));
  EXPECT_TRUE(lifeline.wait());
  EXPECT_EQ(lifeline.read_now(), "(end)");
  reap_orphans();
}

class Interrupt : public ::testing::Test {
 protected:
  // Who runs the tests in the background has had some of them ignored.
  void SetUp() override {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, SIG_DFL);
  }
};

TEST_F(Interrupt, ends_the_running_child_and_all_that_it_started) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    Lifeline lifeline;
    const InterruptGuard guard;
    EXPECT_FALSE(InterruptGuard::signal().has_value());
    const auto result =
        run_shell("sleep 1000 & echo before; kill -" + std::to_string(number) + " $PPID; exec sleep 1000");
    EXPECT_EQ(result.end, End::Interrupted);
    EXPECT_EQ(result.code, number);
    EXPECT_EQ(result.output, "before\n");
    EXPECT_EQ(InterruptGuard::signal(), number);
    EXPECT_EQ(lifeline.read_now(), "(end)");
    expect_no_children();
  }
}

TEST_F(Interrupt, that_came_between_two_children_ends_the_next_one) {
  Lifeline lifeline;
  const InterruptGuard guard;
  EXPECT_EQ(run_shell("exit 0").end, End::Exited);
  std::raise(SIGTERM);
  EXPECT_EQ(run_shell("exec sleep 1000").end, End::Interrupted);
  EXPECT_EQ(lifeline.read_now(), "(end)");
}

TEST_F(Interrupt, is_forgotten_with_its_guard) {
  {
    const InterruptGuard guard;
    std::raise(SIGINT);
    EXPECT_EQ(InterruptGuard::signal(), SIGINT);
  }
  EXPECT_FALSE(InterruptGuard::signal().has_value());
  EXPECT_EQ(run_shell("exit 0").end, End::Exited);
  const InterruptGuard guard;
  EXPECT_FALSE(InterruptGuard::signal().has_value());
}

TEST_F(Interrupt, is_as_it_was_once_the_guard_is_gone) {
  const auto previous = std::signal(SIGHUP, SIG_IGN);
  {
    const InterruptGuard guard;
  }
  EXPECT_EQ(std::signal(SIGHUP, previous), SIG_IGN);
  EXPECT_EXIT(
      {
        {
          const InterruptGuard guard;
        }
        std::raise(SIGTERM);
        std::exit(0);
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST_F(Interrupt, that_was_ignored_from_the_start_stays_ignored) {
  std::signal(SIGHUP, SIG_IGN);
  const InterruptGuard guard;
  std::raise(SIGHUP);
  EXPECT_FALSE(InterruptGuard::signal().has_value());
}

TEST_F(Interrupt, without_a_guard_ends_this_process_and_not_only_the_child) {
  EXPECT_EXIT(
      {
        static_cast<void>(run_shell("kill -TERM $PPID; exec sleep 1000"));
        std::exit(0);
      },
      testing::KilledBySignal(SIGTERM), "");
  reap_orphans();
}

}  // namespace
}  // namespace gilscope
