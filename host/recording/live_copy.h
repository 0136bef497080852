// What a process of a run that goes on has counted up to now, without a store to its memory: it notices
// nothing, and waits for nobody. A copy is made while nobody has the lock of its queue, and what is in the
// queue is taken out of it in the copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "analysis/machine_snapshot.h"
#include "analysis/row_table.h"
#include "recording/blame_counters.h"
#include "recording/process_note.h"
#include "recording/shared_space.h"

namespace gilscope {

// Copies as much of a slot to zeros as was ever written to: to read the rest in a mapping would make it
// memory.
void copy_written(const SharedSpace& space, std::uint64_t slot, std::size_t bytes, std::byte* to);

class LiveCopy {
 public:
  // Throws std::bad_alloc where there are no addresses for it.
  LiveCopy(const SharedSpace& space, std::uint64_t slot);

  [[nodiscard]] const ProcessNote& note() const noexcept {
    return *reinterpret_cast<const ProcessNote*>(memory_.data());
  }
  // Once.
  [[nodiscard]] BlameCounters::View view();

  // Whether nobody had the lock meanwhile. Else somebody was stopped with it, and what is there is read as if
  // he had been killed.
  [[nodiscard]] bool is_exact() const noexcept { return is_exact_; }

 private:
  void copy(const SharedSpace& space, std::uint64_t slot, const BlameTables& live);

  ZeroedMemory memory_;
  std::vector<QuietFigures> quiet_;
  bool is_exact_ = false;
};

}  // namespace gilscope
