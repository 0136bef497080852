// What threads pay for the memory that they share: without a GIL they run at once, and one that writes where
// another one has just written, as the reference count of an object that both use, waits for that within the
// instruction. No system call tells of it; only that the same work costs more CPU time. Pure.
#pragma once

#include <optional>
#include <vector>

#include "analysis/comparison.h"

namespace gilscope {

// Less is the machine's: caches that are shared, or a clock that is slower where all CPUs are busy.
inline constexpr double kCostsMore = 1.2;
// Of the time in which tasks are in progress: more, and they wait for something.
inline constexpr double kHardlyWaited = 0.1;

// Of threads without a GIL, where they hardly waited for anything and cost so much more than both the
// sequential work and that of processes, which were as many at a time and share nothing: two that share a
// core cost more as well. By the intervals, not the medians. Empty: not so, or one of these modes did not end
// well.
[[nodiscard]] std::optional<MemoryCost> find_memory_cost(const std::vector<ModeSummary>& modes);

}  // namespace gilscope
