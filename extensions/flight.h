// gilscope.FlightRecorder for the Python package: what this process and its forks did last, and dumps of it.
#pragma once

#include <pybind11/pybind11.h>

namespace gilscope {

void bind_flight(pybind11::module_& module);

}  // namespace gilscope
