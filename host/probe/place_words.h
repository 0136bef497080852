// What people call a place, of CPython's objects, with the GIL held. Cold.
#pragma once

#include <Python.h>

#include <string_view>

#include "probe/code_point.h"

namespace gilscope {

void set_place(PyCodeObject& code, int line, CodeWords& words) noexcept;
// Of what has no place.
void set_name(std::string_view name, CodeWords& words) noexcept;

}  // namespace gilscope
