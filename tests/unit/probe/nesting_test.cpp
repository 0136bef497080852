// Probes that run at once: each records what it would alone.
#include <Python.h>

#include "probe/nesting.h"

#include <array>
#include <atomic>
#include <memory>
#include <sys/wait.h>
#include <thread>

#include "probe/pair_cost.h"
#include "probe/probe_fixture.h"
#include "probe/slot_patch.h"

namespace gilscope {
namespace {

void use_gil(int times) {
  for (int i = 0; i < times; ++i) {
    const Detached detached;
  }
}

std::uintptr_t signal_slot() {
  return *LoadedObject::of_cpython().find_slots("pthread_cond_signal").front().place;
}

// Its own hold, and those of the two starts within it, which release and acquire once each.
TEST_F(ProbeTest, EachOfThreeProbesRecordsAllFromItsStartToItsStop) {
  std::array<EventList, 3> lists;
  std::array<Probe, 3> probes;
  const auto before = signal_slot();
  for (std::size_t i = 0; i < 3; ++i) {
    probes.at(i).start(lists.at(i));
    use_gil(10);
  }
  EXPECT_EQ(probes[1].losses().overlooked_gils, 0U);
  for (std::size_t i = 3; i-- > 0;) {
    probes.at(i).stop();
    use_gil(5);
  }
  EXPECT_EQ(lists[0].size(), 1U + 2 * (10 + 1 + 10 + 1 + 10 + 5 + 5));
  EXPECT_EQ(lists[1].size(), 1U + 2 * (10 + 1 + 10 + 5));
  EXPECT_EQ(lists[2].size(), 1U + 2 * 10);
  for (std::size_t i = 0; i < 3; ++i) {
    expect_true_list(lists.at(i).events());
    EXPECT_FALSE(probes.at(i).losses().were_slots_overwritten) << i;
    EXPECT_EQ(lists.at(i).owners().size(), 1U);
  }
  EXPECT_EQ(signal_slot(), before);
}

TEST_F(ProbeTest, ProbesMayStopInAnyOrderAndStartAgain) {
  const auto before = signal_slot();
  for (int round = 0; round < 3; ++round) {
    std::array<EventList, 3> lists;
    std::array<Probe, 3> probes;
    for (std::size_t i = 0; i < 2; ++i) probes.at(i).start(lists.at(i));
    probes[0].stop();
    use_gil(1);
    probes[2].start(lists[2]);  // around one that runs, where one has ended below
    use_gil(1);
    probes[1].stop();
    use_gil(1);
    probes[2].stop();
    use_gil(1);
    EXPECT_EQ(lists[0].size(), 3U);
    EXPECT_EQ(lists[1].size(), 1U + 2 * 3);
    EXPECT_EQ(lists[2].size(), 1U + 2 * 2);
    for (std::size_t i = 0; i < 3; ++i) {
      expect_true_list(lists.at(i).events());
      EXPECT_FALSE(probes.at(i).losses().were_slots_overwritten) << i;
    }
    EXPECT_EQ(signal_slot(), before);
  }
}

// One wants every hold with its stack, the other none of them: what the one is told is not told to the other.
TEST_F(ProbeTest, EachProbeHasStacksOfItsOwn) {
  struct Told : EventList {
    void record_at(const Event& event, std::span<const CodePoint> stack,
                   const CodeReader& /*reader*/) noexcept override {
      with_stack += stack.empty() ? 0 : 1;
      record(event);
    }
    int with_stack = 0;
  };
  Told plain;
  Told every;
  Probe outer;
  Probe inner;
  outer.start(plain);
  inner.start(every, Stacks::Every);
  run("import time\nfor _ in range(3): time.sleep(0)");
  inner.stop();
  outer.stop();
  EXPECT_EQ(plain.with_stack, 0);
  EXPECT_EQ(every.with_stack, inner.stacks() == Stacks::Off ? 0 : 6);
}

TEST_F(ProbeTest, OneProbeTooManyIsRefusedAndTheOthersGoOn) {
  std::array<EventList, kMostProbes + 1> lists;
  std::array<Probe, kMostProbes + 1> probes;
  for (std::size_t i = 0; i < kMostProbes; ++i) probes.at(i).start(lists.at(i));
  try {
    probes.back().start(lists.back());
    ADD_FAILURE() << "not refused";
  } catch (const ProbeError& error) {
    EXPECT_EQ(error.failure(), ProbeFailure::AlreadyRunning);
  }
  EXPECT_FALSE(probes.back().is_running());
  for (std::size_t i = 0; i < kMostProbes; ++i) {
    const auto size = lists.at(i).size();
    use_gil(1);
    EXPECT_EQ(lists.at(i).size(), size + 2);
    probes.at(i).stop();
  }
  probes.back().start(lists.back());
  probes.back().stop();
  EXPECT_EQ(lists.back().size(), 1U);
}

TEST_F(ProbeTest, WhatAPairCostsIsMeasuredBesideAProbeThatDoesNotNotice) {
  EventList list;
  EventList scratch;
  Probe probe;
  probe.start(list);
  EXPECT_TRUE(measure_pair_cost(scratch));
  use_gil(1);
  probe.stop();
  EXPECT_EQ(list.size(), 3U);
  EXPECT_GT(scratch.size(), 1000U);
}

// Threads start probes, use the GIL within them, and stop them, whoever else does.
TEST_F(ProbeTest, ThreadsStartAndStopProbesAtOnce) {
  const auto before = signal_slot();
  EventList whole;
  Probe around;
  around.start(whole);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < kMostProbes; ++i) {
    threads.emplace_back([&wrong] {
      AttachedThread state;
      for (int round = 0; round < 50; ++round) {
        EventList list(1U << 14U);
        Probe probe;
        state.attach();
        probe.start(list);
        state.detach();
        state.attach();
        probe.stop();
        state.detach();
        const auto events = list.events();
        wrong += events.size() < 3 || events.front().kind != EventKind::Acquire ? 1 : 0;
        expect_true_list(events);
      }
    });
  }
  {
    const Detached detached;
    for (auto& thread : threads) thread.join();
  }
  around.stop();
  EXPECT_EQ(wrong.load(), 0);
  expect_true_list(whole.events());
  EXPECT_FALSE(around.losses().were_slots_overwritten);
  EXPECT_EQ(signal_slot(), before);
}

TEST_F(ProbeTest, TheChildOfAForkGoesOnInEachProbe) {
  std::array<EventList, 2> lists;
  std::array<Probe, 2> probes;
  for (std::size_t i = 0; i < 2; ++i) probes.at(i).start(lists.at(i));
  const auto outer = lists[0].size();
  const auto inner = lists[1].size();
  run("import os\nchild = os.fork()");
  PyObject* const child = PyObject_GetAttrString(PyImport_AddModule("__main__"), "child");
  const long pid = PyLong_AsLong(child);
  Py_DECREF(child);
  if (pid == 0) {
    // Both have gone on since, from the acquire of the GIL that Python made anew.
    const auto more = lists[0].size() - outer;
    use_gil(1);
    const bool is_right =
        more > 0 && lists[0].size() == outer + more + 2 && lists[1].size() == inner + more + 2;
    probes[0].stop();
    probes[1].stop();
    _exit(is_right ? 0 : 1);
  }
  int status = 0;
  waitpid(static_cast<pid_t>(pid), &status, 0);
  EXPECT_EQ(status, 0);
  for (auto& probe : probes) probe.stop();
}

}  // namespace
}  // namespace gilscope
