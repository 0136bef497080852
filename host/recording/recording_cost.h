// What each recorder adds to a release and its acquire, in nanoseconds: measured now, in this process. Empty
// where the probe never ran, or runs yet.
#pragma once

#include <optional>

namespace gilscope {

// In the least memory: the script may have left us little (RLIMIT_AS).
[[nodiscard]] std::optional<double> measure_counting_cost();

// Into a capture in a temporary folder; empty, too, where there is no place for one.
[[nodiscard]] std::optional<double> measure_capture_cost();

}  // namespace gilscope
