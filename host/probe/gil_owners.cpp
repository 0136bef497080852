#include <Python.h>

#include "probe/gil_owners.h"

namespace gilscope {
namespace {

std::uintptr_t address_of(PyInterpreterState* interpreter) noexcept {
  return reinterpret_cast<std::uintptr_t>(interpreter);
}

// Calls `visit` with the state of each interpreter that lives, until it returns true; whether it did.
template <typename Visit>
bool find_interpreter(Visit visit) noexcept {
  for (PyInterpreterState* interpreter = PyInterpreterState_Head(); interpreter != nullptr;
       interpreter = PyInterpreterState_Next(interpreter)) {
    if (visit(address_of(interpreter))) return true;
  }
  return false;
}

}  // namespace

GilOwners GilOwners::of_one(std::uintptr_t cond) noexcept {
  GilOwners owners;
  owners.held_ = cond;
  return owners;
}

GilOwners GilOwners::of_process(std::uintptr_t held) noexcept {
  GilOwners owners = of_one(held);
#if PY_VERSION_HEX >= 0x030c0000
  std::uintptr_t owner = 0;  // the nearest at or below it
  find_interpreter([&](std::uintptr_t interpreter) {
    if (interpreter <= held && interpreter > owner) owner = interpreter;
    return false;
  });
  if (owner != 0) owners.offset_ = held - owner;
  owners.main_interpreter_ = address_of(PyInterpreterState_Main());
#endif
  return owners;
}

// CPython (3.12 to 3.15) never destroys the GIL of a sub-interpreter, it only frees the state
// (finalize_interp_delete says why); the main interpreter's is static. test: WhatOnlyLiesLikeAGilIsNone,
// AnInterpreterWhoseMemoryIsGoneIsNotTouchedAtTheStop
bool GilOwners::is_gil(std::uintptr_t cond) const noexcept {
  if (offset_ == 0) return cond == held_;
  const std::uintptr_t owner = cond - offset_;
  return owner == main_interpreter_ ||
         find_interpreter([owner](std::uintptr_t interpreter) { return interpreter == owner; });
}

std::int64_t GilOwners::owner_of(std::uintptr_t cond) const noexcept {
  if (offset_ == 0) return 0;
  return PyInterpreterState_GetID(reinterpret_cast<PyInterpreterState*>(cond - offset_));
}

void GilOwners::for_each(const std::function<void(std::uintptr_t)>& visit) const {
  if (offset_ == 0) return visit(held_);
  find_interpreter([&](std::uintptr_t interpreter) {
    visit(interpreter + offset_);
    return false;
  });
}

}  // namespace gilscope
