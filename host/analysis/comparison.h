// From the records of trials to the figures of each mode, and to a verdict. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/statistics.h"
#include "analysis/worker_time.h"
#include "run/trial_record.h"
#include "run/trial_spec.h"

namespace gilscope {

enum class GilKind { Shared, Own, None };  // of a mode's workers

// Own GILs for sub-interpreters came with 3.12; `gil_enabled` is false on a free-threaded build that kept it
// off.
GilKind gil_of(Mode mode, int python_minor, bool gil_enabled) noexcept;

// A difference of less than this is none, however sure it is.
inline constexpr double kNoticeable = 0.05;

// Shorter work is not judged: starting the workers takes as long.
inline constexpr Nanoseconds kMinWork = std::chrono::milliseconds(1);

// Sequential work has one worker, which no other one keeps from a CPU. Where it was given one for less than
// this part of the time that it wanted one, other programs (or a quota) had them, and the figures are theirs.
inline constexpr double kCpuEnough = 0.75;
inline constexpr double kLeastCpuWait = 0.1;  // of the work's time

// The trials of one mode, one a round; a mode that failed has no more after the trial that failed.
struct ModeTrials {
  Mode mode = Mode::Sequential;
  GilKind gil = GilKind::Shared;
  std::vector<TrialRecord> records;
  std::string unavailable;  // why no trial of it can be made; "" where one can
  unsigned workers = 0;     // 0: not known
};

// What the GILs of a mode did during the timed work: sums over them, medians over the rounds.
struct WorkGilFigures {
  double holds = 0;
  double hold_ns = 0;
  double hold_share =
      0;  // of the wall time: mean over the GILs that were held for kBusyShare of it, or over all
  double waits = 0;
  double wait_ns = 0;
  double wait_share = 0;  // of the time in which tasks were in progress
  double forced = 0;
  double handoffs = 0;
  double handoffs_per_s = 0;  // of wall time
};

enum class ModeStatus {
  Ok,
  Failed,
  Timeout,
  Unavailable,  // no trial of it was made: none can be, or the comparison was interrupted before
};

struct ModeSummary {
  Mode mode = Mode::Sequential;
  GilKind gil = GilKind::Shared;
  ModeStatus status = ModeStatus::Ok;
  std::optional<TrialFailure> failure;
  std::string unavailable;   // as of its trials
  std::string start_method;  // of processes
  std::vector<std::string> slow_modules;

  // Of the rounds that went well; empty where there is none.
  std::vector<double> work_samples_ns;
  std::vector<double> setup_samples_ns;
  std::vector<double> cpu_samples_ns;
  std::optional<Estimate> work_ns;
  std::optional<Estimate> setup_ns;
  std::optional<Estimate> speedup;  // sequential / this; empty without a sequential mode that went well
  std::optional<double> concurrency;
  std::optional<double> parallelism;
  std::optional<double> cpu_ns;
  std::optional<double> cpu_wait_ns;  // of the rounds of which it is known
  std::optional<double> max_rss_bytes;
  std::optional<WorkGilFigures> gil_figures;  // empty where it was not traced, or there is no GIL
  // Medians over the rounds; empty where no sequential mode went well, or the workers share a thread.
  std::optional<WorkerTime> worker_time;
  std::optional<bool>
      results_equal;  // to those of the first mode that went well, in every round; empty: unknown
};

// nullptr: it is not among them.
[[nodiscard]] const ModeSummary* find_mode(const std::vector<ModeSummary>& modes, Mode mode) noexcept;

struct Verdict {
  enum class Kind {
    OneWins,       // one mode is faster than sequential, and than every other that is
    SeveralWin,    // several are faster, and cannot be told apart
    NoneWins,      // no mode can be told from sequential, or all are slower
    NothingElse,   // beside sequential no mode was run, or none ended well
    TooFewRounds,  // fewer than kMinSamples: no intervals
    Starved,       // others had the CPUs: see kGivenEnough
    TooShort,      // sequential work of less than kMinWork: what is measured is the measuring
    NoBaseline,    // sequential was not run, or failed
  };
  Kind kind = Kind::NoBaseline;
  std::optional<Mode> best_mode;   // of OneWins and SeveralWin: the fastest by median
  std::vector<Mode> peers;         // of SeveralWin: what cannot be told from the best
  std::vector<Mode> without_gain;  // neither faster nor slower than sequential, as far as can be told
  std::vector<Mode> slower;        // than sequential
};

// CPU time of the same work / that of the sequential mode: see memory_cost.h.
struct MemoryCost {
  Estimate threads;
  Estimate processes;
};

struct Comparison {
  std::vector<ModeSummary> modes;  // in the order of the trials
  Verdict verdict;
  // How much faster than sequential threads could be at most, by what the GIL did in the sequential trials:
  // see gil_summary.h. The median over the rounds.
  std::optional<double> ceiling;
  std::optional<MemoryCost> memory_cost;  // empty: none that can be told, or no verdict

  // Whether every mode that can be run went well and gave equal results, and there is one (exit code 0).
  [[nodiscard]] bool all_good() const noexcept;
};

Comparison compare_modes(const std::vector<ModeTrials>& trials);

// How long the sequential work took beside that of `first`, 1 for as long; empty where one of them has none.
std::optional<Estimate> sequential_ratio(const Comparison& comparison, const Comparison& first);

}  // namespace gilscope
