// Whether the probe works with this Python on this machine: a short trace whose truth is known.
#pragma once

#include "analysis/findings.h"

namespace gilscope::cli {

// The calling thread holds the GIL, and gives it up often for a moment. No other thread of Python's may run.
ProbeCheck check_probe();

}  // namespace gilscope::cli
