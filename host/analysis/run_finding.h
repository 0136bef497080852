// What of a run deserves to be said in a sentence, beyond its verdict: who suffers, who is to blame and
// where, and the figures that say so. A plain type; the rules are in judge_causes.h and judge_run.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/gil_summary.h"
#include "analysis/held_work.h"
#include "capture/code_stacks.h"
#include "support/time.h"

namespace gilscope {

struct RunFinding {
  enum class Kind {
    // Causes, each of a part of the waiting that belongs to no other one.

    // A hold that had not ended with the recording, and that others waited for for a hundred switch
    // intervals.
    NeverReleased,
    // Threads wait for one another's locks, and never stop.
    Deadlock,
    // A process wanted a CPU, and was given one for a part of that time: what waiting this explains is not
    // told
    // as anything else.
    LackOfCpu,
    // Threads were not given the GIL for far longer than Python code keeps it from who asked for it: a call
    // in C
    // kept it, or Python itself that collected or freed objects.
    KeptByC,
    // Python collected garbage meanwhile, by itself or as it was asked to.
    GarbageCollection,
    // As KeptByC, and an asyncio loop suffered most; or a loop stood still since what it ran kept the GIL, or
    // did not come back to it (stood_still), whoever waited.
    StalledLoop,
    // Several threads compute in Python at once.
    ComputingThreads,
    // Threads wait for one that computes, until a switch interval is over; often those that themselves give
    // the GIL
    // up again and again, after a short while (Beazley, "Understanding the Python GIL", PyCon 2010).
    Convoy,
    // Threads ask for the GIL again as soon as they have given it up, on one line, for all of their life.
    BusyPolling,
    // An executor or a queue hands over tasks of which each takes less than that.
    TinyTasks,
    // Threads give the GIL up by themselves after a short while, and others wait for it all the same.
    FrequentReleases,

    // Threads take turns at a lock of Python's, which is none of the GIL.
    LockTurns,

    // Without a GIL.

    // Threads use one object, or what all of CPython has once, and that lets in one at a time.
    SharedObject,
    // All threads were stopped, by a collection of garbage or by a call that needs that.
    StoppedWorld,
    // An import turned the GIL on, for good.
    GilReturn,

    // Of a GIL with a convoy: what a switch interval of a tenth would gain and cost.
    SwitchInterval,

    // Of the run as a whole, one of them at most: ComputingThreads or FrequentReleases where the causes
    // explain
    // less than half of the waiting of a bottleneck, one of these where there is none. Of runs of kLeastRun.
    NoBottleneck,
    LittleToGain,  // one thread used the GIL, which it held for most of the time
    HeldAsleep,    // likewise, and used a CPU for less than half of that: a call sleeps with the GIL
    IoBound,       // no process used its GIL or a CPU for half of its time
    ReleasedByC,   // one used a CPU, and most of that without its GIL
  };

  Kind kind{};
  std::optional<std::int64_t> pid;  // these three: empty where it is of the whole run
  std::optional<GilId> gil;
  std::optional<ThreadId> culprit;  // whose holds it were, mostly; empty: not known
  std::optional<ThreadId> victim;   // who waited most; empty where nobody did
  std::optional<CodePlace> place;   // where the culprit's hold ended; empty, too, where the line is no reason
  std::vector<CodePlace> stack;     // of it, as BlameRow has it
  std::optional<HeldWork> work;     // likewise
  std::uint64_t count = 0;          // holds, waits or hand-offs, that it is about
  Nanoseconds longest{};            // hold or wait
  Nanoseconds lost{};               // by those who waited, in all of them
  std::optional<double>
      hold_share;  // of the GIL that was held most, of a whole run, or where threads take turns
  std::optional<double> at_most;  // of a whole run: how many times faster any number of threads could make it
  std::optional<Nanoseconds> gain;  // of a change, less waiting and
  std::optional<Nanoseconds> cost;  // more of it: both estimates

  std::vector<ThreadId> culprits;         // all of them in that process, who caused most first
  std::vector<ThreadId> victims;          // likewise, who waited most first
  std::size_t processes = 1;              // in which the same was found; `pid` is where most was lost
  std::optional<double> share;            // `lost` of all waiting of the run
  std::optional<Nanoseconds> mean_hold;   // of the victims' tasks, or of the pollers' turns
  std::optional<Nanoseconds> loop_stall;  // the victim is an asyncio loop, and stood still for so long
  // Of a loop that stood still by itself: for how long in all, and when the longest time began, or the GIL
  // came back, from the begin of its process's recording.
  std::optional<Nanoseconds> stood_still;
  std::optional<Nanoseconds> since;
  std::optional<Nanoseconds> interval;  // the GIL's switch interval
  // Of turns at a lock or an object: for how long threads waited for theirs in all, how many of them (of a
  // GilReturn: how many there were), within which function of the library's ("": the user's own), and where
  // who had it gave it up.
  std::optional<Nanoseconds> lock_wait;
  std::uint64_t threads = 0;
  std::string within;
  std::optional<CodePlace> ended_at;
  std::string object_type;          // of a SharedObject: "dict"; "": it is CPython's own
  std::string module;               // of a GilReturn: that was imported; "": not known
  std::optional<double> cpu_share;  // of the time for which a process wanted a CPU: it was given one
};

}  // namespace gilscope
