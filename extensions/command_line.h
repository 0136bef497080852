// The command line, and what children of multiprocessing call, as functions of gilscope._native.
#pragma once

#include <pybind11/pybind11.h>

namespace gilscope {

void bind_command_line(pybind11::module_& module);

}  // namespace gilscope
