// The one type for times and durations; at a boundary (JSON, Python) they are integers with the suffix _ns.
#pragma once

#include <chrono>

namespace gilscope {

using Nanoseconds = std::chrono::nanoseconds;

}  // namespace gilscope
