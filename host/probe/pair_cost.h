// What the probe adds to a release and its acquire. Cold; no interpreter is needed.
#pragma once

#include <optional>

#include "probe/recorder.h"

namespace gilscope {

// In ns: the two hooks, called in a row on a GIL that is nobody's, with `scratch` as their recorder, less the
// two calls that they replace; the median of several batches, in less than a millisecond. Empty where no
// probe ever ran, so that there is nothing to call, or another thread measures just now.
[[nodiscard]] std::optional<double> measure_pair_cost(Recorder& scratch);

}  // namespace gilscope
