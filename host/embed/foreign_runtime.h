// Tells of a second CPython runtime in this process: with a static libpython, a libpython*.so that the
// program opens by its path (ctypes, dlopen) is a runtime of its own that nobody started, and calls into it
// crash. A module that is merely linked to libpython*.so does no harm: its symbols resolve to the host's,
// which come first.
#pragma once

#include <optional>
#include <string>

namespace gilscope {

// The path of such a libpython, where one is loaded that no loaded object was linked to.
std::optional<std::string> find_foreign_runtime();

// Once the interpreter has ended, in this process and in no forked child of it, a warning says what was
// found. Nothing for a host with a shared libpython: there the loader gives everybody the same one.
void warn_of_foreign_runtime_at_exit() noexcept;

}  // namespace gilscope
