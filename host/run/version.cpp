#include <Python.h>

#include "run/version.h"

namespace gilscope {

std::string_view embedded_python_version() noexcept {
#ifdef Py_GIL_DISABLED
  return PY_VERSION " free-threaded";
#else
  return PY_VERSION;
#endif
}

std::string_view embedded_python_linkage() noexcept { return GILSCOPE_PYTHON_LINKAGE; }

}  // namespace gilscope
