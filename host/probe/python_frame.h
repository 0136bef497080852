// CPython's frames, as they lie in memory.
#pragma once

#include <Python.h>

#include <cstdint>
#include <optional>

#include "probe/copy_memory.h"

namespace gilscope {

// _PyInterpreterFrame up to what is read of it (Include/internal/pycore_frame.h, since 3.14
// pycore_interpframe_structs.h), spelled out, as CPython's internal headers want to be compiled as C.
// check_stacks() compares what comes of it with what CPython says.
struct PythonFrame {
#if PY_VERSION_HEX < 0x030c0000
  const void* function;
  const void* globals;
  const void* builtins;
  const void* locals;
  std::uintptr_t executable;
  const void* frame_object;
  const PythonFrame* previous;
  const char* instruction;
  int stack_top;
  bool is_entry;
  char owner;
#else
  std::uintptr_t executable;
  const PythonFrame* previous;
  const void* function;
  const void* globals;
  const void* builtins;
  const void* locals;
  const void* frame_object;
  const char* instruction;
#if PY_VERSION_HEX < 0x030e0000
  int stack_top;
#else
  const void* stack_pointer;
#endif
  std::uint16_t return_offset;
  char owner;
#endif
};
inline constexpr int kCodeUnit = 2;  // bytes: _Py_CODEUNIT, which is internal from 3.13 on
inline constexpr char kOwnedByGenerator = 1;
inline constexpr char kFirstOwnerInC = 3;  // of 3.12 and later: no Python code, but where C calls Python

// Since 3.14 the lowest two bits are flags, of the executable and of what lies on a stack.
constexpr std::uintptr_t without_flags(std::uintptr_t pointer) noexcept {
  return pointer & ~std::uintptr_t{3};
}

inline const PyCodeObject* code_at(const PythonFrame& frame) noexcept {
  return reinterpret_cast<const PyCodeObject*>(without_flags(frame.executable));
}

// Where the evaluation stack of a frame at `place` begins: local variables follow the frame, and it follows
// them.
inline const std::uintptr_t* evaluation_stack_of(const PythonFrame* place,
                                                 const PyCodeObject& code) noexcept {
  return reinterpret_cast<const std::uintptr_t*>(place + 1) + code.co_nlocalsplus;
}

// Of a thread that may go on meanwhile; nullptr where it runs no Python code. By a copy: empty where the
// memory is gone.
inline std::optional<const PythonFrame*> innermost_of(const PyThreadState& state) noexcept {
#if PY_VERSION_HEX < 0x030d0000
  const auto c_frame = copy_of(&state.cframe);
  return c_frame ? copy_of(reinterpret_cast<const PythonFrame* const*>(&(*c_frame)->current_frame))
                 : std::nullopt;
#else
  return copy_of(reinterpret_cast<const PythonFrame* const*>(&state.current_frame));
#endif
}

// Of what lies in its interpreter: the memory of one that ends is given back without the deaths there.
inline std::uint64_t first_life_in(PyInterpreterState* interpreter) noexcept {
  constexpr unsigned kDeathBits = 40;
  return static_cast<std::uint64_t>(PyInterpreterState_GetID(interpreter)) << kDeathBits;
}
inline std::uint64_t first_life_in(const PyThreadState& state) noexcept {
  return first_life_in(state.interp);
}

}  // namespace gilscope
