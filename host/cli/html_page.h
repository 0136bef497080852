// The page of --html: what it is made of, and the file that it goes to.
#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "analysis/run_summary.h"
#include "recording/captured_run.h"
#include "support/file.h"

namespace gilscope::cli {

inline constexpr const char* kHtmlHelp =
    "Write a page with the result, for a browser: one file, without network";

void add_html(CLI::App& command, std::string& file);

// Throws Error.
void write_page(nlohmann::ordered_json document, OutputFile& file);
// The page of a capture. Throws Error, and what the capture's `poll` does.
[[nodiscard]] std::string make_page(const CapturedRun& run, RunSummary summary);

}  // namespace gilscope::cli
