// Replaces the function of a method that is written in C: `ml_meth` of its PyMethodDef, which Python reads
// anew at each call, of bound methods too. So nothing of the program's is another object. Cold; one at a
// time.
#pragma once

#include <Python.h>

namespace gilscope {

// A METH_FASTCALL function has another type than the table's.
template <typename Function>
PyCFunction as_method(Function function) noexcept {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

// Of a type that is written in C; nullptr: it is not as we know it.
PyMethodDef* find_method(const PyTypeObject& type, const char* name, int flags) noexcept;

class MethodPatch {
 public:
  constexpr MethodPatch() = default;

  // False where it cannot be written. The calling thread holds a GIL.
  bool apply(PyMethodDef& method, PyCFunction ours) noexcept;
  // Any thread, and after the end of Python too; where nothing was applied, too. A function that somebody
  // else has put there since stays, and so does ours, which that one may call.
  void restore() noexcept;

  // What `ours` is to call, also after restore().
  template <typename Function>
  [[nodiscard]] Function original() const noexcept {
    return reinterpret_cast<Function>(reinterpret_cast<void (*)()>(original_));
  }

 private:
  PyMethodDef* method_ = nullptr;
  PyCFunction ours_ = nullptr;
  PyCFunction original_ = nullptr;
  bool is_below_ = false;  // somebody else's function calls ours
};

}  // namespace gilscope
