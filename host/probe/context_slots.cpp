#include "probe/context_slots.h"

#include <array>
#include <string_view>

#include "probe/module_slots.h"

namespace gilscope {
namespace {

constinit ModuleSlots context_slots;

// By the name that it is imported by: Cython's definitions have the last part alone.
bool is_uvloop(PyObject* module) noexcept {
  const char* const name = PyModule_Check(module) ? PyModule_GetName(module) : nullptr;
  if (name == nullptr) PyErr_Clear();
  return name != nullptr && std::string_view(name) == "uvloop.loop";
}

}  // namespace

void lead_contexts(PyObject* module, ContextFunction enter, ContextFunction exit) noexcept {
  if (!is_uvloop(module)) return;
  const std::array functions{LedFunction{"PyContext_Enter", reinterpret_cast<void (*)()>(enter)},
                             LedFunction{"PyContext_Exit", reinterpret_cast<void (*)()>(exit)}};
  context_slots.lead(module, functions);
}

void give_contexts_back() noexcept { context_slots.give_back(); }

}  // namespace gilscope
