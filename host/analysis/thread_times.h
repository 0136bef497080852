// Where the time of each thread went. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/process_record.h"
#include "support/time.h"

namespace gilscope {

// Of a thread, or of all threads of a family: over all GILs. All that follows `life` sums to it; what is
// empty is not known, and part of the last (`native` of a thread without a GIL: of `python`).
struct ThreadTimes {
  ThreadId thread{};
  std::string name;                     // "" where nobody named it
  std::uint64_t folded = 0;             // of a family, how many threads are in it; else 0
  Nanoseconds life{};                   // from its first event to its end, or that of the recording
  Nanoseconds python{};                 // had a GIL, and a CPU: Python code, or C that keeps the GIL;
                                        // where there is no GIL: had a CPU
  Nanoseconds for_gil{};                // waited for one
  std::optional<Nanoseconds> for_turn;  // waited for a lock of Python's that another thread had
  std::optional<Nanoseconds> for_work;  // waited for one until another thread does something: a queue, a join
  std::optional<Nanoseconds> stopped;   // stood because another thread had stopped the world
  std::optional<Nanoseconds> native;    // had a CPU, and no GIL: C that gives it up
  std::optional<Nanoseconds> no_cpu;    // waited for a CPU, with a GIL or without
  Nanoseconds asleep{};                 // all else: asleep, or in input and output
};

// Of those that are known by themselves or by their family. Exact are the waits for GILs and for locks, and
// how long the thread had a GIL. Beyond that the system tells two sums, of the CPU time and of the time in
// the queue for a CPU. Who has a GIL is taken to use what CPU time there is: where CPUs lack, `python` is an
// upper bound and `native` a lower one; where there are some for all, both are exact, but for who sleeps with
// the GIL and computes without.
[[nodiscard]] std::vector<ThreadTimes> find_thread_times(const ProcessRecord& record);

// Of a process that has no GIL, of threads whose life and CPU time are known. A life begins where Python
// names the thread. Exact are the waits; CPU time is all in `python`, as nobody sees who attaches and
// detaches.
[[nodiscard]] std::vector<ThreadTimes> find_thread_times_without_gil(const ProcessRecord& record);

// From who did and waited most to who did least.
void rank(std::vector<ThreadTimes>& threads);

}  // namespace gilscope
