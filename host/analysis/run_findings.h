// What of a run deserves to be said in a sentence, beyond its verdict: who suffers, who is to blame and
// where, and the figures that say so. Pure; from the summary alone.
#pragma once

#include <optional>
#include <vector>

#include "analysis/run_summary.h"

namespace gilscope {

// CPython's own, which sys.setswitchinterval() changes: after this time a thread that waits asks for the GIL,
// and Python code gives it up.
inline constexpr Nanoseconds kSwitchInterval{5'000'000};

struct RunFinding {
  enum class Kind {
    // A thread was not given the GIL for far longer than Python code keeps it from who asked for it (four
    // switch intervals again and again, or ten once): a call in C kept it.
    KeptByC,
    // A thread that itself gives the GIL up again and again, after a short while, waits for most of a switch
    // interval each time it comes back, for one that computes (Beazley, "Understanding the Python GIL", PyCon
    // 2010): for a tenth of its lifetime in all, or more.
    Convoy,
  };

  Kind kind{};
  std::int64_t pid = 0;
  GilId gil{};
  std::optional<ThreadId> culprit;  // whose hold it was; empty: not known
  std::optional<ThreadId> victim;   // who waited most; empty where nobody did
  std::optional<CodePlace> place;   // where the culprit's hold ended
  std::vector<CodePlace> stack;     // of it, as BlameRow has it
  std::uint64_t count = 0;          // holds, or waits, that it is about
  Nanoseconds longest{};            // hold or wait
  Nanoseconds lost{};               // by those who waited, in all of them
};

// Those of a process that cost most first; of a kind at most three.
[[nodiscard]] std::vector<RunFinding> find_in_run(const RunSummary& run);

}  // namespace gilscope
