// The rules by which causes of waiting are found in a GIL's facts. Pure. Each part of the waiting (a row of
// blame, its late holds and its others apart) belongs to one cause at most, so that what they explain can be
// summed.
#pragma once

#include <vector>

#include "analysis/judge_facts.h"
#include "analysis/run_finding.h"

namespace gilscope {

// Those of one GIL, in no order; `share` is not set yet.
[[nodiscard]] std::vector<RunFinding> find_causes(const GilFacts& facts);

// What a switch interval of a tenth changes, for a thread that lost `lost` in a convoy: its waits take a
// tenth, and who computes is interrupted ten times as often (`forced` times now), for `wake` each: until the
// system has woken who waits. An upper bound of both.
struct IntervalChange {
  Nanoseconds gain{};
  Nanoseconds cost{};
};
inline constexpr int kShorterInterval = 10;
[[nodiscard]] IntervalChange shorten_interval(Nanoseconds lost, std::uint64_t forced,
                                              Nanoseconds wake) noexcept;

}  // namespace gilscope
