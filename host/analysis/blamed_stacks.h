// Where threads stood when others waited for them: what flame graphs are drawn of. Pure.
#pragma once

#include <optional>
#include <vector>

#include "analysis/process_record.h"

namespace gilscope {

// Holds of one thread that ended on one stack.
struct BlamedStack {
  std::optional<ThreadId> thread;  // empty: nobody held the GIL, and the system was waking who waited
  std::vector<CodePlace> stack;    // the innermost place first; empty where it is not known
  Nanoseconds caused_wait{};
};

// Of a process, from who caused most to who caused least; nobody comes last. They sum to its waits, each
// rounded to a nanosecond. Those that caused none are left out.
[[nodiscard]] std::vector<BlamedStack> list_blamed_stacks(const ProcessRecord& process);

}  // namespace gilscope
