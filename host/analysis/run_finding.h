// What of a run deserves to be said in a sentence, beyond its verdict: who suffers, who is to blame and
// where, and the figures that say so. A plain type; the rules are in run_findings.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/gil_summary.h"
#include "capture/code_stacks.h"
#include "support/time.h"

namespace gilscope {

struct RunFinding {
  enum class Kind {
    // A thread was not given the GIL for far longer than Python code keeps it from who asked for it (four
    // switch intervals again and again, or ten once): a call in C kept it.
    KeptByC,
    // A thread that itself gives the GIL up again and again, after a short while, waits for most of a switch
    // interval each time it comes back, for one that computes (Beazley, "Understanding the Python GIL", PyCon
    // 2010): for a tenth of its lifetime in all, or more.
    Convoy,
    // A thread with an asyncio loop stood still for ten switch intervals or more at a time: it waited for the
    // GIL, or kept it itself.
    StalledLoop,

    // Of a GIL with convoys: what a switch interval of a tenth would gain and cost.
    SwitchInterval,

    // Of the run as a whole, one of them at most; of one that was a bottleneck where none of the above
    // explains it. Of other runs where they went on for kLeastRun.
    ComputingThreads,  // a bottleneck: most of the time the GIL was given up by force
    FrequentReleases,  // a bottleneck: most of the time it was given up by itself
    NoBottleneck,
    LittleToGain,  // one thread used the GIL, which it held for most of the time
    IoBound,       // neither the GIL nor a CPU was busy for half of the time
    ReleasedByC,   // the GIL was not, and a CPU was
  };

  Kind kind{};
  std::optional<std::int64_t> pid;  // these three: empty where it is of the whole run
  std::optional<GilId> gil;
  std::optional<ThreadId> culprit;   // whose hold it was; empty: not known
  std::optional<ThreadId> victim;    // who waited most; empty where nobody did
  std::optional<CodePlace> place;    // where the culprit's hold ended
  std::vector<CodePlace> stack;      // of it, as BlameRow has it
  std::uint64_t count = 0;           // holds, waits or hand-offs, that it is about
  Nanoseconds longest{};             // hold or wait
  Nanoseconds lost{};                // by those who waited, in all of them
  std::optional<double> hold_share;  // of the GIL that was held most, of a whole run
  std::optional<double> at_most;  // of a whole run: how many times faster any number of threads could make it
  std::optional<Nanoseconds> gain;  // of a change, less waiting and
  std::optional<Nanoseconds> cost;  // more of it: both estimates
};

}  // namespace gilscope
