// Of a step of an event loop that has just ended: what it was of, and whether anybody waited for the loop.
// Asks Python's own objects, with the GIL held; runs no code of the program's, and leaves its exception as it
// was.
#pragma once

#include <Python.h>

#include "probe/code_point.h"

namespace gilscope {

// `callable`: what Context.run called. Of a task the innermost coroutine of the user's that waits now, at its
// line, or the outermost one; of one that has ended, and of a callback, the line where it begins.
void name_step(PyObject* callable, CodeWords& words) noexcept;
// The same, of a task whose coroutine that is.
void name_task(PyObject* coroutine, CodeWords& words) noexcept;

// The asyncio loop of the calling thread has no timer that is due, and no file but its own: what took long
// kept nobody waiting that is known of. False where there is none.
[[nodiscard]] bool is_nothing_else_in_loop() noexcept;

}  // namespace gilscope
