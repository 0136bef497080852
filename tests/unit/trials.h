// Records of trials made by hand, for tests of what is computed from them.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "analysis/comparison.h"

namespace gilscope::test {

inline constexpr Nanoseconds kMillisecond = std::chrono::milliseconds(1);
inline constexpr double kNsPerMs = 1e6;

// A job of one process that began `begin` and ended `end` milliseconds after 1 s, busy all the while.
inline JobSpan span(std::int64_t pid, int begin, int end) {
  const auto at = [](int milliseconds) { return Nanoseconds(1'000'000'000) + milliseconds * kMillisecond; };
  return {.pid = pid, .begin = at(begin), .end = at(end), .cpu_begin = at(begin), .cpu_end = at(end)};
}

// A trial whose work took so many milliseconds, with one job whose result is "same".
inline TrialRecord good_trial(int milliseconds) {
  TrialRecord record;
  record.setup = 2 * kMillisecond;
  record.jobs = {span(1, 0, milliseconds)};
  record.digests = {"same"};
  record.peak_rss_bytes = 1U << 20U;
  return record;
}

inline TrialRecord failed_trial(TrialFailure::Kind kind, std::string message = "ValueError: no") {
  TrialRecord record;
  record.failure = TrialFailure{.kind = kind, .message = std::move(message), .traceback = "Traceback: no\n"};
  return record;
}

// Rounds that took `milliseconds` give or take two.
inline ModeTrials trials_of(Mode mode, int milliseconds, std::size_t rounds = 5) {
  ModeTrials trials{.mode = mode, .records = {}};
  for (std::size_t round = 0; round < rounds; ++round) {
    trials.records.push_back(good_trial(milliseconds + static_cast<int>(round % 5) - 2));
  }
  return trials;
}

inline const ModeSummary& mode_of(const Comparison& comparison, Mode mode) {
  for (const auto& summary : comparison.modes) {
    if (summary.mode == mode) return summary;
  }
  throw std::out_of_range("no such mode in the comparison");
}

// Two workers that began together and were done together in each round, in threads or as many processes; in
// each they waited so many milliseconds for one GIL (none: there is none), for locks and for a CPU.
struct WaitsMade {
  std::optional<int> gil;
  int lock = 0;
  int cpu = 0;
};
inline ModeTrials of_two_workers(ModeTrials trials, const WaitsMade& waits) {
  trials.workers = 2;
  for (auto& record : trials.records) {
    record.jobs.front().cpu_wait = waits.cpu * kMillisecond / 2;
    record.jobs.push_back(record.jobs.front());
    record.waits = {.lock = waits.lock * kMillisecond};
    if (waits.gil) record.waits->gils = {{.wait = *waits.gil * kMillisecond}};
  }
  return trials;
}

// Rounds of exactly these milliseconds.
inline ModeTrials with_times(Mode mode, const std::vector<int>& milliseconds) {
  ModeTrials trials{.mode = mode, .records = {}};
  for (const int time : milliseconds) trials.records.push_back(good_trial(time));
  return trials;
}

}  // namespace gilscope::test
