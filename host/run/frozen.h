// The Python modules that are part of the host (host/run/*.py), as CPython's table of frozen modules.
#pragma once

namespace gilscope {

// Every interpreter of the process can import them afterwards, whether it has started or not.
void install_frozen_modules();

}  // namespace gilscope
