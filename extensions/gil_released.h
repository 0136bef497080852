// The GIL given up for a while, in methods that Python calls.
#pragma once

#include <Python.h>

namespace gilscope {

// For as long as it lives. Not pybind11's: a thread that wants the GIL back while Python ends is ended there,
// by the unwinding of its stack, which must meet no destructor that may not throw.
class GilReleased {
 public:
  GilReleased() : state_(PyEval_SaveThread()) {}
  ~GilReleased() noexcept(false) { PyEval_RestoreThread(state_); }  // NOLINT(bugprone-*): see above
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;
  GilReleased(GilReleased&&) = delete;
  GilReleased& operator=(GilReleased&&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace gilscope
