// The rows of a table of threads: where many differ in the number of their name alone, they are one row.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/run_summary.h"

namespace gilscope {

struct ThreadTableRow {
  NamedThread thread;                   // of a family: with the sums of its threads, and no percentiles
  std::optional<Nanoseconds> max_wait;  // empty: it did not wait
};

// From who held and waited most to who did least. `few`: so many of a name still have a row each.
[[nodiscard]] std::vector<ThreadTableRow> arrange_threads(const ProcessSummary& process, std::size_t few);

}  // namespace gilscope
