// Words and JSON for what a recording measured: gilscope run, and gilscope.trace().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "analysis/run_summary.h"
#include "capture/capture_folder.h"
#include "report/text.h"
#include "support/machine.h"

namespace gilscope {

// Those of a text that say most come first; --json has all.
inline constexpr std::size_t kShownProcesses = 10;

// What the figures were made from.
struct SummaryContext {
  nlohmann::ordered_json python;   // as doctor's JSON has it; null where that is not known
  nlohmann::ordered_json machine;  // likewise
  std::vector<std::string> command;
  std::optional<DumpNote> dump;  // that it is
  // Where a run keeps what was last: {"dumps": […], "passed_over": …}, as the schema has them; else null.
  nlohmann::ordered_json kept;
};

// The verdict first, then the GILs, the threads, and what the measurement cost.
[[nodiscard]] std::string format_summary(const RunSummary& summary, const TextStyle& style = {});

// Whose summary it is, in a line of its own: of a capture, nobody has just typed the command.
[[nodiscard]] std::string format_capture_heading(const SummaryContext& context, const RunSummary& summary);

// Why a dump was made, and when.
[[nodiscard]] std::string describe_dump(const DumpNote& dump);

inline constexpr std::string_view kSummarySchema = "gilscope.summary/1";

// docs/schemas/summary.schema.json describes it.
[[nodiscard]] nlohmann::ordered_json summary_json(const RunSummary& summary, const SummaryContext& context);

// Back from that JSON: format_summary() says of it what it said before. Throws Error where it is something
// else, with what is wrong.
[[nodiscard]] RunSummary read_summary(std::string_view text);

// "bottleneck", "no_bottleneck", … as the JSON has it.
[[nodiscard]] std::string_view name_of(RunVerdict::Kind kind) noexcept;

// The verdict in words, from the figures alone.
[[nodiscard]] std::string describe_verdict(const RunSummary& summary);

// What to do about it: a sentence for each finding.
[[nodiscard]] std::vector<std::string> advise(const RunSummary& summary);

// What the measurement cost, and what is missing from it.
[[nodiscard]] std::string describe_probe(const ProbeFigures& probe);

// " (parser)", shortened: what follows on a process's number; "" where nobody named it.
[[nodiscard]] std::string describe_name(const std::string& name);

// ", by fork", ", the fork server": what follows on that; "" of the first process.
[[nodiscard]] std::string describe_role(ProcessRole role);

// "fork", "spawn", "forkserver"; empty of the first process.
[[nodiscard]] std::optional<std::string> start_method_of(ProcessRole role);

}  // namespace gilscope
