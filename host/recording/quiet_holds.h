// What a hook counts at once, in memory of its thread alone: holds that concern nobody else. All zero bits:
// none. The memory may be another process's.
#pragma once

#include "analysis/cell.h"
#include "analysis/histogram.h"
#include "analysis/machine_snapshot.h"
#include "recording/sequence_lock.h"

namespace gilscope {

// Holds of a thread that concern nobody else: it took the GIL again that it had had last, and gave it up
// while nobody waited. One for each row of the table. Written by the thread, with the GIL's mutex held, but
// for `counted`.
struct alignas(64) QuietHolds {
  Cell version;   // sequence lock of what an end changes
  Cell is_used;   // 1: `held` tells whether it holds the GIL
  Cell held;      // ticks + 1 of the acquire whose release has not come, else 0
  Cell is_quiet;  // 1: the latest release was quiet, and all since
  Cell released;  // ticks of the latest quiet release
  Cell counted;   // `held` of the latest hold that the table counted
  Histogram holds;

  void end(std::uint64_t ticks) noexcept {
    const SequencedUpdate update(version);
    holds.record(ticks + 1 - held.get());
    held.set(0);
    is_quiet.set(1);
    released.set(ticks);
  }

  [[nodiscard]] QuietFigures read() const noexcept {
    QuietFigures figures;
    if (is_used.read() == 0) return figures;
    read_settled(version, [&] {
      figures = {.holds = holds.count(),
                 .hold_ticks = holds.sum(),
                 .held = held.read(),
                 .released = released.read(),
                 .hold = &holds};
    });
    return figures;
  }
};

}  // namespace gilscope
