// The scripts of accuracy_bench: what the threads do with the GIL, step by step, and when, as far as the
// clock around each call tells.
#pragma once

#include <Python.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <sched.h>
#include <stdexcept>
#include <vector>

#include "gil_observer.h"
#include "probe/event.h"

namespace gilscope::bench {

using std::chrono::microseconds;

inline constexpr unsigned kRounds = 1200;

// What the script did. Timeouts are no steps: how many come is the scheduler's business.
struct Step {
  unsigned thread = 0;  // 0: the main one
  EventKind kind{};
  Bounds time;
};

// What both threads of a script share. They run on one core: whoever waits for the other yields.
struct Stage {
  GilView gil;
  std::vector<Step> steps;
  std::atomic<unsigned> asked{0};
  std::atomic<unsigned> done{0};
};

template <typename Condition>
void yield_until(Condition condition) {
  while (!condition()) sched_yield();
}

inline void spin(Nanoseconds span) {
  const Nanoseconds end = ProbeClock::read_monotonic() + span;
  while (ProbeClock::read_monotonic() < end) {
  }
}

template <typename Call>
Bounds time_of(Call call) {
  const Nanoseconds low = ProbeClock::read_monotonic();
  call();
  return {.low = low, .high = ProbeClock::read_monotonic()};
}

class Detachable {
 public:
  Bounds release() {
    return time_of([&] { state_ = PyEval_SaveThread(); });
  }
  Bounds acquire() {
    return time_of([&] { PyEval_RestoreThread(state_); });
  }

 private:
  PyThreadState* state_ = nullptr;
};

struct Script {
  const char* name;
  const char* switch_interval;                        // seconds
  unsigned forced;                                    // releases of the main thread
  std::function<void(Stage&)> first;                  // begins and ends with the GIL
  std::function<void(Stage&, Detachable&)> second{};  // begins and ends without; or none
};

// One thread alone: releases and acquires, holds of 1 us to 5 ms.
inline void hold_alone(Stage& stage) {
  constexpr std::array kHolds{microseconds(1), microseconds(10), microseconds(100), microseconds(1000),
                              microseconds(5000)};
  Detachable self;
  for (unsigned round = 0; round <= kRounds; ++round) {
    stage.steps.push_back({0, EventKind::Release, self.release()});
    spin(microseconds(1 + round % 20));
    stage.steps.push_back({0, EventKind::Acquire, self.acquire()});
    spin(kHolds[round % kHolds.size()]);
  }
}

// The main thread holds known spans until after the other one has begun to wait, and releases by itself.
inline void hold_for_a_waiter(Stage& stage) {
  constexpr std::array kHolds{microseconds(5), microseconds(50), microseconds(500), microseconds(4000)};
  Detachable self;
  for (unsigned round = 1; round <= kRounds; ++round) {
    stage.asked = round;
    yield_until([&] { return stage.gil.has_waiter(); });
    spin(kHolds[round % kHolds.size()]);
    const std::size_t of_other = stage.steps.size();
    const Bounds release = self.release();
    yield_until([&] { return stage.done == round; });
    // The other's steps of this round: acquire and release.
    const Bounds acquired = stage.steps[of_other].time;
    const Bounds released = stage.steps[of_other + 1].time;
    stage.steps.resize(of_other);
    stage.steps.push_back({1, EventKind::Request, {acquired.low, release.low}});
    stage.steps.push_back({0, EventKind::Release, release});
    stage.steps.push_back({1, EventKind::Acquire, acquired});
    stage.steps.push_back({1, EventKind::Release, released});
    stage.steps.push_back({0, EventKind::Acquire, self.acquire()});
  }
}
inline void wait_and_hold(Stage& stage, Detachable& self) {
  for (unsigned round = 1; round <= kRounds; ++round) {
    yield_until([&] { return stage.asked == round; });
    stage.steps.push_back({1, EventKind::Acquire, self.acquire()});
    spin(microseconds(1 + round % 200));
    stage.steps.push_back({1, EventKind::Release, self.release()});
    stage.done = round;
  }
}

// The main thread computes, and is made to release by the other one, which then holds until it waits in turn.
inline void compute(Stage& /*stage*/) {
  PyObject* const globals = PyModule_GetDict(PyImport_AddModule("__main__"));
  PyDict_SetItemString(globals, "is_over", Py_False);
  PyObject* const result = PyRun_String("while not is_over: pass", Py_file_input, globals, globals);
  if (result == nullptr) throw std::runtime_error("the loop failed");
  Py_DECREF(result);
}
inline void force(Stage& stage, Detachable& self) {
  for (unsigned round = 1; round <= kRounds; ++round) {
    const Bounds acquired = self.acquire();
    yield_until([&] { return stage.gil.has_waiter(); });
    spin(microseconds(1 + round % 200));
    if (round == kRounds) {
      PyDict_SetItemString(PyModule_GetDict(PyImport_AddModule("__main__")), "is_over", Py_True);
    }
    const Bounds released = self.release();
    // No call of the main thread is around its steps: they lie between those of this one. (When it asked
    // cannot be told within 2 us, so neither can its waits: only what is proven counts there.)
    stage.steps.push_back({1, EventKind::Request, acquired});
    stage.steps.push_back({0, EventKind::Release, acquired});
    stage.steps.push_back({1, EventKind::Acquire, acquired});
    stage.steps.push_back({0, EventKind::Request, {acquired.low, released.low}});
    stage.steps.push_back({1, EventKind::Release, released});
    // The main thread takes it back: nobody else is there.
    yield_until([&] { return stage.gil.is_locked(); });
    stage.steps.push_back({0, EventKind::Acquire, {released.low, ProbeClock::read_monotonic()}});
  }
}

}  // namespace gilscope::bench
