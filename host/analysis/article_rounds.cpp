// The claims of the article that rounds of tasks decide.
#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "analysis/article_rules.h"

namespace gilscope::article_rules {
namespace {

// Two tasks at once are twice as fast as one after the other; that far from it, and no gain, are told apart.
constexpr double kHalfOfAGain = 1.5;
constexpr double kMostlyHeld = 0.9;

enum class Gain : std::uint8_t { Yes, No, Unknown };

Gain gain_of(const Estimate& speedup) {
  if (!speedup.low || !speedup.high) return Gain::Unknown;
  if (*speedup.low > 1 && speedup.median >= 1 + kNoticeable) return Gain::Yes;
  return *speedup.high < kHalfOfAGain ? Gain::No : Gain::Unknown;
}

struct ModeResult {
  const ModeSummary* mode = nullptr;  // one that has a speed-up, or
  std::string reason;                 // why there is none
};

ModeResult result_of(const Measured<TaskRounds>& rounds, Mode mode) {
  if (!rounds.value) return {nullptr, rounds.is_wanted() ? rounds.reason : "not run"};
  for (const auto wanted : {Mode::Sequential, mode}) {
    const auto& modes = rounds.value->comparison.modes;
    const auto* const found = find_mode(modes, wanted);
    const auto name = name_of(wanted);
    if (found == nullptr) return {nullptr, fmt::format("{}: not run", name)};
    if (found->failure) return {nullptr, fmt::format("{}: {}", name, found->failure->message)};
    if (!found->speedup) return {nullptr, fmt::format("{}: no round went well", name)};
    if (wanted == mode) return {found, ""};
  }
  return {};
}

void add_figures(Claim& claim, const ModeSummary& mode, const std::string& prefix) {
  auto& figures = claim.measured;
  figures.push_back({prefix + "speedup", Unit::Factor, *mode.speedup});
  if (mode.parallelism) figures.push_back({prefix + "parallelism", Unit::None, *mode.parallelism});
  if (!mode.gil_figures) return;
  figures.push_back({prefix + "hold_share", Unit::Share, mode.gil_figures->hold_share});
  figures.push_back({prefix + "wait_share", Unit::Share, mode.gil_figures->wait_share});
}

// Adds the figures, and tells the gain; where it is unknown, the claim is given up.
Gain measure_gain(Claim& claim, const Measured<TaskRounds>& rounds, Mode mode,
                  const std::string& prefix = "") {
  const auto result = result_of(rounds, mode);
  if (result.mode == nullptr) {
    give_up(claim, result.reason);
    return Gain::Unknown;
  }
  add_figures(claim, *result.mode, prefix);
  const auto gain = gain_of(*result.mode->speedup);
  if (gain == Gain::Unknown) {
    give_up(claim, result.mode->speedup->low ? "the rounds disagree: more of them may tell (--rounds 11)"
                                             : "too few rounds for an interval: --rounds 5 or more");
  }
  return gain;
}

std::optional<double> parallelism_of(const Measured<TaskRounds>& rounds, Mode mode) {
  const auto result = result_of(rounds, mode);
  return result.mode == nullptr ? std::nullopt : result.mode->parallelism;
}

bool ran_at_once(const Measured<TaskRounds>& rounds, Mode mode) {
  return parallelism_of(rounds, mode).value_or(0) > kMostOfOneCpu;
}

// Of rounds that are enough for an interval.
bool had_one_cpu(const Measured<TaskRounds>& rounds, Mode mode) {
  const auto result = result_of(rounds, mode);
  return result.mode != nullptr && result.mode->speedup->low && result.mode->parallelism &&
         !ran_at_once(rounds, mode);
}

}  // namespace

void judge_no_gain(Claim& claim, const ArticleMeasurements& measurements, Mode mode, const char* why) {
  if (measurements.usable_cpus < 2) return give_up(claim, kOneCpu);
  auto gain = measure_gain(claim, measurements.counting, mode);
  // Fixed work that never had more than one CPU cannot have gained, however far the rounds are apart.
  if (gain == Gain::Unknown && had_one_cpu(measurements.counting, mode)) gain = Gain::No;
  if (gain == Gain::No) {
    // Where nothing ran at once, that there was no gain proves nothing; without a GIL, that may be so of
    // threads alone.
    const bool is_free = mode == Mode::Threads && !measurements.has_gil;
    const bool had_room =
        is_free ? ran_at_once(measurements.counting, mode) : std::ranges::any_of(kModes, [&](Mode other) {
          return ran_at_once(measurements.counting, other);
        });
    if (!had_room) return give_up(claim, kBusy);
    decide(claim, true, why);
  }
  if (gain == Gain::Yes) decide(claim, false, "it was faster, in all of the interval");
}

void judge_processes(Claim& claim, const ArticleMeasurements& measurements) {
  if (measurements.usable_cpus < 2) return give_up(claim, kOneCpu);
  const auto gain = measure_gain(claim, measurements.counting, Mode::Processes);
  if (gain == Gain::Unknown) return;
  const auto bound = measurements.counting.value->bound;
  if (bound) claim.measured.push_back({"bound", Unit::Factor, *bound});
  if (gain == Gain::No) {
    if (!ran_at_once(measurements.counting, Mode::Processes)) return give_up(claim, kBusy);
    return decide(claim, false, "two processes ran at once and gained nothing");
  }
  std::string reason =
      measurements.has_gil ? "each process has a GIL of its own" : "two processes run at once";
  constexpr double kFactor = kArticleSequentialS / kArticleProcessesS;
  if (bound && *bound < kFactor) {
    reason += fmt::format(
        ". But 3.09 × cannot come from that alone: both tasks at once take at least as long as the longer "
        "one, which bounds the gain by {:.2f} ×; the article's tasks must have run {:.2f} times as fast in "
        "their processes as one after the other",
        *bound, kFactor / *bound);
  }
  decide(claim, true, std::move(reason));
}

void judge_waiting(Claim& claim, const ArticleMeasurements& measurements) {
  const auto queries = measurements.queries.is_wanted()
                           ? measure_gain(claim, measurements.queries, Mode::Threads, "queries_")
                           : Gain::Yes;
  const auto waits = measurements.waits.is_wanted()
                         ? measure_gain(claim, measurements.waits, Mode::Threads, "waits_")
                         : Gain::Yes;
  if (queries == Gain::Unknown || waits == Gain::Unknown) return;
  const bool holds = queries == Gain::Yes && waits == Gain::Yes;
  decide(claim, holds,
         holds ? "who waits does not hold the GIL, and the waits overlapped" : "the threads gained nothing");
}

void judge_release(Claim& claim, const ArticleMeasurements& measurements) {
  if (!measurements.has_gil) return give_up(claim, kNoGil);
  const auto held = result_of(measurements.native_held, Mode::Threads);
  const auto released = result_of(measurements.native_released, Mode::Threads);
  for (const auto& result : {held, released}) {
    if (result.mode == nullptr) return give_up(claim, result.reason);
    if (!result.mode->gil_figures) return give_up(claim, "the GIL was not recorded");
  }
  add_figures(claim, *held.mode, "held_");
  add_figures(claim, *released.mode, "released_");
  if (held.mode->gil_figures->hold_share < kMostlyHeld) {
    return give_up(claim, "the loop that keeps the GIL did not hold it either: nothing to compare with");
  }
  // Not 0: tasks begin and end with bytecode.
  const bool holds = released.mode->gil_figures->hold_share <= held.mode->gil_figures->hold_share / 2;
  decide(claim, holds,
         holds ? "the same loop in C++ held the GIL all the time, and far less where it gives it up"
               : "the loop that gives the GIL up still held it");
}

void judge_definitions(Claim& claim, const ArticleMeasurements& measurements) {
  if (measurements.usable_cpus < 2) return give_up(claim, kOneCpu);
  bool overlapped_alone = false;
  bool is_parallel = false;
  const auto look_at = [&](const Measured<TaskRounds>& rounds, const char* work) {
    if (!rounds.value) return;
    for (const auto& mode : rounds.value->comparison.modes) {
      if (!mode.concurrency || !mode.parallelism) continue;
      const auto prefix = fmt::format("{}_{}_", work, name_of(mode.mode));
      claim.measured.push_back({prefix + "concurrency", Unit::None, *mode.concurrency});
      claim.measured.push_back({prefix + "parallelism", Unit::None, *mode.parallelism});
      overlapped_alone =
          overlapped_alone || (*mode.concurrency >= kHalfOfAGain && *mode.parallelism <= kMostOfOneCpu);
      is_parallel = is_parallel || *mode.parallelism > kMostOfOneCpu;
    }
  };
  look_at(measurements.counting, "counting");
  look_at(measurements.queries, "queries");
  if (claim.measured.empty()) return give_up(claim, result_of(measurements.counting, Mode::Threads).reason);
  if (!is_parallel) return give_up(claim, kBusy);
  decide(claim, overlapped_alone,
         overlapped_alone ? "tasks overlapped where one at a time ran, and ran at once elsewhere: two things"
                          : "wherever tasks overlapped, they ran at once");
}

std::optional<double> thread_parallelism(const ArticleMeasurements& measurements) {
  return parallelism_of(measurements.counting, Mode::Threads);
}

}  // namespace gilscope::article_rules
