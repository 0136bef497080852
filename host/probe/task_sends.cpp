#include "probe/task_sends.h"

#include <atomic>
#include <exception>
#include <string_view>
#include <vector>

#include "probe/elf_slots.h"
#include "probe/loaded_module.h"
#include "probe/method_patch.h"
#include "probe/slot_patch.h"

namespace gilscope {
namespace {

using CreateFunction = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t);

struct SendWatch {
  std::atomic<SendFunction> ours{nullptr};  // nullptr: nobody watches
  std::atomic_flag is_taken;                // the slots change
  SlotPatch* slots = nullptr;               // never destroyed: the program may end in a task
  MethodPatch imports;
};
constinit SendWatch send_watch;

bool is_asyncio(const PyModuleDef* definition) noexcept {
  return definition != nullptr && definition->m_name != nullptr &&
         std::string_view(definition->m_name) == "_asyncio";
}

std::vector<SlotChange> changes_in(const PyModuleDef& definition, SendFunction ours) {
  constexpr const char* kFunction = "PyIter_Send";
  const auto library = LoadedObject::containing(&definition);
  std::vector<SlotChange> changes;
  if (!library.imports(kFunction)) return changes;
  for (const Slot& slot : library.find_slots(kFunction)) {
    changes.push_back(
        {.slot = slot, .original = *slot.place, .replacement = reinterpret_cast<std::uintptr_t>(ours)});
  }
  return changes;
}

// Of a module that is being made, by its interpreter's thread; who comes while another one is at it leaves
// it.
void lead_sends_of(PyObject* module) noexcept {
  SendWatch& watch = send_watch;
  const PyModuleDef* const definition = PyModule_Check(module) ? PyModule_GetDef(module) : nullptr;
  const SendFunction ours = watch.ours.load(std::memory_order_acquire);
  if (ours == nullptr || !is_asyncio(definition) || watch.is_taken.test_and_set(std::memory_order_acquire))
    return;
  try {
    if (watch.slots == nullptr) watch.slots = new SlotPatch(changes_in(*definition, ours));
  } catch (const std::exception&) {  // its steps are not known
    watch.slots = nullptr;
  }
  watch.is_taken.clear(std::memory_order_release);
}

PyObject* create_dynamic(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  PyObject* const module = send_watch.imports.original<CreateFunction>()(self, arguments, count);
  if (module != nullptr) lead_sends_of(module);
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

void lead_sends(SendFunction ours) noexcept {
  send_watch.ours.store(ours, std::memory_order_release);
  if (PyObject* const module = loaded_module("_asyncio")) lead_sends_of(module);
  if (PyMethodDef* const method = find_create_dynamic())
    send_watch.imports.apply(*method, as_method(create_dynamic));
}

void give_sends_back() noexcept {
  SendWatch& watch = send_watch;
  watch.ours.store(nullptr, std::memory_order_relaxed);
  watch.imports.restore();
  if (watch.slots == nullptr || watch.is_taken.test_and_set(std::memory_order_acquire)) return;
  if (watch.slots->restore()) {
    delete watch.slots;
    watch.slots = nullptr;
  }
  watch.is_taken.clear(std::memory_order_release);
}

}  // namespace gilscope
