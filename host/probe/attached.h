// Whether the calling thread has a GIL, and which. Cold.
#pragma once

#include <Python.h>

namespace gilscope {

// False where a GIL may be switched on or off while Python runs: what relies on it is compiled, and not used.
#ifdef Py_GIL_DISABLED
inline constexpr bool kHasAlwaysGil = false;
#else
inline constexpr bool kHasAlwaysGil = true;
#endif

// nullptr: it is attached to no interpreter.
[[nodiscard]] PyThreadState* attached_state() noexcept;

// Whether the GIL is on just now: of builds that are free-threaded it may be off. The calling thread is
// attached.
[[nodiscard]] bool is_gil_on() noexcept;

}  // namespace gilscope
