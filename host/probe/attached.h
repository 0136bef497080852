// Whether the calling thread has a GIL, and which. Cold.
#pragma once

#include <Python.h>

namespace gilscope {

// nullptr: it is attached to no interpreter.
[[nodiscard]] PyThreadState* attached_state() noexcept;

}  // namespace gilscope
