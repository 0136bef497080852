// The calling thread without its GIL, for a scope.
#pragma once

#include <Python.h>

namespace gilscope {

class Detached {
 public:
  Detached() : state_(PyEval_SaveThread()) {}
  Detached(const Detached&) = delete;
  Detached& operator=(const Detached&) = delete;
  Detached(Detached&&) = delete;
  Detached& operator=(Detached&&) = delete;
  ~Detached() { PyEval_RestoreThread(state_); }

 private:
  PyThreadState* state_;
};

}  // namespace gilscope
