#include <Python.h>

#include "probe/probe.h"
#include "probe/probe_fixture.h"

namespace gilscope {
namespace {

class ProbeRefusal : public ProbeTest {
 protected:
  void SetUp() override {}
};

TEST_F(ProbeRefusal, WithoutAGilThereIsNothingToTrace) {
  if (has_gil()) GTEST_SKIP() << "this Python has a GIL";
  EventList list;
  Probe probe;
  try {
    probe.start(list);
    ADD_FAILURE() << "not refused";
  } catch (const ProbeError& error) {
    EXPECT_EQ(error.failure(), ProbeFailure::NoGil);
  }
}

TEST_F(ProbeRefusal, AThreadWithoutTheGilCannotStartIt) {
  EventList list;
  Probe probe;
  const Detached detached;
  EXPECT_THROW(probe.start(list), ProbeError);
}

}  // namespace
}  // namespace gilscope
