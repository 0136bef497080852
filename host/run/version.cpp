#include <Python.h>

#include "run/version.h"

namespace gilscope {

std::string python_version() {
  // Of the library that runs, which may be newer than the headers: "3.13.0 (main, Oct  7 2024, 05:00:00) [GCC
  // …]".
  const std::string text = Py_GetVersion();
  std::string version = text.substr(0, text.find(' '));
#ifdef Py_GIL_DISABLED
  version += " free-threaded";
#endif
  return version;
}

}  // namespace gilscope
