// Tells a stream of files, places and stacks, each once, and where its thread stands. By the lane's owner, by
// the rules of Recorder::record.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "capture/lanes.h"
#include "capture/process_file.h"
#include "probe/code_point.h"
#include "probe/event.h"

namespace gilscope {

// The number of the stack, whose key_of() is `key`, in a stream that has begun. What the stream does not know
// of it is told first; empty where there is no space, or no number left.
[[nodiscard]] std::optional<std::uint32_t> tell_stack(Lane& lane, ProcessFile& file, GilId gil,
                                                      std::span<const CodePoint> stack,
                                                      const CodeReader& reader, std::uint64_t key) noexcept;

// The thread stands there at the next event. There is room for kAtRoom.
void note_stack(Lane& lane, std::uint32_t stack) noexcept;

}  // namespace gilscope
