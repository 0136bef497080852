// What a reader wants to know of a place where a thread waits for a lock, or gives one up: which line of the
// user's led there, what of the library stood there in the end, and whether it waits for its turn or for
// work.
#pragma once

#include <span>
#include <string_view>

#include "probe/code_point.h"
#include "probe/lock_table.h"

namespace gilscope {

struct LockTexts {  // NOLINT(cppcoreguidelines-pro-type-member-init): of each only what was written is read
  CodeWords user;
  CodeWords within;
};

// Of a stack, innermost first; the words lie in `texts`. `call`: the C function that the innermost frame has
// called,
// "" where that is not known.
[[nodiscard]] LockWords describe_lock_place(std::span<const CodePoint> stack, const CodeReader& reader,
                                            std::string_view call, LockTexts& texts) noexcept;

}  // namespace gilscope
