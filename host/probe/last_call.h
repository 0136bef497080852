// Which Python code C code has called last, once it has come back: its frame is over, and lies on top of the
// thread's, where nobody has written since. For cold code that makes a guess and says nothing where it has
// none: since 3.14 CPython wipes the word that is read here.
#pragma once

#include <Python.h>

#include "probe/copy_memory.h"
#include "probe/python_frame.h"

namespace gilscope {

// The next frame that the thread begins where it stands now; nullptr: there is no room left. The calling
// thread is that thread.
inline PythonFrame* next_frame(const PyThreadState& state) noexcept {
  constexpr auto kSlots = static_cast<std::ptrdiff_t>(sizeof(PythonFrame) / sizeof(PyObject*));
  PyObject** const top = state.datastack_top;
  return top == nullptr || state.datastack_limit - top < kSlots ? nullptr
                                                                : reinterpret_cast<PythonFrame*>(top);
}

// What was called before is forgotten: that memory is nobody's.
inline void forget_last_call(const PyThreadState& state) noexcept {
  if (PythonFrame* const next = next_frame(state)) next->executable = 0;
}

// Since then; nullptr: no Python code, or nobody knows. What was freed meanwhile is not taken for code.
inline PyCodeObject* last_call(const PyThreadState& state) noexcept {
  const PythonFrame* const next = next_frame(state);
  const auto* const code = next == nullptr ? nullptr : reinterpret_cast<const PyObject*>(code_at(*next));
  if (code == nullptr || copy_of(&code->ob_type) != &PyCode_Type || Py_REFCNT(code) <= 0) return nullptr;
  return reinterpret_cast<PyCodeObject*>(const_cast<PyObject*>(code));
}

}  // namespace gilscope
