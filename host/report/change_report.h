// Words and JSON for what changed from one capture to another: gilscope report BEFORE AFTER.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "analysis/run_change.h"
#include "report/summary_report.h"
#include "report/text.h"

namespace gilscope {

// --fail-if-worse: what was asked for, and the answer.
struct WorseningAnswer {
  double allowed = 0;  // a share: 0.1 is a tenth more
  Worsening worsening = Worsening::None;
};

// Two runs, and what changed between them.
struct ChangeReport {
  RunSummary before;
  RunSummary after;
  SummaryContext before_context;
  SummaryContext after_context;
  RunChange change;
  std::optional<WorseningAnswer> answer;  // empty: nobody asked
};

// Whether the waiting grew, in words.
[[nodiscard]] std::string describe_change(const RunChange& change);

// The answer to --fail-if-worse in words.
[[nodiscard]] std::string describe_answer(const WorseningAnswer& answer);

// What was compared, the verdict, then the figures of all, and of each process.
[[nodiscard]] std::string format_change(const ChangeReport& report, const TextStyle& style = {});

inline constexpr std::string_view kChangeSchema = "gilscope.change/1";

// docs/schemas/change.schema.json describes it.
[[nodiscard]] nlohmann::ordered_json change_json(const ChangeReport& report);

}  // namespace gilscope
