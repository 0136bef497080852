// Threads of three kinds, by their number: without a name, of a pool, of Thread(target=work); and where folds
// put them.
#pragma once

#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "probe/event.h"
#include "recording/process_note.h"

namespace gilscope::test {

inline std::string name_of(ThreadId thread) {
  const auto id = static_cast<std::uint32_t>(thread);
  if (id % 3 == 0) return "";
  return id % 3 == 1 ? fmt::format("Thread-{} (work)", id) : fmt::format("pool-0_{}", id);
}

// The name of its family, as they are made: of threads without a name there is always one.
inline std::string family_of(ThreadId thread, const ProcessNote& note) {
  if (is_family(thread)) return note.find_family(thread)->name.data();
  const std::string name = name_of(thread);
  if (name.empty()) return "(ended threads)";
  return name.starts_with("Thread") ? "Thread-N (work)" : "pool-0_N";
}

}  // namespace gilscope::test
