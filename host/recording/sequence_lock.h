// Figures that belong together, written by one thread and read by any thread or process (Boehm, "Can seqlocks
// get along with programming language memory models?", MSPC 2012).
#pragma once

#include <chrono>
#include <thread>

#include "analysis/cell.h"

namespace gilscope {

// The writer's side. `version` is odd meanwhile; every Cell's store is a release, so that a reader that saw
// any of the new values also sees the version that goes with them.
class SequencedUpdate {
 public:
  explicit SequencedUpdate(Cell& version) noexcept : cell_(version), version_(version.get()) {
    cell_.set(version_ + 1);
  }
  ~SequencedUpdate() { cell_.set(version_ + 2); }
  SequencedUpdate(const SequencedUpdate&) = delete;
  SequencedUpdate& operator=(const SequencedUpdate&) = delete;
  SequencedUpdate(SequencedUpdate&&) = delete;
  SequencedUpdate& operator=(SequencedUpdate&&) = delete;

 private:
  Cell& cell_;
  std::uint64_t version_;  // kept, since a reload would wait for the store before it
};

// Calls `copy` until what it copied did not change under `version` meanwhile. False where it never settled:
// on a busy machine the writer may have lost its CPU in the middle of a change, so that is a quarter of a
// second.
template <typename Copy>
bool read_settled(const Cell& version, Copy copy) {
  constexpr int kTriesAtOnce = 1000;
  constexpr int kPauses = 250;
  constexpr auto kPause = std::chrono::milliseconds(1);
  for (int pause = 0;; ++pause) {
    for (int i = 0; i < kTriesAtOnce; ++i) {
      const auto before = version.read();
      copy();
      if (before % 2 == 0 && version.read() == before) return true;
    }
    if (pause == kPauses) return false;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace gilscope
