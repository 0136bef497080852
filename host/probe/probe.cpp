#include <Python.h>

#include "probe/probe.h"

#include <mutex>
#include <pthread.h>
#include <utility>

#include <fmt/core.h>

#include "probe/attached.h"
#include "probe/calibration.h"
#include "probe/code_deaths.h"
#include "probe/collections.h"
#include "probe/elf_slots.h"
#include "probe/gil_return.h"
#include "probe/gil_table.h"
#include "probe/hook_level.h"
#include "probe/lock_waits.h"
#include "probe/loop_steps.h"
#include "probe/nesting.h"
#include "probe/parking_lot.h"
#include "probe/python_stack.h"

namespace gilscope {
namespace {

void require_attached() {
  if (attached_state() != nullptr) return;
  throw ProbeError(ProbeFailure::Unsupported, "the probe was started by a thread that does not hold a GIL",
                   "start it from a thread that is attached to an interpreter");
}

void watch_forks() {
  static const int error = pthread_atfork(
      [] {
        nesting_mutex().lock();
        for (HookLevel& level : hook_levels) level.before_fork();
        lock_waits_before_fork();
      },
      [] {
        lock_waits_after_fork_in_parent();
        for (HookLevel& level : hook_levels) level.after_fork_in_parent();
        nesting_mutex().unlock();
      },
      [] {
        lock_waits_after_fork_in_child();
        for (HookLevel& level : hook_levels) level.after_fork_in_child();
        nesting_mutex().unlock();
        go_on_with_steps_in_child();
        StartTurn::forget();
      });
  if (error != 0) {
    throw ProbeError(ProbeFailure::Unsupported, "no memory to watch for forks", "free some memory");
  }
}

}  // namespace

// Not PyGILState_Check where there is better: it knows a thread's first state only, and nothing of
// sub-interpreters.
PyThreadState* attached_state() noexcept {
#if PY_VERSION_HEX >= 0x030d0000
  return PyThreadState_GetUnchecked();
#elif PY_VERSION_HEX >= 0x030c0000
  return _PyThreadState_UncheckedGet();
#else
  // The one is the process's state, not the thread's; the other says yes to everybody once a sub-interpreter
  // was made.
  return PyGILState_Check() != 0 ? _PyThreadState_UncheckedGet() : nullptr;
#endif
}

bool is_gil_on() noexcept {
#ifdef Py_GIL_DISABLED
  PyObject* const function = PySys_GetObject("_is_gil_enabled");  // borrowed
  PyObject* const answer = function == nullptr ? nullptr : PyObject_CallNoArgs(function);
  const bool is_enabled = answer == Py_True;
  Py_XDECREF(answer);
  PyErr_Clear();
  return is_enabled;
#else
  return true;
#endif
}

Probe::~Probe() { stop(); }

void Probe::start(Recorder& recorder, Stacks stacks, ProbeClock clock) {
  require_attached();
  const StartTurn turn;
  has_gil_ = is_gil_on();
  try {
    if (has_gil_) {
      install(recorder, stacks, clock);
    } else {
      install_without_gil(recorder, stacks, clock);
    }
  } catch (...) {
    stop_watching();
    throw;
  }
  is_running_ = true;
}

void Probe::install(Recorder& recorder, Stacks stacks, ProbeClock clock) {
  watch_forks();
  // Before anything is hooked: it runs Python code, and may give the GIL up.
  const bool can_read_stacks = stacks != Stacks::Off && check_stacks();
  const LoadedObject cpython = LoadedObject::of_cpython();
  resolve_originals(cpython);
  const auto known = calibrate_within();
  const Calibration calibration = known ? *known : calibrate(cpython);
  const auto owners = GilOwners::of_process(calibration.cond);
  const bool are_holders_told = can_read_stacks && stacks != Stacks::OfLocks;
  const std::uintptr_t holder_distance = are_holders_told ? find_holder_distance(calibration.cond) : 0;
  stacks_ = can_read_stacks && are_holders_told == (holder_distance != 0) ? stacks : Stacks::Off;
  if (holder_distance != 0) {
    watch_collections(clock);
    watches_collections_ = true;
    steps_ = recorder.steps();
    if (steps_ != nullptr) watch_steps(*steps_, clock, &recorder);
  }
  losses_ = {};
  clock_ = clock;
  started_ = clock_.sample();
  stopped_ = {};

  const std::scoped_lock nesting(nesting_mutex());
  const auto level = take_level();
  if (!level) {
    throw ProbeError(ProbeFailure::AlreadyRunning,
                     fmt::format("{} probes of gilscope already run in this process", kMostProbes),
                     "stop one of them first");
  }
  level_ = *level;
  HookLevel& hooks = hook_levels.at(level_);
  recorder.note_level(level_);
  const std::scoped_lock lock(hooks.table().mutex());
  if (stacks_ != Stacks::Off) watch_code_deaths();
  hooks.begin({.recorder = &recorder,
               .clock = clock_,
               .layout = calibration.layout,
               .owners = owners,
               .holder_distance = holder_distance,
               .notes_every_hold = stacks == Stacks::Every,
               .watched = watches_collections_ ? calibration.cond : 0},
              calls_below(level_));
  try {
    lead_slots_to(level_, cpython);
  } catch (...) {
    end_hooks();
    throw;
  }
  // Patched first, so that no GIL comes in between unseen.
  owners.for_each([&hooks](std::uintptr_t cond) { hooks.table().insert(cond); });
  hooks.record_own_hold(*hooks.table().insert(calibration.cond));
  if (stacks_ != Stacks::Off && watch_lock_waits(recorder, clock_, cpython)) locks_ = recorder.locks();
}

void Probe::install_without_gil(Recorder& recorder, Stacks stacks, ProbeClock clock) {
  watch_forks();
  const bool can_read_stacks = stacks != Stacks::Off && recorder.locks() != nullptr && check_stacks();
  const LoadedObject cpython = LoadedObject::of_cpython();
  calibrate_parking_lot(cpython);
  if (can_read_stacks) {
    watch_collections(clock);
    watches_collections_ = true;
  }
  const std::scoped_lock nesting(nesting_mutex());
  stacks_ = can_read_stacks ? stacks : Stacks::Off;
  losses_ = {};
  clock_ = clock;
  started_ = clock_.sample();
  stopped_ = {};
  const bool is_noted = can_read_stacks && watch_lock_waits(recorder, clock_, cpython);
  if (!is_noted) {
    throw ProbeError(ProbeFailure::NoGil,
                     "this Python is free-threaded, and its GIL is off: there is nothing to trace",
                     "PYTHON_GIL=1 turns it on, for a comparison");
  }
  watch_code_deaths();
  watch_gil_return();
  locks_ = recorder.locks();
}

// With the mutexes held of the nesting and of the table.
void Probe::end_hooks() noexcept {
  if (locks_ != nullptr) unwatch_lock_waits(*locks_);
  locks_ = nullptr;
  hook_levels.at(level_).end();
  if (stacks_ != Stacks::Off) unwatch_code_deaths();
  give_level_back(level_);
}

void Probe::stop_watching() noexcept {
  if (watches_collections_) unwatch_collections();
  watches_collections_ = false;
  if (steps_ != nullptr) unwatch_steps(*steps_);
  steps_ = nullptr;
}

void Probe::settle() const noexcept {
  if (has_gil_) hook_levels.at(level_).await_hooks();
}

// With the mutex held of the nesting.
void Probe::end_with_gil() noexcept {
  GilTable& table = hook_levels.at(level_).table();
  const std::scoped_lock lock(table.mutex());
  losses_.overlooked_gils = table.overflows();
  losses_.were_slots_overwritten = were_slots_overwritten();
  end_hooks();
}

void Probe::stop() noexcept {
  if (!is_running_) return;
  stop_watching();
  {
    const std::scoped_lock nesting(nesting_mutex());
    if (has_gil_) {
      end_with_gil();
    } else {
      unwatch_gil_return();
      unwatch_lock_waits(*std::exchange(locks_, nullptr));
      unwatch_code_deaths();
    }
  }
  stopped_ = clock_.sample();
  is_running_ = false;
}

}  // namespace gilscope
