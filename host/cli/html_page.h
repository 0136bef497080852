// The page of --html: what it is made of, and the file that it goes to.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "cli/source_lines.h"
#include "recording/captured_run.h"
#include "report/export_text.h"

namespace gilscope::cli {

// Reads all events. Throws Error, and what the capture's `poll` does.
[[nodiscard]] nlohmann::ordered_json make_timeline(const CapturedRun& run);

// Throws what the sink throws, both; the second one Error, and what the capture's `poll` does.
void write_page(nlohmann::ordered_json document, const TextSink& sink);
void write_page(const CapturedRun& run, const RecordedRun& recorded, const SourceScope& sources,
                const TextSink& sink);

}  // namespace gilscope::cli
