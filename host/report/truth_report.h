// Words and JSON for the truth check over a capture.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/truth_check.h"
#include "report/text.h"

namespace gilscope {

[[nodiscard]] bool is_true(const std::vector<ProcessTruth>& truths) noexcept;

// "Truth check: …", and a line for each thing that cannot be.
[[nodiscard]] std::string format_truth(const std::vector<ProcessTruth>& truths, const TextStyle& style = {});

// `check` of gilscope.summary/1.
[[nodiscard]] nlohmann::ordered_json truth_json(const std::vector<ProcessTruth>& truths);

}  // namespace gilscope
