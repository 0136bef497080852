// Words and JSON for what `gilscope run --cost` measured.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "analysis/tracing_cost.h"
#include "report/text.h"

namespace gilscope {

enum class CostOf : std::uint8_t { Counters, Capture };  // what the traced runs wrote

// What the figures were made from.
struct CostContext {
  nlohmann::ordered_json python;   // as doctor's JSON has it; null where the first run left no report
  nlohmann::ordered_json machine;  // likewise
  std::vector<std::string> command;
  CostOf of = CostOf::Counters;
  unsigned rounds = 0;               // asked for
  bool has_gil = true;               // false: there was nothing to trace
  std::optional<double> said_share;  // what the first run's report says that tracing cost
};

inline constexpr std::string_view kCostSchema = "gilscope.cost/1";

// What tracing costs, in words.
[[nodiscard]] std::string describe_cost(const TracingCost& cost);

// That, and the table.
[[nodiscard]] std::string format_cost(const TracingCost& cost, const CostContext& context,
                                      const TextStyle& style = {});

// docs/schemas/cost.schema.json describes it.
[[nodiscard]] nlohmann::ordered_json cost_json(const TracingCost& cost, const CostContext& context);

}  // namespace gilscope
