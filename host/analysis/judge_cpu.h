// Whether there was a CPU for who wanted one: a machine that is busy with something else makes threads keep
// the GIL, and wait for it, in ways that look like a program's own. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/judge_facts.h"
#include "analysis/run_finding.h"

namespace gilscope {

// A thread that lost its CPU keeps the GIL for long, too, but not again and again: several times, or once for
// kStall. Shorter ones, whatever the switch interval, are the machine's.
inline constexpr std::uint64_t kSeveral = 3;
inline constexpr Nanoseconds kKept{15'000'000};
inline constexpr Nanoseconds kStall{50'000'000};  // also of a loop

// What threads of a process had of a CPU while they held GILs, at most, and how long they held them.
struct CpuOfHolds {
  Nanoseconds held{};
  Nanoseconds cpu{};
  std::optional<Nanoseconds>
      cpu_wait;  // for which they were in the queue for one; empty where that is not known
};

// Of a KeptByC, StalledLoop or GarbageCollection whose culprits had so much less CPU time than they held
// GILs, or were in the queue for a CPU for so long, that this explains half of what others waited: a machine
// that had no CPU for them, or a call that sleeps. Empty where it would have been late on an idle machine,
// too, or the system did not tell.
[[nodiscard]] std::optional<CpuOfHolds> find_lack_of_cpu(const RunFinding& finding,
                                                         const ProcessSummary& process);
// They did not want a CPU for most of the time that they lacked one. Where that is not known: they had next
// to none, as nobody takes a CPU away from a thread for nearly all of its time.
[[nodiscard]] bool is_sleep(const CpuOfHolds& holds) noexcept;

// The process that waited longest for CPUs, of those that were given one for less than three quarters of the
// time that they wanted one. Empty: none, or the system did not tell.
[[nodiscard]] std::optional<RunFinding> find_starved(const std::vector<ProcessSummary>& processes);

// Whether the thread was in the queue for a CPU for half of that time or more, as far as the system tells;
// true where it tells nothing.
[[nodiscard]] bool may_have_lacked_cpu(const ProcessSummary& process, ThreadId thread, Nanoseconds time);

// For how long a process wanted a CPU: that it had, or did not get. Empty where that is not known.
[[nodiscard]] std::optional<Nanoseconds> wanted_cpu(const ProcessSummary& process) noexcept;

}  // namespace gilscope
