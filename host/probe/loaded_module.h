// Modules that the program has imported: nothing is imported for asking, and no code of the program's runs.
// The calling thread holds a GIL. What is returned is borrowed.
#pragma once

#include <Python.h>

namespace gilscope {

// nullptr: it was not imported.
inline PyObject* loaded_module(const char* name) noexcept {
  PyObject* const modules = PyImport_GetModuleDict();
  PyObject* const module = modules == nullptr ? nullptr : PyDict_GetItemString(modules, name);
  return module != nullptr && PyModule_Check(module) ? module : nullptr;
}

// nullptr, too, where it has nothing by that name.
inline PyObject* find_in_module(const char* module, const char* name) noexcept {
  PyObject* const found = loaded_module(module);
  return found == nullptr ? nullptr : PyDict_GetItemString(PyModule_GetDict(found), name);
}

}  // namespace gilscope
