// What two snapshots of the same events must agree in.
#pragma once

#include <gtest/gtest.h>

#include "analysis/machine_snapshot.h"

namespace gilscope::test {

inline void expect_alike(const MachineSnapshot& left, const MachineSnapshot& right) {
  EXPECT_EQ(left.lost_events, right.lost_events);
  ASSERT_EQ(left.gils.size(), right.gils.size());
  for (std::size_t i = 0; i < left.gils.size(); ++i) {
    EXPECT_EQ(left.gils[i].gil, right.gils[i].gil);
    EXPECT_EQ(left.gils[i].interpreter, right.gils[i].interpreter);
    EXPECT_EQ(left.gils[i].last, right.gils[i].last);
    EXPECT_EQ(left.gils[i].handoffs, right.gils[i].handoffs);
    EXPECT_EQ(left.gils[i].timeouts, right.gils[i].timeouts);
    EXPECT_EQ(left.gils[i].violations, right.gils[i].violations);
  }
  ASSERT_EQ(left.handoffs.size(), right.handoffs.size());
  for (std::size_t i = 0; i < left.handoffs.size(); ++i) {
    EXPECT_EQ(left.handoffs[i].from, right.handoffs[i].from);
    EXPECT_EQ(left.handoffs[i].to, right.handoffs[i].to);
    EXPECT_EQ(left.handoffs[i].count, right.handoffs[i].count);
  }
  ASSERT_EQ(left.threads.size(), right.threads.size());
  for (std::size_t i = 0; i < left.threads.size(); ++i) {
    const ThreadSnapshot& one = left.threads[i];
    const ThreadSnapshot& other = right.threads[i];
    EXPECT_EQ(one.gil, other.gil);
    EXPECT_EQ(one.thread, other.thread);
    EXPECT_EQ(one.holds, other.holds);
    EXPECT_EQ(one.hold_ticks, other.hold_ticks);
    EXPECT_EQ(one.waits, other.waits);
    EXPECT_EQ(one.wait_ticks, other.wait_ticks);
    EXPECT_EQ(one.forced, other.forced);
    EXPECT_EQ(one.voluntary, other.voluntary);
    EXPECT_EQ(one.first, other.first);
    EXPECT_EQ(one.last, other.last);
    EXPECT_EQ(one.open, other.open);
    EXPECT_EQ(one.hold, other.hold);
    EXPECT_EQ(one.wait, other.wait);
  }
}

}  // namespace gilscope::test
