// What the recorder asks of the operating system, so that a test can make a disk full, or stop the clock.
// Bound by the rules of Recorder::record: no cancellation point may be in it, as the thread holds a GIL's
// mutex.
#pragma once

#include <cstddef>
#include <cstdint>

#include "probe/clock.h"

namespace gilscope {

struct CaptureSystem {
  // Whole or not at all: errno, or 0. The range is the file's own afterwards, so that storing to a mapping of
  // it cannot meet a full disk (which would be SIGBUS).
  int (*reserve)(int file, std::uint64_t offset, std::uint64_t size) noexcept;
  int (*write)(int file, const void* data, std::size_t size, std::uint64_t offset) noexcept;
  ClockPoint (*read_point)(const ProbeClock& clock) noexcept;
  std::uint32_t (*pid)() noexcept;
  std::uint32_t (*parent_pid)() noexcept;
};

[[nodiscard]] const CaptureSystem& real_system() noexcept;

}  // namespace gilscope
