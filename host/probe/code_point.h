// Where in its Python code a thread stands, as the probe hands it on: instructions of code objects, and who
// knows their names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gilscope {

// An instruction of a code object, good while the stack stands still. Not initialised, as a hook has room for
// many of which it needs a few.
struct CodePoint {
  const void* code;
  std::int32_t instruction;  // byte offset, as PyCode_Addr2Line takes it
  // Of two code objects that were at one address, one after the other, each has a life of its own: the three
  // together never mean another place under the same GIL.
  std::uint64_t life;
};

inline constexpr std::size_t kMaxFrames = 32;  // of a stack: the innermost ones
using FrameBuffer = std::array<CodePoint, kMaxFrames>;

// What people call it. Texts are UTF-8, cut where they are longer; a path keeps its end.
struct CodeWords {  // NOLINT(cppcoreguidelines-pro-type-member-init): only what was written is read
  static constexpr std::size_t kFileBytes = 1000;
  static constexpr std::size_t kFunctionBytes = 255;

  [[nodiscard]] std::string_view file() const noexcept { return {file_text.data(), file_bytes}; }
  [[nodiscard]] std::string_view function() const noexcept { return {function_text.data(), function_bytes}; }

  std::uint32_t line = 0;  // 0: it has none
  std::size_t file_bytes = 0;
  std::size_t function_bytes = 0;
  std::array<char, kFileBytes> file_text;
  std::array<char, kFunctionBytes> function_text;
};

// By the rules of Recorder::record, for the points of the stack that the recorder was just given.
class CodeReader {
 public:
  CodeReader() = default;
  CodeReader(const CodeReader&) = delete;
  CodeReader& operator=(const CodeReader&) = delete;
  CodeReader(CodeReader&&) = delete;
  CodeReader& operator=(CodeReader&&) = delete;

  // Takes microseconds in a long function. False where the code object is just being freed.
  [[nodiscard]] virtual bool describe(const CodePoint& point, CodeWords& words) const noexcept = 0;

 protected:
  ~CodeReader() = default;
};

}  // namespace gilscope
