#include "report/interval_spool.h"

#include <gtest/gtest.h>

namespace gilscope {
namespace {

SpooledInterval interval_of(std::int64_t begin) {
  return {.begin = Nanoseconds(begin), .end = Nanoseconds(begin + 1), .to = StackId{7}};
}

std::vector<std::int64_t> begins_of(IntervalSpool& spool, ThreadId thread) {
  std::vector<std::int64_t> begins;
  spool.read(thread, [&](const SpooledInterval& interval) {
    EXPECT_EQ(interval.to, StackId{7});
    EXPECT_FALSE(interval.from);
    begins.push_back(interval.begin.count());
  });
  return begins;
}

// More than a block of each, and a part of one.
TEST(IntervalSpool, gives_back_what_each_thread_added_as_often_as_asked) {
  IntervalSpool spool;
  std::map<ThreadId, std::vector<std::int64_t>> expected;
  for (std::int64_t i = 0; i < 10'000; ++i) {
    const ThreadId thread{static_cast<std::uint32_t>(i % 7 == 0 ? 1 : 2)};
    spool.add(thread, interval_of(i));
    expected[thread].push_back(i);
  }
  ASSERT_EQ(spool.threads(), (std::vector{ThreadId{1}, ThreadId{2}}));
  for (int time = 0; time < 2; ++time) {
    for (const auto& [thread, begins] : expected) {
      EXPECT_EQ(spool.count(thread), begins.size());
      EXPECT_EQ(begins_of(spool, thread), begins);
    }
  }
  spool.add(ThreadId{1}, interval_of(99'999));
  EXPECT_EQ(begins_of(spool, ThreadId{1}).back(), 99'999);
}

}  // namespace
}  // namespace gilscope
