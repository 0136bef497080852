#include "report/truth_report.h"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace gilscope {
namespace {

struct Sums {
  std::uint64_t events = 0;
  std::uint64_t unchecked = 0;
};

Sums sum(const std::vector<ProcessTruth>& truths) {
  Sums sums;
  for (const auto& truth : truths) {
    sums.events += truth.report.events - truth.report.unchecked_events;
    sums.unchecked += truth.report.unchecked_events + truth.events_after_drop;
  }
  return sums;
}

std::string describe_finding(const ProcessTruth& truth, const TruthFinding& finding) {
  return fmt::format("process {}: {} ({}, first event {}, thread {}, GIL {})", truth.pid,
                     describe(finding.fault), count_of(finding.count, "event"), finding.position,
                     static_cast<std::uint32_t>(finding.first.thread),
                     static_cast<std::uint32_t>(finding.first.gil));
}

}  // namespace

bool is_true(const std::vector<ProcessTruth>& truths) noexcept {
  return std::ranges::all_of(truths, [](const auto& truth) { return truth.report.findings.empty(); });
}

std::string format_truth(const std::vector<ProcessTruth>& truths, const TextStyle& style) {
  const auto [events, unchecked] = sum(truths);
  const bool holds = is_true(truths);
  auto sentence = holds ? fmt::format("Truth check: passed. What {} of {} {} say, real GILs can have done.",
                                      count_of(events, "event"), truths.size(),
                                      truths.size() == 1 ? "process" : "processes")
                        : std::string("Truth check: FAILED. The capture has what no real GIL can have done:");
  if (unchecked > 0) {
    sentence += fmt::format(
        " {} could not be checked, as events before them were dropped, or their GIL is one too many.",
        unchecked);
  }
  std::string text;
  append_wrapped(text, sentence, style, holds ? "32" : "31");
  for (const auto& truth : truths) {
    for (const auto& finding : truth.report.findings) {
      append_wrapped(text, "- " + describe_finding(truth, finding), style);
    }
  }
  return text;
}

nlohmann::ordered_json truth_json(const std::vector<ProcessTruth>& truths) {
  auto findings = nlohmann::ordered_json::array();
  for (const auto& truth : truths) {
    for (const auto& finding : truth.report.findings) {
      findings.push_back({{"pid", truth.pid},
                          {"text", describe(finding.fault)},
                          {"count", finding.count},
                          {"first_event", finding.position},
                          {"thread", static_cast<std::uint32_t>(finding.first.thread)},
                          {"gil", static_cast<std::uint32_t>(finding.first.gil)}});
    }
  }
  const auto [events, unchecked] = sum(truths);
  return {{"passed", is_true(truths)},
          {"events", events},
          {"unchecked_events", unchecked},
          {"findings", std::move(findings)}};
}

}  // namespace gilscope
