#include <Python.h>

#include "run/trial.h"

#include <unistd.h>

#include <pybind11/pybind11.h>

#include "run/subinterpreters.h"
#include "support/error.h"

namespace gilscope {

namespace py = pybind11;

namespace {

// CPython 3.12.0 to 3.12.3: the first call by keyword of an extension module's function keeps a tuple in a
// static place. Where a sub-interpreter made it, the main interpreter frees it as its own at its end, and
// aborts ("free(): invalid pointer"). The work is done and right by then: so on these versions, main is not
// ended but left. tests/integration/test_compare_traps.py would fail.
bool aborts_at_end(Mode mode) {
  return mode == Mode::Subinterpreters && Py_Version >= 0x030c0000 && Py_Version < 0x030c0400;
}

[[noreturn]] void leave_without_ending() {
  py::module_::import("atexit").attr("_run_exitfuncs")();
  for (const char* name : {"stdout", "stderr"}) {
    const py::object stream = py::module_::import("sys").attr(name);
    if (!stream.is_none()) stream.attr("flush")();
  }
  _exit(0);
}

}  // namespace

void run_trial(const TrialSpec& spec, const WorkWatch& watch,
               const std::function<void(const std::string& json)>& deliver) {
  try {
    const auto* const watcher = spec.is_traced ? &watch : nullptr;
    const auto run_native = [watcher](unsigned workers, std::size_t jobs, const py::bytes& marshalled) {
      py::list reports;
      for (const auto& report : run_in_subinterpreters(workers, jobs, marshalled, watcher))
        reports.append(py::bytes(report));
      return reports;
    };
    const auto main = py::module_::import("_gilscope_trial_modes").attr("main");
    deliver(main(to_json(spec), py::cpp_function(run_native)).cast<std::string>());
    if (aborts_at_end(spec.mode)) leave_without_ending();
  } catch (const py::error_already_set& error) {
    throw Error(std::string("the trial itself failed: ") + error.what(), "please report this");
  }
}

}  // namespace gilscope
