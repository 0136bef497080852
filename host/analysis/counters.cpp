#include "analysis/counters.h"

namespace gilscope {

void Counters::record(const Event& event) noexcept { machine_.apply(event); }

}  // namespace gilscope
