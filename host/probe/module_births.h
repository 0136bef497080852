// Modules that are written in C, as they are made: `_imp.create_dynamic` makes each, and is a function of
// ours while somebody wants to know. The program sees the same function.
#pragma once

#include <Python.h>

namespace gilscope {

using BirthWatcher = void (*)(PyObject* module) noexcept;

// From now on `watcher`, which is the same each time, is called with what was made, by its interpreter's
// thread. The calling thread holds a GIL. One thread at a time.
void watch_births(BirthWatcher watcher) noexcept;
// Any thread, and after the end of Python too. A call may still be on.
void unwatch_births() noexcept;

// Whether `object` is a module that C code has defined under that name.
[[nodiscard]] bool is_defined_as(PyObject* object, const char* name) noexcept;

}  // namespace gilscope
