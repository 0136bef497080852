// A stack with what the thread did there that was no Python code. HOT, by the rules of hooks.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "probe/clock.h"
#include "probe/code_point.h"
#include "probe/holder_look.h"

namespace gilscope {

// A collection that took half of the time or more from `begin` to `end`, which is now; of the watched
// interpreter, by the thread that has its GIL.
[[nodiscard]] std::optional<CodePoint> collection_between(ProbeClock clock, std::uint64_t begin,
                                                          std::uint64_t end) noexcept;

// The stack, which lies in the buffer, with that as its innermost place; an empty one stays empty.
[[nodiscard]] std::span<const CodePoint> put_first(const CodePoint& work, std::span<const CodePoint> stack,
                                                   FrameBuffer& buffer) noexcept;
// Likewise, where the look found the thread: its frame with those below it, or that place alone where the
// frame is gone; the stack as it is where the code is gone, too.
[[nodiscard]] std::span<const CodePoint> put_first(const HolderLook& look, std::span<const CodePoint> stack,
                                                   FrameBuffer& buffer) noexcept;

}  // namespace gilscope
