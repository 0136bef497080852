#include <Python.h>

#include <pybind11/pybind11.h>

#include "run/python_build.h"
#include "support/error.h"

namespace gilscope {

namespace py = pybind11;

PythonBuild describe_python(Linkage linkage) {
  try {
    const py::object facts = py::module_::import("_gilscope_describe_python").attr("facts")();
    const py::object json = py::module_::import("json").attr("dumps")(facts);
    return parse_python_build(json.cast<std::string>(), linkage);
  } catch (const py::error_already_set& error) {
    throw Error(std::string("Python could not describe itself: ") + error.what(), "please report this");
  }
}

}  // namespace gilscope
