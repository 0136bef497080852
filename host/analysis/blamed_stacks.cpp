#include "analysis/blamed_stacks.h"

#include <algorithm>
#include <map>
#include <utility>

#include "support/sort_stably.h"

namespace gilscope {

std::vector<BlamedStack> list_blamed_stacks(const ProcessRecord& process) {
  std::vector<BlamedStack> list;
  if (!process.blame) return list;
  std::map<std::pair<std::optional<ThreadId>, std::optional<StackId>>, std::uint64_t> waits;
  for (const auto& [key, span] : process.blame->spans) {
    for (const auto& [waiter, ticks] : span.waits) waits[{key.thread, key.to}] += ticks;
  }
  const auto& stacks = process.blame->stacks;
  for (const auto& [key, ticks] : waits) {
    BlamedStack row{.thread = key.first, .caused_wait = process.tick.of(ticks)};
    if (row.caused_wait == Nanoseconds::zero()) continue;
    if (key.second) row.stack = stacks.places_of(*key.second);
    list.push_back(std::move(row));
  }
  // Equals stay in the order of their keys.
  sort_stably(list, [](const BlamedStack& left, const BlamedStack& right) {
    return std::pair(!left.thread, right.caused_wait) < std::pair(!right.thread, left.caused_wait);
  });
  return list;
}

}  // namespace gilscope
