// What the machine is and what of it this process may use: cores, quota, stolen time, load, clock, memory.
// Cold code. It reads /proc and /sys below a root folder, so that tests bring their own; what is absent or
// malformed there is unknown (an empty optional), never 0 and never an exception.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "support/time.h"

namespace gilscope {

enum class ClockKind { Tsc, Monotonic };

struct Clock {
  ClockKind kind = ClockKind::Monotonic;
  std::optional<std::string> kernel_source;  // the kernel's current clocksource: tsc, kvm-clock, hpet, …
  // The smallest step seen between two readings of CLOCK_MONOTONIC: its granularity or the price of a
  // reading, whichever is larger. (clock_getres says 1 ns of nearly every source.)
  std::optional<Nanoseconds> step;
};

struct Memory {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;
};

// Since boot and summed over all CPUs, in the kernel's ticks.
struct CpuTimes {
  std::uint64_t busy = 0;    // ran something; without idle, I/O wait and stolen time
  std::uint64_t stolen = 0;  // had something to run while the hypervisor ran somebody else
};

struct Machine {
  std::optional<unsigned> cpus;          // online
  std::optional<unsigned> allowed_cpus;  // of those, the ones that this process's affinity leaves
  std::optional<double> cpu_quota;       // CPUs' worth of time that control groups grant; infinity: no limit
  std::optional<double> usable_cpus;  // what affinity and quota leave; a quota that is unknown takes nothing
  std::optional<std::string> model;
  std::optional<double> stolen_share;  // since boot
  std::optional<double> load_average;  // of the last minute
  Clock clock;
  std::optional<Memory> memory;
};

// Whether this thread may read the processor's counter of time. A program can have it switched off
// (PR_SET_TSC), for itself and for the threads and children that it makes from then on. Then the C library's
// clock_gettime() is to be left alone, too: its code in the vDSO reads the counter where the kernel keeps
// time by it.
[[nodiscard]] bool may_read_tsc() noexcept;

// The clock's time by the system call, which every process may make.
[[nodiscard]] Nanoseconds ask_kernel_for_time(clockid_t clock = CLOCK_MONOTONIC) noexcept;

[[nodiscard]] Machine read_machine(const std::filesystem::path& root = "/");

[[nodiscard]] std::optional<unsigned> read_online_cpus(const std::filesystem::path& root = "/");
[[nodiscard]] std::optional<unsigned> read_allowed_cpus(const std::filesystem::path& root = "/");
[[nodiscard]] std::optional<double> read_cpu_quota(const std::filesystem::path& root = "/");
[[nodiscard]] std::optional<std::string> read_cpu_model(const std::filesystem::path& root = "/");
[[nodiscard]] std::optional<CpuTimes> read_cpu_times(const std::filesystem::path& root = "/");
[[nodiscard]] std::optional<double> read_load_average(const std::filesystem::path& root = "/");
[[nodiscard]] Clock read_clock(const std::filesystem::path& root = "/");
[[nodiscard]] std::optional<Memory> read_memory(const std::filesystem::path& root = "/");

// Stolen time as a share of the time in which there was something to run, between two readings. Unknown where
// nothing ran in between. `stolen_share({}, now)` is the share since boot; for a fresh one, read before and
// after work that keeps the CPUs busy (nothing can be stolen from an idle machine).
[[nodiscard]] std::optional<double> stolen_share(const CpuTimes& before, const CpuTimes& after);

}  // namespace gilscope
