// What a thread did with the GIL when no line of Python code ran: told as the innermost place of its stack,
// in a file that is none. So captures and tables of stacks keep it like any other place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "probe/code_point.h"

namespace gilscope {

enum class WorkKind : std::uint8_t {
  Call,        // into C; the name is the callable's
  Freeing,     // objects; the name is the function's whose locals they were, or ""
  Collection,  // of garbage, by itself; the name is the generation
  Collect,     // likewise, asked for: gc.collect()
};
inline constexpr std::size_t kWorkKinds = 4;
// In the order of WorkKind.
inline constexpr std::array<std::string_view, kWorkKinds> kWorkFiles{"<call>", "<freeing>",
                                                                     "<garbage collection>", "<gc.collect>"};

// Its point; the same of the same name, for good. Empty where there are too many names, or somebody else is
// just being told one. By the rules of Recorder::record.
[[nodiscard]] std::optional<CodePoint> work_point(WorkKind kind, std::string_view name) noexcept;

// False where the point is none of work_point's.
[[nodiscard]] bool describe_work(const CodePoint& point, CodeWords& words) noexcept;

}  // namespace gilscope
