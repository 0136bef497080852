// A recorder's work is done by a thread that would sleep, with nothing locked; and is over when the probe has
// stopped.
#include <Python.h>

#include <atomic>
#include <latch>
#include <thread>

#include "probe/probe_fixture.h"

namespace gilscope {
namespace {

class Worker final : public Recorder {
 public:
  Worker() { set_has_work(true); }
  void record(const Event& event) noexcept override { events.record(event); }
  void work() noexcept override {
    set_has_work(false);
    has_begun.count_down();
    may_end.wait();
    has_ended = true;
  }

  EventList events;
  std::latch has_begun{1};
  std::latch may_end{1};
  std::atomic<bool> has_ended = false;
};

// Takes the GIL once, from the test's thread.
std::thread start_waiter() {
  return std::thread([] {
    AttachedThread other;
    other.attach();
    other.detach();
  });
}

TEST_F(ProbeTest, ARecordersWorkIsDoneWithoutTheGilsMutex) {
  Worker worker;
  Probe probe;
  probe.start(worker);
  std::thread waiter = start_waiter();
  worker.has_begun.wait();
  for (int i = 0; i < 3; ++i) {
    const Detached detached;  // takes the mutex: it would hang
  }
  worker.may_end.count_down();
  {
    const Detached detached;
    waiter.join();
  }
  probe.stop();
  EXPECT_TRUE(worker.has_ended);
  EXPECT_EQ(worker.events.count(EventKind::Request), 1U) << "one wait, whatever came in between";
  expect_true_list(worker.events.events());
}

TEST_F(ProbeTest, ARecordersWorkIsTimed) {
  HookTimes times{};
  Worker worker;
  worker.note_times(&times);
  Probe probe;
  probe.start(worker);
  std::thread waiter = start_waiter();
  worker.has_begun.wait();
  EXPECT_EQ(times.work_ticks, 0U);
  worker.may_end.count_down();
  {
    const Detached detached;
    waiter.join();
  }
  probe.stop();
  EXPECT_GT(times.work_ticks, 0U);
}

// Of a thread's events the first one that is timed is its second at the earliest, its 62nd at the latest.
TEST_F(ProbeTest, EventsThatConcernOthersAreTimedInSamples) {
  HookTimes times{};
  EventList list;
  list.note_times(&times);
  Probe probe;
  probe.start(list, Stacks::Every);
  for (std::uint32_t i = 0; i < 5 * HookTimes::kOneOf; ++i) {
    const Detached detached;
  }
  probe.stop();
  EXPECT_EQ(list.size(), 1 + 10 * HookTimes::kOneOf);
  EXPECT_EQ(times.timed, 10U);
  EXPECT_EQ(times.acquires, 5U) << "as many as releases: 61 is odd";
  EXPECT_LE(times.ticks, times.timed * HookTimes::kMostTicks);
}

TEST_F(ProbeTest, EventsThatConcernNobodyElseAreNotTimed) {
  HookTimes times{};
  EventList list;
  list.note_times(&times);
  Probe probe;
  probe.start(list);
  for (std::uint32_t i = 0; i < 5 * HookTimes::kOneOf; ++i) {
    const Detached detached;
  }
  probe.stop();
  EXPECT_EQ(times.timed, 0U);
}

TEST_F(ProbeTest, ItsStopWaitsForWorkThatHasBegun) {
  Worker worker;
  Probe probe;
  probe.start(worker);
  std::thread waiter = start_waiter();
  worker.has_begun.wait();
  std::thread helper([&] { worker.may_end.count_down(); });
  probe.stop();
  EXPECT_TRUE(worker.has_ended);
  helper.join();
  const Detached detached;
  waiter.join();
}

}  // namespace
}  // namespace gilscope
