// Where uvloop runs a callback: between two calls of PyContext_Enter and PyContext_Exit, through slots of its
// own.
#pragma once

#include <Python.h>

namespace gilscope {

using ContextFunction = int (*)(PyObject*);

// From now on uvloop's module calls these instead, which are the same each time; where `module` is another
// one, or was led already, nothing happens. The calling thread holds a GIL.
void lead_contexts(PyObject* module, ContextFunction enter, ContextFunction exit) noexcept;
// Any thread, and after the end of Python too.
void give_contexts_back() noexcept;

}  // namespace gilscope
