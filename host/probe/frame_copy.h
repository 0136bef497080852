// A frame of CPython's with its evaluation stack, of a thread that may go on meanwhile: the system copies it.
#pragma once

#include <Python.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "probe/bytecode.h"
#include "probe/python_frame.h"

namespace gilscope {

// With the head of its code object.
struct SeenFrame {
  static constexpr std::size_t kMostSlots = 256;

  const PythonFrame* place;
  PythonFrame frame;
  alignas(PyCodeObject) std::array<std::byte, sizeof(PyCodeObject)> code_bytes;
  std::array<std::uintptr_t, kMostSlots> slots;
  std::size_t slots_seen;

  // False where it is no frame of Python code, of which `frame` is there all the same, or none at all.
  [[nodiscard]] bool see(const PythonFrame* where) noexcept;

  [[nodiscard]] const PyCodeObject& code() const noexcept {
    return *reinterpret_cast<const PyCodeObject*>(code_bytes.data());
  }
  [[nodiscard]] const char* first_instruction() const noexcept {
    return reinterpret_cast<const char*>(code_at(frame)) + offsetof(PyCodeObject, co_code_adaptive);
  }
  [[nodiscard]] bool is_same_as(const SeenFrame& other) const noexcept;
};

// What it takes to find where in its code a frame stands. Large, and for one at a time.
struct CodeSpace {
  std::array<std::uint8_t, 2 * kMostCodeUnits> code;
  std::array<std::uint8_t, 4096> exceptions;
  DepthBuffer depths;

  [[nodiscard]] Instruction find_instruction_of(const SeenFrame& seen) noexcept;
};

}  // namespace gilscope
