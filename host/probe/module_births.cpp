#include "probe/module_births.h"

#include <atomic>
#include <cstring>

#include "probe/loaded_module.h"
#include "probe/method_patch.h"

namespace gilscope {
namespace {

using CreateFunction = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t);

constinit std::atomic<BirthWatcher> birth_watcher{nullptr};
constinit MethodPatch births;

PyObject* create_dynamic(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  PyObject* const module = births.original<CreateFunction>()(self, arguments, count);
  const BirthWatcher watcher = birth_watcher.load(std::memory_order_acquire);
  if (module != nullptr && watcher != nullptr) watcher(module);
  return module;
}

// nullptr: it is not as we know it.
PyMethodDef* find_create_dynamic() noexcept {
  PyObject* const create = find_in_module("_imp", "create_dynamic");
  if (create == nullptr || !PyCFunction_CheckExact(create)) return nullptr;
  PyMethodDef* const method = reinterpret_cast<PyCFunctionObject*>(create)->m_ml;
  return method->ml_flags == METH_FASTCALL ? method : nullptr;
}

}  // namespace

void watch_births(BirthWatcher watcher) noexcept {
  birth_watcher.store(watcher, std::memory_order_release);
  if (PyMethodDef* const method = find_create_dynamic()) births.apply(*method, as_method(create_dynamic));
}

void unwatch_births() noexcept {
  birth_watcher.store(nullptr, std::memory_order_relaxed);
  births.restore();
}

bool is_defined_as(PyObject* object, const char* name) noexcept {
  const PyModuleDef* const definition = PyModule_Check(object) ? PyModule_GetDef(object) : nullptr;
  return definition != nullptr && definition->m_name != nullptr && std::strcmp(definition->m_name, name) == 0;
}

}  // namespace gilscope
