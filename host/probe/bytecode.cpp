#include <Python.h>

#include "probe/bytecode.h"

#include <algorithm>

namespace gilscope {
namespace {

enum : unsigned { Jumps = 1, GoesBack = 2, Leaves = 4, Extends = 8, Returns = 16, Drops = 32 };

struct OpcodeFacts {
  std::uint8_t base;  // what it is a specialised form of
  std::uint8_t caches;
  Operation operation;
  unsigned traits;

  [[nodiscard]] bool has(unsigned trait) const noexcept { return (traits & trait) != 0; }
};

#include "opcodes.inc"

constexpr std::size_t kUnitBytes = 2;

struct Unit {
  const OpcodeFacts& facts;
  std::uint32_t argument;
  std::size_t end;  // its caches included
};

// Numbers of six bits a byte, the highest first; the first byte of an entry has its highest bit set.
class ExceptionTable {
 public:
  explicit ExceptionTable(std::span<const std::uint8_t> bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] bool is_at_end() const noexcept { return bytes_.empty(); }
  std::size_t number() noexcept {
    std::size_t value = 0;
    for (bool goes_on = true; goes_on && !bytes_.empty(); bytes_ = bytes_.subspan(1)) {
      constexpr std::size_t kMost = 1U << 24U;
      value = std::min(value << 6U | (bytes_.front() & 0x3fU), kMost);
      goes_on = (bytes_.front() & 0x40U) != 0;
    }
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

class DepthFinder {
 public:
  DepthFinder(std::span<const std::uint8_t> code, DepthBuffer& depths) noexcept
      : code_(code), units_(std::min(code.size() / kUnitBytes, kMostCodeUnits)), depths_(depths) {
    std::fill_n(depths_.begin(), units_ + 1, std::int16_t{-1});
    put(0, 0);
  }

  void add_handlers(std::span<const std::uint8_t> exceptions) noexcept {
    for (ExceptionTable table(exceptions); !table.is_at_end();) {
      table.number();  // where it begins, and how long it is
      table.number();
      const auto target = table.number();
      const auto depth = table.number();
      put(target, static_cast<int>(depth / 2 + depth % 2 + 1));
    }
  }

  // False where an instruction is not known. Code that is entered from what follows it needs one more turn.
  bool follow() noexcept {
    std::uint32_t extension = 0;
    for (std::size_t begin = 0; begin < units_;) {
      const Unit unit = unit_at(begin, extension);
      if (unit.facts.operation == Operation::Unknown) return false;
      if (depths_.at(begin) >= 0) flow(unit, depths_.at(begin));
      extension = unit.facts.has(Extends) ? unit.argument << 8U : 0;
      begin = unit.end;
    }
    return true;
  }

  [[nodiscard]] Instruction find(std::size_t wanted) const noexcept {
    std::uint32_t extension = 0;
    for (std::size_t begin = 0; begin < units_;) {
      const Unit unit = unit_at(begin, extension);
      if (unit.facts.operation == Operation::Unknown) break;
      if (wanted < unit.end) {
        return {.operation = unit.facts.operation,
                .argument = unit.argument,
                .is_over = wanted > begin,
                .is_return = unit.facts.has(Returns),
                .is_drop = unit.facts.has(Drops),
                .depth = depths_.at(begin)};
      }
      extension = unit.facts.has(Extends) ? unit.argument << 8U : 0;
      begin = unit.end;
    }
    return {};
  }

 private:
  void put(std::size_t unit, int depth) noexcept {
    if (unit < units_ && depth >= 0 && depth < INT16_MAX && depths_.at(unit) < 0) {
      depths_.at(unit) = static_cast<std::int16_t>(depth);
    }
  }

  [[nodiscard]] Unit unit_at(std::size_t begin, std::uint32_t extension) const noexcept {
    const OpcodeFacts& facts = kOpcodes.at(code_[begin * kUnitBytes]);
    return {facts, extension | code_[begin * kUnitBytes + 1], begin + 1 + facts.caches};
  }

  static int effect_of(const Unit& unit, bool does_jump) noexcept {
    constexpr std::uint32_t kMostArgument = INT32_MAX;
    const auto argument = static_cast<int>(std::min(unit.argument, kMostArgument));
    return PyCompile_OpcodeStackEffectWithJump(unit.facts.base, argument, does_jump ? 1 : 0);
  }

  void flow(const Unit& unit, int depth) noexcept {
    const auto add = [&](std::size_t to, bool does_jump) {
      const int effect = effect_of(unit, does_jump);
      // A generator is sent something as it begins, which not every version counts.
      if (effect != PY_INVALID_STACK_EFFECT) put(to, std::max(depth + effect, 0));
    };
    if (!unit.facts.has(Leaves)) add(unit.end, false);
    if (!unit.facts.has(Jumps)) return;
    const bool goes_back = unit.facts.has(GoesBack);
    if (!goes_back || unit.argument <= unit.end) {
      add(goes_back ? unit.end - unit.argument : unit.end + unit.argument, true);
    }
  }

  std::span<const std::uint8_t> code_;
  std::size_t units_;
  DepthBuffer& depths_;
};

}  // namespace

Instruction find_instruction(std::span<const std::uint8_t> code, std::span<const std::uint8_t> exceptions,
                             std::size_t unit, DepthBuffer& buffer) noexcept {
  DepthFinder finder(code, buffer);
  finder.add_handlers(exceptions);
  constexpr int kTurns = 2;
  for (int turn = 0; turn < kTurns; ++turn) {
    if (!finder.follow()) return {};
  }
  return finder.find(unit);
}

std::optional<OperandPlaces> operand_places(const Instruction& instruction, std::size_t depth) noexcept {
  const std::size_t argument = instruction.argument;
  const auto below_top = [&](std::size_t first, std::size_t second) -> std::optional<OperandPlaces> {
    if (first > depth || second > depth) return std::nullopt;
    return OperandPlaces{depth - first, depth - second};
  };
  switch (instruction.operation) {
#if PY_VERSION_HEX < 0x030d0000
    case Operation::Precall:
      return below_top(argument + 2, argument + 1);
    case Operation::Call:
#if PY_VERSION_HEX < 0x030c0000
      depth += argument;  // PRECALL counts for what CALL takes
#endif
      return below_top(argument + 2, argument + 1);
    case Operation::CallFunctionEx:
      return below_top(2 + argument % 2, 2 + argument % 2);
#else
    case Operation::Call:
      return below_top(argument + 2, argument + 2);
    case Operation::CallKw:
      return below_top(argument + 3, argument + 3);
    case Operation::CallFunctionEx:
#if PY_VERSION_HEX < 0x030e0000
      return below_top(3 + argument % 2, 3 + argument % 2);
#else
      return below_top(4, 4);
#endif
#endif
    case Operation::ForIter:
    case Operation::ContainsOp:
#if PY_VERSION_HEX >= 0x030f0000
      if (instruction.operation == Operation::ForIter) return below_top(2, 2);
#endif
      return below_top(1, 1);
    case Operation::BinaryOp:
      return below_top(2, 2);
    default:
      return std::nullopt;
  }
}

std::string_view operator_of(const Instruction& instruction) noexcept {
  const bool is_known =
      instruction.operation == Operation::BinaryOp && instruction.argument < kBinaryOperators.size();
  return is_known ? kBinaryOperators.at(instruction.argument) : std::string_view();
}

}  // namespace gilscope
