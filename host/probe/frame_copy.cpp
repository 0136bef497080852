#include <Python.h>

#include "probe/frame_copy.h"

#include <algorithm>
#include <span>

#include "probe/object_copy.h"

namespace gilscope {

bool SeenFrame::see(const PythonFrame* where) noexcept {
  place = where;
  frame = {};
  if (place == nullptr) return false;
  if (copy_memory(place, &frame, sizeof frame) != sizeof frame) return false;
  if (frame.owner >= kFirstOwnerInC) return false;
  constexpr std::size_t kHead = offsetof(PyCodeObject, co_code_adaptive);
  if (copy_memory(code_at(frame), code_bytes.data(), kHead) != kHead) return false;
  if (code().ob_base.ob_base.ob_type != &PyCode_Type || code().co_stacksize <= 0 ||
      code().co_nlocalsplus < 0) {
    return false;
  }
  slots_seen = std::min(static_cast<std::size_t>(code().co_stacksize), kMostSlots);
  const auto* const there = evaluation_stack_of(place, code());
  const auto size = slots_seen * sizeof(std::uintptr_t);
  return copy_memory(there, slots.data(), size) == size;
}

bool SeenFrame::is_same_as(const SeenFrame& other) const noexcept {
  return place == other.place && frame.executable == other.frame.executable &&
         frame.instruction == other.frame.instruction && slots_seen == other.slots_seen &&
         std::equal(slots.begin(), slots.begin() + static_cast<std::ptrdiff_t>(slots_seen),
                    other.slots.begin());
}

#if PY_VERSION_HEX >= 0x030e0000
namespace {

bool is_call(Operation operation) noexcept {
  return operation == Operation::Call || operation == Operation::CallKw ||
         operation == Operation::CallFunctionEx;
}

}  // namespace
#endif

Instruction CodeSpace::find_instruction_of(const SeenFrame& seen) noexcept {
  const auto offset = seen.frame.instruction - seen.first_instruction();
  const auto units = seen.code().ob_base.ob_size;
  if (offset < 0 || units <= 0 || static_cast<std::size_t>(units) > kMostCodeUnits) return {};
  const auto size = static_cast<std::size_t>(units) * kCodeUnit;
  if (copy_memory(seen.first_instruction(), code.data(), size) != size) return {};
  const Copied<PyVarObject> table(seen.code().co_exceptiontable);
  if (!table || table->ob_size < 0 || static_cast<std::size_t>(table->ob_size) > exceptions.size()) return {};
  const auto* const entries =
      reinterpret_cast<const char*>(seen.code().co_exceptiontable) + offsetof(PyBytesObject, ob_sval);
  const auto entries_size = static_cast<std::size_t>(table->ob_size);
  if (entries_size > 0 && copy_memory(entries, exceptions.data(), entries_size) != entries_size) return {};
  Instruction found = find_instruction(std::span(code).first(size), std::span(exceptions).first(entries_size),
                                       static_cast<std::size_t>(offset) / kCodeUnit, depths);
#if PY_VERSION_HEX >= 0x030e0000
  const auto* const there = evaluation_stack_of(seen.place, seen.code());
  const auto* const top = static_cast<const std::uintptr_t*>(seen.frame.stack_pointer);
  const std::int32_t depth =
      top < there ? -1 : static_cast<std::int32_t>(std::min<std::ptrdiff_t>(top - there, INT16_MAX));
  found.has_entered = is_call(found.operation) && depth >= 0 && depth < found.depth;
  found.depth = depth;
#endif
  return found;
}

}  // namespace gilscope
