// The reader's side of RowUpdate, which any thread or process may take.
#pragma once

#include <chrono>
#include <thread>

#include "analysis/gil_state.h"

namespace gilscope {

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
