#include "recording/cpu_wait.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "probe/system_thread.h"

namespace gilscope {
namespace {

bool does_system_tell() { return std::filesystem::exists("/proc/self/schedstat"); }

TEST(CpuWait, of_a_thread_of_this_process_only_grows) {
  const auto first = read_cpu_wait(this_thread_id());
  EXPECT_EQ(first.has_value(), does_system_tell());
  if (!first) return;
  EXPECT_GE(*first, Nanoseconds{});
  EXPECT_GE(*read_cpu_wait(this_thread_id()), *first);
}

TEST(CpuWait, of_a_thread_that_is_gone_is_not_known) {
  EXPECT_FALSE(read_cpu_wait(ThreadId{4'100'000}));  // beyond what the kernel gives
}

TEST(CpuWait, of_a_throttled_cgroup_only_grows) {
  const auto first = read_throttled();
  EXPECT_GE(first, Nanoseconds{});
  EXPECT_GE(read_throttled(), first);
}

}  // namespace
}  // namespace gilscope
