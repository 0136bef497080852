// From what the processes of a run recorded to gilscope.summary/1: the same names, in nanoseconds. Pure
// functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/gil_summary.h"
#include "analysis/held_work.h"
#include "analysis/process_record.h"
#include "analysis/run_finding.h"
#include "analysis/thread_times.h"
#include "support/time.h"

namespace gilscope {

// One of the longest waits of a thread, and where it stood when it was over.
struct LongestWait {
  Nanoseconds wait_ns{};
  std::vector<CodePlace> stack;  // innermost first
};

struct NamedThread {
  ThreadFigures figures;
  std::string name;                   // "" where nobody named it
  std::optional<Nanoseconds> cpu_ns;  // unknown of threads that Python did not start and that have ended
  std::optional<Nanoseconds>
      cpu_wait_ns;  // in the queue for a CPU; likewise, and where the system does not tell
  std::vector<LongestWait> longest_waits;  // of those whose place is known at most kLongWaits, longest first
};

struct CausedWait {
  ThreadId thread{};  // that waited
  Nanoseconds wait_ns{};
};

// The holds of a thread between the same two lines, and what they cost others. Of holds for which somebody
// waited; so that the rows of a process sum to its waits, one has no thread and no hold: nobody held the GIL,
// and the system was waking who waited for it.
struct BlameRow {
  GilId gil{};
  std::optional<ThreadId> thread;
  std::optional<CodePlace> from;  // where the holds began; empty where that is not known
  std::optional<CodePlace> to;    // where they ended
  std::optional<HeldWork> work;   // what it did meanwhile, where that is known and no Python code
  std::uint64_t holds = 0;
  Nanoseconds hold_ns{};
  std::uint64_t forced = 0;
  Nanoseconds caused_wait_ns{};
  Nanoseconds max_hold_ns{};
  Nanoseconds max_wait_ns{};        // of one thread, during one of the holds
  std::uint64_t late_holds = 0;     // that went on for three switch intervals after somebody asked for them
  Nanoseconds late_wait_ns{};       // of what they caused: during those
  std::vector<CodePlace> stack;     // of `to`, innermost first: the one of those there that caused most,
  Nanoseconds stack_wait_ns{};      // and how much that was
  std::vector<CausedWait> waiters;  // by thread
};

// Steps of an event loop in a thread that took kLongStep or longer, at one place.
struct LoopStall {
  ThreadId thread{};
  CodePlace place;  // as LoopSteps has it
  std::uint64_t count = 0;
  std::uint64_t alone = 0;  // of these, while nothing else waited for the loop that is known of
  Nanoseconds total_ns{};
  Nanoseconds max_ns{};
  Nanoseconds max_begin_ns{};  // of the longest, from the begin of its process's recording
};

// Waits for Python's locks at one place that ended at another one; as LockWaits has them.
struct LockWaitRow {
  std::optional<CodePlace> place;
  std::string within;
  bool is_for_work = false;
  std::optional<CodePlace> ended_at;
  std::string ended_within;
  std::uint64_t threads = 0;
  std::uint64_t count = 0;
  Nanoseconds total_ns{};
  Nanoseconds by_peers_ns{};  // of that: ended by who has waited for the same lock himself
  Nanoseconds max_ns{};
  Nanoseconds max_begin_ns{};         // of the longest, from the begin of its process's recording,
  ThreadId max_thread{};              // whose it was,
  std::optional<ThreadId> max_ender;  // and who ended it
  LockKind lock = LockKind::Unknown;
  std::string lock_type;

  // Until the world went on that another thread had stopped: for no lock.
  [[nodiscard]] bool is_for_world() const noexcept { return lock == LockKind::World; }
  [[nodiscard]] bool is_for_turn() const noexcept { return !is_for_work && !is_for_world(); }
};

// Pauses of a stopped world; as WorldStops has them.
struct WorldStopRow {
  std::optional<CodePlace> place;
  std::string call;
  bool is_collection = false;
  std::uint64_t count = 0;
  Nanoseconds total_ns{};
  Nanoseconds until_stood_ns{};
  Nanoseconds lost_ns{};
  Nanoseconds max_ns{};
  Nanoseconds max_begin_ns{};
  ThreadId max_thread{};
};

// As GilReturn has it.
struct GilReturnFigures {
  Nanoseconds since_ns{};  // from the begin of its process's recording
  std::optional<CodePlace> place;
  std::string module;
};

// Of a process that has no GIL.
struct OtherThread {
  ThreadId id{};
  std::string name;  // "" where nobody named it
  std::optional<Nanoseconds> cpu_ns;
  std::optional<Nanoseconds> cpu_wait_ns;
};

// A wait for a lock that goes on for a second or longer, and had not ended with the recording; as
// OpenLockWaits has them.
struct OpenLockWait {
  ThreadId thread{};
  std::optional<CodePlace> place;
  std::string within;
  bool is_for_work = false;
  Nanoseconds since_ns{};  // from the begin of its process's recording
  std::optional<ThreadId> holder;
};

// From who caused most to who caused least; the row of nobody comes last.
[[nodiscard]] std::vector<BlameRow> rank_blame(const BlameRecord& blame, TickLength tick);

struct ProcessSummary {
  std::int64_t pid = 0;
  std::int64_t parent_pid = 0;
  std::uint64_t folded = 0;  // as ProcessRecord has it
  ProcessRole role = ProcessRole::First;
  std::string name;  // "": nobody named it
  Nanoseconds wall_ns{};
  std::optional<Nanoseconds> cpu_ns;
  std::optional<Nanoseconds> cpu_wait_ns;  // of its threads in the queue for one; empty: known of none
  std::vector<GilFigures> gils;
  std::vector<NamedThread> threads;
  std::vector<ThreadTimes> thread_times;  // from who did and waited most to who did least
  std::vector<HandoffSnapshot> handoffs;
  std::optional<std::vector<BlameRow>> blame;  // empty where it was not recorded
  bool became_program = false;                 // another one (exec)
  std::vector<LoopStall> loop_stalls;          // what took most first
  std::uint64_t further_stalls = 0;            // steps at more places than are kept
  // Those for a turn first, then those for a stopped world, then for work; of each what took most first.
  std::vector<LockWaitRow> lock_waits;
  std::uint64_t further_lock_waits = 0;       // at more places than are kept
  std::vector<OpenLockWait> open_lock_waits;  // the oldest first
  std::size_t living_threads = 0;             // had not ended; of those with a GIL: that had used it
  std::vector<WorldStopRow> stops;            // what took most first
  std::uint64_t further_stops = 0;            // likewise
  std::uint64_t spun_waits = 0;               // for locks, that ended before anybody slept: at no place
  Nanoseconds spun_ns{};
  std::optional<GilReturnFigures> gil_return;  // empty: the GIL stayed off, or was on from the beginning
  std::vector<OtherThread> other_threads;      // that took most CPU time first
};

// Who does no work of the program's: multiprocessing's fork server, and forks that became another program.
[[nodiscard]] bool is_helper(const ProcessSummary& process) noexcept;

struct RunVerdict {
  enum class Kind {
    Bottleneck,       // of a GIL: see kBottleneckWaiters
    NoBottleneck,     // of none
    OneThread,        // there was nobody to wait for: the ceiling says what threads could gain
    NothingRecorded,  // there was no space, or no time
    NoGil,            // free-threaded: there was none to wait for
  };
  Kind kind = Kind::NoGil;
  std::optional<double> wait_share;  // waits of the busy threads / their lifetimes, over all GILs
  std::optional<double> ceiling;     // of a run of one thread that used a CPU: see ceiling()
  // Of the GIL that it is about: the worst bottleneck, or else the one that was held most.
  std::optional<std::int64_t> pid;
  std::optional<GilId> gil;
  std::optional<double> hold_share;
  std::optional<double> waiters;    // mean number of threads that waited for it
  std::optional<double> explained;  // by the causes that were found: of all waiting of the run
};

// A thread is busy that held or awaited a GIL for a hundredth of its process's time. Of the figures that are
// over several threads; a verdict rests on none of them.
inline constexpr double kBusyShare = 0.01;

// `wall` is that of its process.
[[nodiscard]] bool is_busy(const NamedThread& thread, Nanoseconds wall) noexcept;

// What was measured with, at which cost, and what is missing.
struct ProbeFigures {
  ClockKind clock = ClockKind::Monotonic;
  std::uint64_t events = 0;
  std::uint64_t dropped = 0;
  bool ends_at_drop = false;  // figures are of the time before the first one, of each process
  RecordingLosses losses;
  std::optional<double> pair_cost_ns;   // as RecordedRun has it
  std::optional<Nanoseconds> hooks_ns;  // in hooks, with a GIL's mutex held
  std::optional<Nanoseconds>
      elsewhere_ns;                  // without it: what threads did that waited for a GIL, and readings
  std::optional<double> cost_share;  // both, of the wall times of all processes
  // Threads waited so often that what tracing adds to the waits may be more than what it took itself.
  bool is_contended = false;
  std::optional<std::uint64_t> capture_bytes;
};

// From so many waits in a second on. One more sleep in the kernel takes some ten microseconds: in each wait,
// that would be a hundredth of the time.
inline constexpr double kContendedWaits = 1000;

struct RunSummary {
  std::optional<int> exit_code;
  std::string ended_by;                // as RunNotes has it
  std::vector<std::int64_t> running;   // likewise
  std::optional<Nanoseconds> wall_ns;  // of the first process; unknown where there is none
  std::optional<Nanoseconds> cpu_ns;   // of all processes; unknown where it is of one
  ProbeFigures probe;
  RunVerdict verdict;
  std::vector<RunFinding> findings;  // see find_in_run
  std::vector<ProcessSummary> processes;
};

[[nodiscard]] RunSummary summarize_run(const RecordedRun& run);

}  // namespace gilscope
