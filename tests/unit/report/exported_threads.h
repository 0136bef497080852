// The threads of which the exports of hand-written events tell.
#pragma once

#include "probe/event.h"

namespace gilscope::test {

inline constexpr ThreadId kMain{4001};
inline constexpr ThreadId kWorker{4002};

}  // namespace gilscope::test
