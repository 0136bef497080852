// Tests of whole recordings, in one embedded Python whose GIL the test's thread holds.
#pragma once

#include <Python.h>

#include <numeric>
#include <string>
#include <vector>

#include "probe/probe_fixture.h"
#include "recording/in_child.h"
#include "recording/recording.h"

namespace gilscope {

class RecordingTest : public ProbeTest {
 protected:
  void SetUp() override {
    ProbeTest::SetUp();
    if (IsSkipped()) return;
    run(R"(
import os, signal
zero = os.open('/dev/zero', os.O_RDONLY)
def read(times):
    for _ in range(times): os.read(zero, 1)
def child(act):
    pid = os.fork()
    if pid == 0:
        try: act()
        finally: os._exit(3)
    os.waitpid(pid, 0)
    return pid
)");
  }
  void TearDown() override {
    if (!IsSkipped()) run("os.close(zero)");
  }

  // The value of an expression in Python.
  static std::int64_t value_of(const char* expression) {
    PyObject* const globals = PyModule_GetDict(PyImport_AddModule("__main__"));
    PyObject* const result = PyRun_String(expression, Py_eval_input, globals, globals);
    if (result == nullptr) PyErr_Print();
    const std::int64_t value = result == nullptr ? -1 : PyLong_AsLongLong(result);
    Py_XDECREF(result);
    return value;
  }
};

inline std::uint64_t count_holds(const ProcessRecord& process) {
  const auto& rows = process.figures.threads;
  return std::accumulate(rows.begin(), rows.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& row) { return sum + row.holds; });
}

inline std::uint64_t count_releases(const ProcessRecord& process) {
  std::uint64_t sum = 0;
  for (const auto& row : process.figures.threads) sum += row.forced + row.voluntary;
  return sum;
}

// The process of this id; fails the test where it was not recorded.
inline ProcessRecord process_of(const RecordedRun& run, std::int64_t pid) {
  for (const auto& process : run.processes) {
    if (process.pid == pid) return process;
  }
  ADD_FAILURE() << "process " << pid << " is not recorded";
  return {};
}

}  // namespace gilscope
