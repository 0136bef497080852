// Words and JSON for what `gilscope compare` measured.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "analysis/comparison.h"
#include "report/text.h"
#include "run/trial_program.h"

namespace gilscope {

// What the figures were made from.
struct CompareContext {
  nlohmann::ordered_json python;   // as doctor's JSON has it
  nlohmann::ordered_json machine;  // as doctor's JSON has it
  std::vector<std::string> command;
  std::vector<std::string> tasks;
  unsigned workers = 0;
  unsigned rounds = 0;       // asked for
  unsigned rounds_done = 0;  // fewer where it was interrupted
  Engine engine = Engine::Host;
};

// What was compared, the table, the notes under it, and the verdict.
[[nodiscard]] std::string format_comparison(const Comparison& comparison, const CompareContext& context,
                                            const TextStyle& style = {});

// docs/schemas/compare.schema.json describes it.
[[nodiscard]] nlohmann::ordered_json comparison_json(const Comparison& comparison,
                                                     const CompareContext& context);

// Median, bounds and the samples, in whole nanoseconds, or null.
[[nodiscard]] nlohmann::ordered_json times_json(const std::optional<Estimate>& estimate,
                                                const std::vector<double>& samples);

// Median and bounds, or null.
[[nodiscard]] nlohmann::ordered_json ratio_json(const std::optional<Estimate>& estimate);

// The verdict in words, from the figures alone.
[[nodiscard]] std::string describe_verdict(const Comparison& comparison);

// Why a mode has not ended well, as one line: what raised, what killed it, or that it was never run.
[[nodiscard]] std::string describe_reason(const ModeSummary& mode);

// "subinterpreters", … as in the options, and "shared", "own", "none".
[[nodiscard]] std::string_view name_of(GilKind gil) noexcept;

}  // namespace gilscope
