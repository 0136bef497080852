// Learns from one release and acquire which condition variable is a GIL's. Cold; run by a thread that holds a
// GIL.
#pragma once

#include <cstdint>

#include "probe/elf_slots.h"
#include "probe/gil_table.h"

namespace gilscope {

struct Calibration {
  std::uintptr_t cond = 0;  // of the GIL that the calling thread holds
  GilLayout layout;
};

// Releases and takes back the GIL, once: other threads may run meanwhile. No probe runs (see
// calibrate_within, nesting.h). Throws ProbeError where what it sees is not what CPython 3.11 to 3.15 do.
Calibration calibrate(const LoadedObject& cpython);

}  // namespace gilscope
