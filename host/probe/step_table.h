// Steps of event loops that took long: what a loop ran, and did not come back to it meanwhile. In memory that
// other processes may read, written by the threads themselves: all zero bits are none yet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "probe/code_point.h"
#include "probe/event.h"

namespace gilscope {

// Of a thread, at one place.
struct StepRow {
  std::uint64_t thread;  // 0: the row is free; set last
  std::uint64_t line;    // 0: unknown
  std::uint64_t count;
  std::uint64_t alone;  // of these, while nothing else waited for the loop that is known of
  std::uint64_t ticks;
  std::uint64_t longest;  // ticks, and when that one began
  std::uint64_t longest_begin;
  std::uint64_t unused;
  std::array<char, 160> file;  // of a longer path its end; up to the first zero
  std::array<char, 96> function;
};

struct LongStep {
  ThreadId thread{};
  std::uint64_t begin = 0;  // ticks
  std::uint64_t ticks = 0;
  bool is_alone = false;
};

struct StepTable {
  static constexpr std::size_t kRows = 38;

  std::uint64_t others;  // of steps that found no row
  std::array<std::byte, 120> unused;
  std::array<StepRow, kRows> rows;

  // One thread at a time.
  void add(const LongStep& step, const CodeWords& place) noexcept;
  // Of a thread that has another name here.
  void add(const StepRow& row, ThreadId thread) noexcept;
};
static_assert(sizeof(StepTable) == std::size_t{3} * 4096, "whole pages, as the note that it is a part of");

}  // namespace gilscope
