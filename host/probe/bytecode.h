// Where a piece of bytecode stands: which instruction, and how deep the evaluation stack is before it. As the
// Python has it that this is compiled for; no Python object is touched, and any bytes do no harm.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace gilscope {

enum class Operation : std::uint8_t {
  Unknown,
  Other,
  Precall,  // 3.11
  Call,
  CallKw,
  CallFunctionEx,
  ForIter,
  BinaryOp,
  ContainsOp,
};

struct Instruction {
  Operation operation = Operation::Unknown;
  std::uint32_t argument = 0;
  bool is_over =
      false;  // it stands in what follows the instruction proper: the function that it called returned
  bool is_return = false;
  bool is_drop = false;  // it deletes a name, or gives it another object
  // Its operands were taken, for a function of Python code that has no frame any more, or none yet.
  // Since 3.14.
  bool has_entered = false;
  std::int32_t depth = -1;  // of the stack before it, in objects; -1: not known
};

// Code of more units than that is not looked at.
inline constexpr std::size_t kMostCodeUnits = 8192;
using DepthBuffer = std::array<std::int16_t, kMostCodeUnits + 1>;

// The instruction that the unit belongs to. `exceptions`: the code object's table of handlers.
[[nodiscard]] Instruction find_instruction(std::span<const std::uint8_t> code,
                                           std::span<const std::uint8_t> exceptions, std::size_t unit,
                                           DepthBuffer& buffer) noexcept;

// Where on the stack the callable lies that the instruction calls, or else the object on which it works: of
// calls of 3.11 and 3.12 there are two places, and it is in the first one unless that is empty. Empty:
// nowhere.
struct OperandPlaces {
  std::size_t first = 0;
  std::size_t second = 0;
};
[[nodiscard]] std::optional<OperandPlaces> operand_places(const Instruction& instruction,
                                                          std::size_t depth) noexcept;

// "+" of a BinaryOp; "": none.
[[nodiscard]] std::string_view operator_of(const Instruction& instruction) noexcept;

}  // namespace gilscope
