// The figures of a list, computed the plain way: pair the events, keep every interval, sort. Shares nothing
// with the state machine that it is compared with.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "probe/event.h"

namespace gilscope::test {

struct ReferenceRow {
  std::vector<std::uint64_t> holds;
  std::vector<std::uint64_t> waits;
  std::uint64_t forced = 0;
  std::uint64_t voluntary = 0;
};

struct Reference {
  std::map<std::pair<GilId, ThreadId>, ReferenceRow> rows;
  std::map<GilId, std::uint64_t> handoffs;
  std::map<std::tuple<GilId, ThreadId, ThreadId>, std::uint64_t> handoffs_by_thread;
};

// Of a legal list whose GILs are free at first.
inline Reference compute_reference(std::span<const Event> events, std::uint64_t end) {
  Reference reference;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    auto& row = reference.rows[{event.gil, event.thread}];
    // The later events that matter: of this thread on this GIL, or of anybody on it.
    const auto later = [&](auto&& wanted) -> const Event* {
      const auto found =
          std::find_if(events.begin() + static_cast<std::ptrdiff_t>(i) + 1, events.end(),
                       [&](const Event& other) { return other.gil == event.gil && wanted(other); });
      return found == events.end() ? nullptr : &*found;
    };
    const auto mine = [&](EventKind kind) {
      return later([&](const Event& other) { return other.thread == event.thread && other.kind == kind; });
    };
    if (event.kind == EventKind::Request) {
      const auto* acquired = mine(EventKind::Acquire);
      row.waits.push_back((acquired ? acquired->ticks : end) - event.ticks);
    } else if (event.kind == EventKind::Acquire) {
      const auto* released = mine(EventKind::Release);
      row.holds.push_back((released ? released->ticks : end) - event.ticks);
      if (!released) continue;
      const auto* next = later([&](const Event& other) {
        return other.kind == EventKind::Timeout || other.kind == EventKind::Release;
      });
      ++(next->kind == EventKind::Timeout ? row.forced : row.voluntary);
    } else if (event.kind == EventKind::Release) {
      const auto* next = later([](const Event& other) { return other.kind == EventKind::Acquire; });
      if (next != nullptr && next->thread != event.thread) {
        ++reference.handoffs[event.gil];
        ++reference.handoffs_by_thread[{event.gil, event.thread, next->thread}];
      }
    }
  }
  for (auto& [key, row] : reference.rows) {
    std::ranges::sort(row.holds);
    std::ranges::sort(row.waits);
  }
  return reference;
}

}  // namespace gilscope::test
