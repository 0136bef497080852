// For how long threads wanted a CPU and had none, as the system counts it.
#pragma once

#include <cstdint>
#include <optional>

#include "probe/event.h"
#include "support/time.h"

namespace gilscope {

// How long the thread, one of this process, has been in the queue for a CPU so far (schedstat(5) of
// proc: Documentation/scheduler/sched-stats.rst), while its cgroup was throttled, too. Empty where the system
// does not tell, or the thread is gone. System calls only.
[[nodiscard]] std::optional<Nanoseconds> read_cpu_wait(ThreadId thread) noexcept;

// Of a thread of another process, which lives. Its CPU time lacks what it has run since the system last
// counted, some milliseconds at most.
struct ThreadTimes {
  Nanoseconds cpu;
  Nanoseconds cpu_wait;
};
[[nodiscard]] std::optional<ThreadTimes> read_thread_times(std::int64_t process, ThreadId thread);

// For how long the cgroup of this process has been kept from every CPU so far, as its quota was used up. Zero
// where it has none, or that cannot be told.
[[nodiscard]] Nanoseconds read_throttled() noexcept;

}  // namespace gilscope
