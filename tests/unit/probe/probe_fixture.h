// Tests that run inside one embedded Python, which the test's thread holds the GIL of.
#pragma once

#include <Python.h>

#include <memory>
#include <semaphore>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "embed/interpreter.h"
#include "probe/event_list.h"
#include "probe/probe.h"
#include "probe/system_thread.h"
#include "run/detached.h"

namespace gilscope {

// Where the GIL is off there is nothing to trace; probe_refusal_test.cpp looks at that.
inline bool has_gil() {
#ifdef Py_GIL_DISABLED
  PyObject* const function = PySys_GetObject("_is_gil_enabled");
  PyObject* const answer = PyObject_CallNoArgs(function);
  const bool is_enabled = answer == Py_True;
  Py_XDECREF(answer);
  return is_enabled;
#else
  return true;
#endif
}

class ProbeTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    static const Interpreter interpreter;  // one for the whole process
  }
  void SetUp() override {
    if (!has_gil()) GTEST_SKIP() << "free-threaded: there is no GIL";
  }

  static void run(const std::string& code) { ASSERT_EQ(PyRun_SimpleString(code.c_str()), 0) << code; }
};

// Of what is read of stacks.
class ProbeOfStacksTest : public ProbeTest {
 protected:
  void SetUp() override {
    ProbeTest::SetUp();
#ifdef Py_GIL_DISABLED
    GTEST_SKIP() << "free-threaded builds: stacks are not read";
#endif
  }
};

// A thread of C++ attached to the main interpreter now and then. Made, used and destroyed by that thread,
// detached at both ends; destroying it takes the GIL once more.
class AttachedThread {
 public:
  AttachedThread() : state_(PyThreadState_New(PyInterpreterState_Main())) {}
  AttachedThread(const AttachedThread&) = delete;
  AttachedThread& operator=(const AttachedThread&) = delete;
  AttachedThread(AttachedThread&&) = delete;
  AttachedThread& operator=(AttachedThread&&) = delete;
  ~AttachedThread() {
    PyEval_RestoreThread(state_);
    PyThreadState_Clear(state_);
    PyThreadState_DeleteCurrent();
  }

  void attach() { PyEval_RestoreThread(state_); }
  void detach() { state_ = PyEval_SaveThread(); }

 private:
  PyThreadState* state_;
};

}  // namespace gilscope
