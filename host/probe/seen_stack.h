// The whole stack of a thread that holds a GIL, as seen by one that has waited for it for very long: it may
// never give the GIL up, and then nobody else tells where it stands. As in holder_look.h the other one may go
// on meanwhile, so the system copies its memory.
#pragma once

#include <span>

#include "probe/code_point.h"

namespace gilscope {

// Of the thread state that the GIL names, the innermost frame first; empty where it goes on just now. With
// the GIL's mutex held, so that the holder does not change.
[[nodiscard]] std::span<const CodePoint> see_stack(const void* thread_state, FrameBuffer& buffer) noexcept;

// Reads code objects of such a stack, by copies of them.
[[nodiscard]] const CodeReader& seen_code() noexcept;

}  // namespace gilscope
