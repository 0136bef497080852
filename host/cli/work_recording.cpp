#include <Python.h>

#include "cli/work_recording.h"

#include <exception>
#include <memory>

#include "analysis/run_summary.h"
#include "recording/recording.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

// One work is timed at a time in a process.
std::unique_ptr<Recording> work;

// Where the probe is refused (an unknown build), or there is no memory for its counters,
// the work is timed without: the figures are then unknown.
void begin_work() {
  try {
    work = std::make_unique<Recording>(Reach::ThisProcess, std::nullopt, Stacks::OfLocks);
    work->start();
  } catch (const std::exception&) {
    work.reset();
  }
}

void end_work() noexcept {
  if (work) work->stop();
}

long long nanoseconds(Nanoseconds time) { return time.count(); }

PyObject* begin(PyObject* /*module*/, PyObject* /*unused*/) {
  begin_work();
  Py_RETURN_NONE;
}

// What each GIL that was used did, as GilWork of host/run/trial_record.h has it.
PyObject* list_gils(const ProcessSummary& process) {
  PyObject* const list = PyList_New(0);
  for (const auto& gil : process.gils) {
    PyObject* const figures =
        list == nullptr
            ? nullptr
            : Py_BuildValue("{s:L,s:K,s:L,s:K,s:L,s:K,s:K}", "wall_ns", nanoseconds(process.wall_ns), "holds",
                            gil.holds, "hold_ns", nanoseconds(gil.hold_ns), "waits", gil.waits, "wait_ns",
                            nanoseconds(gil.wait_ns), "forced", gil.forced, "handoffs", gil.handoffs);
    const bool is_added = figures != nullptr && PyList_Append(list, figures) == 0;
    Py_XDECREF(figures);
    if (!is_added) {
      Py_XDECREF(list);
      return nullptr;
    }
  }
  return list;
}

long long lock_wait(const ProcessSummary& process) {
  auto total = process.spun_ns;
  for (const auto& row : process.lock_waits) {
    if (row.is_for_turn()) total = add(total, row.total_ns);
  }
  return nanoseconds(total);
}

long long stopped(const ProcessSummary& process) {
  Nanoseconds lost{};
  for (const auto& row : process.stops) lost = add(lost, row.lost_ns);
  return nanoseconds(lost);
}

// What the process waited for, as WorkWaits of host/run/trial_record.h has it; None where nothing was traced.
PyObject* end(PyObject* /*module*/, PyObject* /*unused*/) {
  end_work();
  if (!work) Py_RETURN_NONE;
  const RunSummary summary = summarize_run(work->collect());
  work.reset();
  const ProcessSummary& process = summary.processes.front();
  return Py_BuildValue("{s:N,s:L,s:L}", "gils", list_gils(process), "lock_wait_ns", lock_wait(process),
                       "stopped_ns", stopped(process));
}

PyMethodDef methods[] = {{"begin", begin, METH_NOARGS, nullptr}, {"end", end, METH_NOARGS, nullptr}, {}};
PyModuleDef definition{.m_base = PyModuleDef_HEAD_INIT, .m_name = "_gilscope_work", .m_methods = methods};

}  // namespace

void install_work_recording() {
  PyObject* const module = PyModule_Create(&definition);
  if (module == nullptr || PyDict_SetItemString(PyImport_GetModuleDict(), definition.m_name, module) != 0) {
    PyErr_Clear();
    throw Error("there is no memory for a module", "");
  }
  Py_DECREF(module);
}

WorkWatch work_watch() { return {.begin = begin_work, .end = end_work}; }

}  // namespace gilscope::cli
