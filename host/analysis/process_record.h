// What one process recorded: the plain type that a recording hands to the analysis.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/gil_summary.h"
#include "analysis/machine_snapshot.h"
#include "support/time.h"

namespace gilscope {

enum class ProcessRole : std::uint8_t {
  First,       // where the recording began
  Fork,        // os.fork, or multiprocessing's start method of that name
  Spawn,       // multiprocessing's
  Forkserver,  // multiprocessing's
  Server,      // the server that forks those: no code of the user's
};

struct ThreadRecord {
  ThreadId id{};
  std::string name;                // "" where nobody named it
  std::optional<Nanoseconds> cpu;  // within the recording
};

struct ProcessRecord {
  std::int64_t pid = 0;
  std::int64_t parent_pid = 0;
  ProcessRole role = ProcessRole::First;
  Nanoseconds wall{};  // up to its stop; of a process that ended without one, up to its last event
  std::optional<Nanoseconds> cpu;
  TickLength tick;
  MachineSnapshot figures;
  std::vector<ThreadRecord> threads;
};

}  // namespace gilscope
