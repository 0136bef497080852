#include "probe/task_sends.h"

#include <array>

#include "probe/module_births.h"
#include "probe/module_slots.h"

namespace gilscope {
namespace {

constinit ModuleSlots send_slots;

}  // namespace

void lead_sends(PyObject* module, SendFunction ours) noexcept {
  if (!is_defined_as(module, "_asyncio")) return;
  const std::array functions{LedFunction{"PyIter_Send", reinterpret_cast<void (*)()>(ours)}};
  send_slots.lead(module, functions);
}

void give_sends_back() noexcept { send_slots.give_back(); }

}  // namespace gilscope
