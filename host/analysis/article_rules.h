// How each claim of the article is judged: a rule adds the figures behind its verdict, the verdict, and why.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "analysis/article.h"

namespace gilscope::article_rules {

inline constexpr const char* kNoGil = "this Python has no GIL: there is nothing to record";
inline constexpr const char* kBusy = "no tasks ran at once here: the machine is busy, or gives one CPU";
inline constexpr const char* kOneCpu = "one usable CPU: nothing can run at once with anything else";
// One CPU, and what two clocks that are not read at the same moment add to it.
inline constexpr double kMostOfOneCpu = 1.1;

inline void decide(Claim& claim, bool holds, std::string reason) {
  claim.verdict = holds ? ClaimVerdict::Holds : ClaimVerdict::DoesNotHold;
  claim.reason = std::move(reason);
}

inline void give_up(Claim& claim, std::string reason) {
  claim.verdict = ClaimVerdict::NotTestableHere;
  claim.reason = std::move(reason);
}

// By rounds of tasks: article_rounds.cpp. What is "no gain" takes the mode, and the words for why there is
// none.
void judge_no_gain(Claim& claim, const ArticleMeasurements& measurements, Mode mode, const char* why);
void judge_processes(Claim& claim, const ArticleMeasurements& measurements);
void judge_waiting(Claim& claim, const ArticleMeasurements& measurements);
void judge_release(Claim& claim, const ArticleMeasurements& measurements);
void judge_definitions(Claim& claim, const ArticleMeasurements& measurements);
// How many of them ran at once, of the counts in threads; empty where that was not measured.
[[nodiscard]] std::optional<double> thread_parallelism(const ArticleMeasurements& measurements);

// By what programs did, and by what they found out: article_records.cpp.
void judge_one_at_a_time(Claim& claim, const ArticleMeasurements& measurements);
void judge_switches(Claim& claim, const ArticleMeasurements& measurements);
void judge_process_count(Claim& claim, const ArticleMeasurements& measurements);
void judge_exchange(Claim& claim, const ArticleMeasurements& measurements);
void judge_interleaving(Claim& claim, const ArticleMeasurements& measurements);
void judge_flavours(Claim& claim, const ArticleMeasurements& measurements);
void judge_main_thread(Claim& claim, const ArticleMeasurements& measurements);

}  // namespace gilscope::article_rules
