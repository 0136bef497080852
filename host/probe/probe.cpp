#include <Python.h>

#include "probe/probe.h"

#include <atomic>
#include <mutex>
#include <pthread.h>

#include <fmt/core.h>

#include "probe/calibration.h"
#include "probe/code_deaths.h"
#include "probe/elf_slots.h"
#include "probe/gil_table.h"
#include "probe/hooks.h"
#include "probe/python_stack.h"

// Which probe of this process runs. Exported, so that an extension with a probe of its own that is loaded
// into a host which exports its symbols binds to the host's. (Where it does not, the slots lead to the other
// copy, and tell.) Relaxed: it guards nothing but entry; whoever comes second is refused.
extern "C" {
extern std::atomic<const void*> gilscope_running_probe;
[[gnu::visibility("default")]] constinit std::atomic<const void*> gilscope_running_probe{nullptr};
}

namespace gilscope {
namespace {

// Not PyGILState_Check where there is better: it knows a thread's first state only, and nothing of
// sub-interpreters.
bool is_attached() {
#if PY_VERSION_HEX >= 0x030d0000
  return PyThreadState_GetUnchecked() != nullptr;
#elif PY_VERSION_HEX >= 0x030c0000
  return _PyThreadState_UncheckedGet() != nullptr;
#else
  // The one is the process's state, not the thread's; the other says yes to everybody once a sub-interpreter
  // was made.
  return _PyThreadState_UncheckedGet() != nullptr && PyGILState_Check() != 0;
#endif
}

void require_gil() {
  if (!is_attached()) {
    throw ProbeError(ProbeFailure::Unsupported, "the probe was started by a thread that does not hold a GIL",
                     "start it from a thread that is attached to an interpreter");
  }
#ifdef Py_GIL_DISABLED
  PyObject* const function = PySys_GetObject("_is_gil_enabled");  // borrowed
  PyObject* const answer = function == nullptr ? nullptr : PyObject_CallNoArgs(function);
  const bool is_enabled = answer == Py_True;
  Py_XDECREF(answer);
  PyErr_Clear();
  if (!is_enabled) {
    throw ProbeError(ProbeFailure::NoGil,
                     "this Python is free-threaded, and its GIL is off: there is nothing to trace",
                     "PYTHON_GIL=1 turns it on, for a comparison");
  }
#endif
}

void watch_forks() {
  static const int error = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  if (error != 0) {
    throw ProbeError(ProbeFailure::Unsupported, "no memory to watch for forks", "free some memory");
  }
}

}  // namespace

Probe::~Probe() { stop(); }

void Probe::start(Recorder& recorder, Stacks stacks, ProbeClock clock) {
  require_gil();
  const void* other = nullptr;
  if (!gilscope_running_probe.compare_exchange_strong(other, this, std::memory_order_relaxed)) {
    throw ProbeError(ProbeFailure::AlreadyRunning, "a probe of gilscope already runs in this process",
                     "stop it first: two would record each other's work");
  }
  try {
    install(recorder, stacks, clock);
  } catch (...) {
    gilscope_running_probe.store(nullptr, std::memory_order_relaxed);
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
  const Calibration calibration = calibrate(cpython);
  const auto owners = GilOwners::of_process(calibration.cond);
  const std::uintptr_t holder_distance = can_read_stacks ? find_holder_distance(calibration.cond) : 0;
  stacks_ = holder_distance != 0 ? stacks : Stacks::Off;
  losses_ = {};
  clock_ = clock;
  started_ = clock_.sample();
  stopped_ = {};

  const std::scoped_lock lock(gil_table.mutex());
  if (stacks_ != Stacks::Off) watch_code_deaths();
  begin_session(recorder, clock_, calibration.layout, owners, holder_distance, stacks == Stacks::Every);
  try {
    patch_ = SlotPatch(hook_changes(cpython));
  } catch (...) {
    end_session();
    unwatch_code_deaths();
    throw;
  }
  // Patched first, so that no GIL comes in between unseen.
  owners.for_each([](std::uintptr_t cond) { gil_table.insert(cond); });
  record_own_hold(*gil_table.insert(calibration.cond));
}

void Probe::stop() noexcept {
  if (!is_running_) return;
  {
    const std::scoped_lock lock(gil_table.mutex());
    end_session();
    unwatch_code_deaths();
    losses_.overlooked_gils = gil_table.overflows();
    losses_.were_slots_overwritten = !patch_.is_intact();
    patch_.restore();  // a slot that cannot be restored keeps a hook that passes calls on
  }
  stopped_ = clock_.sample();
  is_running_ = false;
  gilscope_running_probe.store(nullptr, std::memory_order_relaxed);
}

}  // namespace gilscope
