// What a ring holds, copied to an events file of its own, whether its process goes on writing or not: no
// lock, and no store to what is copied. The copy is as large as what is in it.
#pragma once

#include <cstdint>
#include <filesystem>

#include "probe/clock.h"

namespace gilscope {

struct RingSpan {
  std::uint64_t begin = 0;  // ticks: what comes later is wanted,
  ClockPoint end;           // up to there; now, or before
};

// False, and nothing made, where its process had ended by the begin. `source` is as read_capture() has it.
// Throws Error.
bool copy_ring(const std::filesystem::path& source, const std::filesystem::path& target,
               const RingSpan& span);

}  // namespace gilscope
