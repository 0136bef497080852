#include "probe/module_slots.h"

#include <cstdint>
#include <exception>
#include <vector>

#include "probe/elf_slots.h"

namespace gilscope {
namespace {

std::vector<SlotChange> changes_in(const void* definition, std::span<const LedFunction> functions) {
  const auto library = LoadedObject::containing(definition);
  std::vector<SlotChange> changes;
  for (const auto& [name, ours] : functions) {
    if (!library.imports(name)) return {};
    for (const Slot& slot : library.find_slots(name)) {
      changes.push_back(
          {.slot = slot, .original = *slot.place, .replacement = reinterpret_cast<std::uintptr_t>(ours)});
    }
  }
  return changes;
}

}  // namespace

void ModuleSlots::lead(PyObject* module, std::span<const LedFunction> functions) noexcept {
  const PyModuleDef* const definition = PyModule_GetDef(module);
  if (definition == nullptr || is_taken_.test_and_set(std::memory_order_acquire)) return;
  try {
    if (slots_ == nullptr) slots_ = new SlotPatch(changes_in(definition, functions));
  } catch (const std::exception&) {  // what it calls is not known
    slots_ = nullptr;
  }
  is_taken_.clear(std::memory_order_release);
}

void ModuleSlots::give_back() noexcept {
  if (slots_ == nullptr || is_taken_.test_and_set(std::memory_order_acquire)) return;
  if (slots_->restore()) {
    delete slots_;
    slots_ = nullptr;
  }
  is_taken_.clear(std::memory_order_release);
}

}  // namespace gilscope
