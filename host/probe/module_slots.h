// The slots of one module that is written in C, through which it calls functions of Python's: led to
// functions of ours for a while.
#pragma once

#include <Python.h>

#include <atomic>
#include <span>

#include "probe/slot_patch.h"

namespace gilscope {

struct LedFunction {
  const char* name;  // of Python's
  void (*ours)();
};

// Never destroyed: the program may end in a call.
class ModuleSlots {
 public:
  constexpr ModuleSlots() = default;

  // Where the module imports each of them, else nothing happens; nor where it was done already. By the
  // module's thread, with its GIL held; who comes while another one is at it leaves it.
  void lead(PyObject* module, std::span<const LedFunction> functions) noexcept;
  // Any thread, and after the end of Python too.
  void give_back() noexcept;

 private:
  std::atomic_flag is_taken_;  // the slots change
  SlotPatch* slots_ = nullptr;
};

}  // namespace gilscope
