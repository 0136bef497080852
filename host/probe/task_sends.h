// Where asyncio runs a step of a task: `_asyncio` calls PyIter_Send for it, through a slot of its own, where
// it is a library, whichever loop runs the task (uvloop). Where it is built into Python there is none.
#pragma once

#include <Python.h>

namespace gilscope {

using SendFunction = PySendResult (*)(PyObject*, PyObject*, PyObject**);

// From now on `module` calls `ours` instead, which is the same each time; where it is another module than
// asyncio's, or was led already, nothing happens. The calling thread holds a GIL.
void lead_sends(PyObject* module, SendFunction ours) noexcept;
// Any thread, and after the end of Python too.
void give_sends_back() noexcept;

}  // namespace gilscope
