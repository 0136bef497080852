// Runs a piece of a test in a child of fork(): what it does to descriptors, limits and memory stays there.
#pragma once

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace gilscope::test {

// How the child of this process ended: its exit code, or less than 0: the signal.
inline int wait_for(pid_t child) {
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Exit code 0 where `succeeds` returns true, 1 where it does not, 2 where it throws.
template <typename Check>
[[nodiscard]] int run_in_child(Check succeeds) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      _exit(succeeds() ? 0 : 1);
    } catch (...) {
      _exit(2);
    }
  }
  return wait_for(child);
}

}  // namespace gilscope::test
