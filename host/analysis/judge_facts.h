// What is known of each GIL of a run, side by side: what the rules of judge_causes.h and judge_run.h look at.
// Pure; from the summary alone. Points into it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/run_summary.h"

namespace gilscope {

// CPython's own, where nobody waited for long enough to show another one.
inline constexpr Nanoseconds kSwitchInterval{5'000'000};
inline constexpr Nanoseconds kLongestInterval = std::chrono::hours(1);  // a damaged summary may tell of any

struct GilFacts {
  const ProcessSummary* process = nullptr;
  const GilFigures* gil = nullptr;
  Nanoseconds interval = kSwitchInterval;
  std::vector<const BlameRow*> rows;  // of holds, who caused most first; none where it was not recorded
  Nanoseconds unheld{};               // waits while nobody held it: the system was waking who waited

  [[nodiscard]] const NamedThread* thread(ThreadId id) const;
  // How many threads waited for it, on average: time waited / time (Little, "A proof for the queuing formula
  // L = λW", Operations Research 1961).
  [[nodiscard]] double waiters() const;
};

// 0 of none.
[[nodiscard]] Nanoseconds mean(Nanoseconds sum, std::uint64_t count) noexcept;

// In the order of the summary.
[[nodiscard]] std::vector<GilFacts> gather_facts(const std::vector<ProcessSummary>& processes);

}  // namespace gilscope
