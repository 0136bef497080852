// gilscope.trace() for the Python package: a recording of this process, and its summary as JSON and as text,
// and the words in which all reports tell times and shares.
#pragma once

#include <pybind11/pybind11.h>

namespace gilscope {

void bind_trace(pybind11::module_& module);

}  // namespace gilscope
