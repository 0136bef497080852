// From what the processes of a run recorded to gilscope.summary/1: the same names, in nanoseconds. Pure
// functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/gil_summary.h"
#include "analysis/process_record.h"
#include "support/time.h"

namespace gilscope {

struct NamedThread {
  ThreadFigures figures;
  std::string name;                   // "" where nobody named it
  std::optional<Nanoseconds> cpu_ns;  // unknown of threads that Python did not start and that have ended
};

struct ProcessSummary {
  std::int64_t pid = 0;
  std::int64_t parent_pid = 0;
  ProcessRole role = ProcessRole::First;
  Nanoseconds wall_ns{};
  std::optional<Nanoseconds> cpu_ns;
  std::vector<GilFigures> gils;
  std::vector<NamedThread> threads;
};

struct RunVerdict {
  enum class Kind {
    Bottleneck,    // threads waited for it for a tenth of their time, or more
    NoBottleneck,  // they did not
    OneThread,     // there was nobody to wait for: the ceiling says what threads could gain
    NoGil,         // free-threaded: nothing was traced
  };
  Kind kind = Kind::NoGil;
  std::optional<double> wait_share;  // waits of the busy threads / their lifetimes, over all GILs
  std::optional<double> ceiling;     // of a run of one thread: see ceiling()
};

// A thread is busy that held or awaited a GIL for a hundredth of its process's time: who only waits for
// others (a join, an accept) says nothing of a bottleneck.
inline constexpr double kBusyShare = 0.01;
inline constexpr double kBottleneckShare = 0.1;

struct ProbeCost {
  std::uint64_t events = 0;
  std::uint64_t dropped = 0;
  std::optional<double> pair_cost_ns;  // added to a release and its acquire, measured in this run
  std::optional<double> cost_share;    // of the wall times of all processes
};

struct RunSummary {
  std::optional<Nanoseconds> wall_ns;  // of the first process; unknown where there is none
  std::optional<Nanoseconds> cpu_ns;   // of all processes; unknown where it is of one
  ProbeCost probe;
  RunVerdict verdict;
  std::vector<ProcessSummary> processes;
};

// `records`: the first process first; none where there is no GIL.
[[nodiscard]] RunSummary summarize_run(const std::vector<ProcessRecord>& records,
                                       std::optional<double> pair_cost_ns);

}  // namespace gilscope
