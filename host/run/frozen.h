// The Python modules that are part of the host (host/run/*.py), as CPython's table of frozen modules.
#pragma once

namespace gilscope {

// Must come before the interpreter starts. Every interpreter of the process can import them afterwards.
void install_frozen_modules() noexcept;

}  // namespace gilscope
