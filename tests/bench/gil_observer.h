// The truth about one GIL without the probe: its own flag in CPython's memory, watched by a thread of no
// Python on a core of its own; and what is certain of an instant that nobody could see exactly.
#pragma once

#include <Python.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <pthread.h>
#include <sched.h>
#include <stdexcept>
#include <thread>
#include <vector>

#include "probe/calibration.h"
#include "probe/clock.h"
#include "probe/hooks.h"

namespace gilscope::bench {

// An instant of CLOCK_MONOTONIC lies between these.
struct Bounds {
  Nanoseconds low = Nanoseconds::min();
  Nanoseconds high = Nanoseconds::max();
};

inline void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) throw std::runtime_error("cannot choose a core");
}

// Reads the GIL's `locked` and the number of threads in its condition variable. Only the address comes from
// gilscope; where CPython keeps the flag is in its pycore_gil.h, the same for 3.11 to 3.15, and is tried out.
class GilView {
 public:
  // The calling thread holds the GIL, and no other thread wants it.
  GilView() : cond_(find_cond()) {
    const auto last_holder = *reinterpret_cast<const std::uintptr_t*>(cond_ - 24);
    const bool was_locked = is_locked();
    PyThreadState* const self = PyEval_SaveThread();
    const bool is_still_locked = is_locked();
    PyEval_RestoreThread(self);
    if (last_holder != reinterpret_cast<std::uintptr_t>(self) || !was_locked || is_still_locked) {
      throw std::runtime_error("the GIL's flag is not where CPython 3.11 to 3.15 have it");
    }
  }

  [[nodiscard]] bool is_locked() const {
    return std::atomic_ref(*reinterpret_cast<int*>(cond_ - 16)).load() == 1;
  }
  // glibc: from bit 3 on, __wrefs counts the threads inside pthread_cond_wait.
  [[nodiscard]] bool has_waiter() const {
    return std::atomic_ref(reinterpret_cast<pthread_cond_t*>(cond_)->__data.__wrefs).load() >= 8;
  }

 private:
  static std::uintptr_t find_cond() {
    const LoadedObject cpython = LoadedObject::of_cpython();
    resolve_originals(cpython);
    return calibrate(cpython).cond;
  }

  std::uintptr_t cond_;
};

enum class Change : std::uint8_t { Locked, Unlocked, Waiting };

// Two looks, the first of which saw the GIL as it was before the change, the second as it was after it. (Or
// after several changes: between looks, the observer may not have had its core.)
struct Sight {
  Change change{};
  Nanoseconds before{};   // at or before the first look
  Nanoseconds between{};  // the two
  Nanoseconds after{};    // at or after the second look
};

// Notes every change that it sees, from the constructor to stop(). What comes and goes between two looks is
// not seen. A store is seen as it
// reaches this core, some hundred ns after the clock that the same thread read beside it: GIL and mutex share
// the cache line that we look at.
class Observer {
 public:
  Observer(const GilView& gil, int cpu, std::size_t capacity) {
    sights_.resize(capacity);  // touched: no page fault later
    sights_.clear();
    thread_ = std::thread([this, gil, cpu] {
      pin_to(cpu);
      watch(gil);
    });
    while (!is_watching_) sched_yield();
  }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  Observer(Observer&&) = delete;
  Observer& operator=(Observer&&) = delete;
  ~Observer() { stop(); }

  const std::vector<Sight>& stop() {
    is_over_ = true;
    if (thread_.joinable()) thread_.join();
    return sights_;
  }

 private:
  void watch(const GilView& gil) {
    bool was_locked = gil.is_locked();
    bool had_waiter = gil.has_waiter();
    Nanoseconds previous = Nanoseconds::min();
    is_watching_ = true;
    while (!is_over_.load(std::memory_order_relaxed)) {
      const Nanoseconds now = ProbeClock::read_monotonic();
      const bool is_locked = gil.is_locked();
      const bool has_waiter = gil.has_waiter();
      if (is_locked != was_locked) note(is_locked ? Change::Locked : Change::Unlocked, previous, now);
      if (has_waiter && !had_waiter) note(Change::Waiting, previous, now);
      was_locked = is_locked;
      had_waiter = has_waiter;
      previous = now;
    }
  }
  void note(Change change, Nanoseconds before, Nanoseconds between) {
    if (sights_.size() == sights_.capacity()) return;
    sights_.push_back(
        {.change = change, .before = before, .between = between, .after = ProbeClock::read_monotonic()});
  }

  std::vector<Sight> sights_;
  std::atomic<bool> is_watching_{false};
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

}  // namespace gilscope::bench
