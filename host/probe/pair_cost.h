// What the probe adds to a release and its acquire. Cold; no interpreter is needed, and no probe may run.
#pragma once

#include <optional>

#include "probe/recorder.h"

namespace gilscope {

// In ns: the two hooks, called in a row on a GIL that is nobody's, with `scratch` as their recorder, less the
// two calls that they replace; the median of several batches, in less than a millisecond. Empty where a probe
// runs, or none ever ran: then there is nothing to call.
[[nodiscard]] std::optional<double> measure_pair_cost(Recorder& scratch);

}  // namespace gilscope
