// Words and JSON for what a recording measured: gilscope run, and gilscope.trace().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "analysis/run_summary.h"
#include "report/text.h"
#include "support/machine.h"

namespace gilscope {

// What the figures were made from.
struct SummaryContext {
  nlohmann::ordered_json python;   // as doctor's JSON has it; null where that is not known
  nlohmann::ordered_json machine;  // likewise
  std::vector<std::string> command;
  std::optional<int> exit_code;
  ClockKind clock = ClockKind::Monotonic;
  std::uint64_t unrecorded_processes = 0;
  bool were_slots_overwritten = false;  // by somebody else, while the probe ran: events are missing
};

// The verdict first, then the GILs, the threads, and what the measurement cost.
[[nodiscard]] std::string format_summary(const RunSummary& summary, const SummaryContext& context,
                                         const TextStyle& style = {});

// docs/schemas/summary.schema.json describes it.
[[nodiscard]] nlohmann::ordered_json summary_json(const RunSummary& summary, const SummaryContext& context);

// The verdict in words, from the figures alone.
[[nodiscard]] std::string describe_verdict(const RunSummary& summary);

// "fork", "spawn", "forkserver"; empty of the first process.
[[nodiscard]] std::optional<std::string> start_method_of(ProcessRole role);

}  // namespace gilscope
