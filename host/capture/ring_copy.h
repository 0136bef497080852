// What a ring holds, copied to an events file of its own, whether its process goes on writing or not: no
// lock, and no store to what is copied. The copy is as large as what is in it.
#pragma once

#include <cstdint>
#include <filesystem>

#include "capture/format.h"
#include "probe/clock.h"

namespace gilscope {

struct RingSpan {
  std::uint64_t begin = 0;             // ticks: what comes later is wanted,
  ClockPoint end;                      // up to there; now, or before
  std::uint64_t happened = kMaxTicks;  // what it is wanted for, in ticks: it does not begin after that
};

// Since when a ring was written to, and up to when it has lost something; in ticks.
struct RingHead {
  std::uint64_t began = 0;
  std::uint64_t lost_until = 0;
};
[[nodiscard]] RingHead read_ring_head(const std::filesystem::path& source);  // throws Error

// False, and nothing made, where its process had ended by the begin. `source` is as read_capture() has it.
// Throws Error.
bool copy_ring(const std::filesystem::path& source, const std::filesystem::path& target,
               const RingSpan& span);

}  // namespace gilscope
