#include <Python.h>

#include "probe/pair_cost.h"

#include "probe/probe_fixture.h"
#include "recording/blame_counters.h"

namespace gilscope {
namespace {

TEST_F(ProbeTest, ItsCostIsThatOfAPairAndLeavesNoTrace) {
  {
    EventList list;
    Probe probe;
    probe.start(list);
  }
  BlameCounters scratch;
  for (int i = 0; i < 3; ++i) {
    const auto begin = ProbeClock::read_monotonic();
    const auto cost = measure_pair_cost(scratch);
    const auto took = ProbeClock::read_monotonic() - begin;
    ASSERT_TRUE(cost);
    EXPECT_GE(*cost, 0.0);
    EXPECT_LT(*cost, static_cast<double>(took.count()) / 1000) << "thousands of pairs are timed";
  }
  {
    const Detached detached;
  }
  const auto after = scratch.view().figures(0);
  ASSERT_EQ(after.threads.size(), 1U) << "the calling thread only";

  EventList list;
  Probe probe;
  probe.start(list);
  for (int i = 0; i < 100; ++i) {
    const Detached detached;
  }
  probe.stop();
  EXPECT_EQ(list.size(), 201U);
  expect_true_list(list.events());
  EXPECT_EQ(list.events().front().gil, GilId{0});
  EXPECT_EQ(scratch.view().figures(0).threads.front().holds, after.threads.front().holds);
}

}  // namespace
}  // namespace gilscope
