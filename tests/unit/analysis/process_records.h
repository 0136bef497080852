// Records of processes for tests, as a recording would hand them over; a tick is a nanosecond.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analysis/process_record.h"

namespace gilscope::test {

inline constexpr std::uint64_t kMillisecondTicks = 1'000'000;

// A thread's figures on one GIL, whose life is the whole recording: percentiles as if all its holds were
// alike.
struct RowSpec {
  std::uint64_t thread = 1;
  unsigned gil = 0;
  std::uint64_t holds = 0;
  std::uint64_t hold_ticks = 0;
  std::uint64_t waits = 0;
  std::uint64_t wait_ticks = 0;
  std::uint64_t forced = 0;
  std::uint64_t lifetime = 100 * kMillisecondTicks;
};

inline ThreadSnapshot make_row(const RowSpec& spec) {
  ThreadSnapshot row{.gil = GilId{spec.gil},
                     .thread = ThreadId{static_cast<std::uint32_t>(spec.thread)},
                     .holds = spec.holds,
                     .hold_ticks = spec.hold_ticks,
                     .waits = spec.waits,
                     .wait_ticks = spec.wait_ticks,
                     .forced = spec.forced,
                     .voluntary = spec.holds - spec.forced,
                     .first = 0,
                     .last = spec.lifetime,
                     .lifetime = spec.lifetime};
  const auto all = [](std::uint64_t ticks, std::uint64_t count) {
    const auto one = ticks / count;
    return Percentiles{one, one, one, one};
  };
  if (spec.holds > 0) row.hold = all(spec.hold_ticks, spec.holds);
  if (spec.waits > 0) row.wait = all(spec.wait_ticks, spec.waits);
  return row;
}

// A process of 100 ms with these rows; its GILs are those that the rows name, each of the interpreter of its
// number.
inline ProcessRecord make_process(std::int64_t pid, const std::vector<RowSpec>& rows) {
  ProcessRecord record{.pid = pid, .parent_pid = 1, .wall = Nanoseconds(100 * kMillisecondTicks)};
  unsigned gils = 0;
  for (const auto& row : rows) {
    record.figures.threads.push_back(make_row(row));
    gils = std::max(gils, row.gil + 1);
  }
  for (unsigned gil = 0; gil < gils; ++gil) {
    record.figures.gils.push_back({.gil = GilId{gil}, .interpreter = gil, .last = 100 * kMillisecondTicks});
  }
  return record;
}

}  // namespace gilscope::test
