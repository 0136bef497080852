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

// Where the probe is refused (a free-threaded build, an unknown one), or there is no memory for its counters,
// the work is timed without: the figures are then unknown.
void begin_work() {
  try {
    work = std::make_unique<Recording>(Reach::ThisProcess, std::nullopt, Stacks::Off);
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

// A list of what each GIL that was used did, as GilWork of host/run/trial_record.h; None where nothing was
// traced.
PyObject* end(PyObject* /*module*/, PyObject* /*unused*/) {
  end_work();
  if (!work) Py_RETURN_NONE;
  const RunSummary summary = summarize_run(work->collect());
  work.reset();
  PyObject* const list = PyList_New(0);
  const ProcessSummary& process = summary.processes.front();
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
