// The timeline of a page as JSON: times in ticks since its origin, so that its sums are those of the summary.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/timeline.h"

namespace gilscope {

struct TimelineProcess {
  std::int64_t pid = 0;
  std::string name;
  std::uint64_t begin = 0;  // ticks since the timeline's origin, both
  std::uint64_t end = 0;
  std::map<ThreadId, std::string> threads;  // the names that are known
};

// `processes` in the order in which the timeline got them. A row's `cells` are eight numbers each: the bins
// between this cell and the one before, its own bins (of 2^bin_bits ticks), the ticks held, waited, and
// waited for locks in it, and the holds, waits, and waits for locks that ended in it. `holds` and `waits` of
// a row are [bucket, number, ticks] of each duration bucket that is not empty; `duration_limits_ns` has where
// the buckets begin.
[[nodiscard]] nlohmann::ordered_json timeline_json(const Timeline& timeline,
                                                   const std::vector<TimelineProcess>& processes);

}  // namespace gilscope
