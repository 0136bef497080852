// From the times of a program's runs with and without tracing to what tracing costs it. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/statistics.h"
#include "support/time.h"

namespace gilscope {

struct RunTimes {
  Nanoseconds wall{};
  Nanoseconds cpu{};
};

// One run with tracing and one without, one right after the other.
struct CostRound {
  RunTimes traced;
  RunTimes untraced;
};

// Of the wall times, or of the CPU times.
struct CostFigures {
  std::vector<double> traced_ns;  // by round
  std::vector<double> untraced_ns;
  Estimate traced;
  Estimate untraced;
  // The median of the rounds' ratios, traced / untraced: what a machine's other work does to both runs of a
  // round is in neither. Empty where a run without tracing took no time that the clock could tell.
  std::optional<Estimate> ratio;
};

struct TracingCost {
  enum class Kind : std::uint8_t {
    Slower,        // with tracing, and no chance: the whole interval is above 1
    NotTold,       // the interval has 1 in it
    Faster,        // the whole interval is below 1
    TooFewRounds,  // for an interval
    NothingDone,   // not one round
  };
  Kind kind = Kind::NothingDone;
  std::optional<CostFigures> wall;  // empty without a round
  std::optional<CostFigures> cpu;
};

// Judged by the wall times.
[[nodiscard]] TracingCost judge_cost(const std::vector<CostRound>& rounds);

}  // namespace gilscope
