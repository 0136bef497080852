// The lines of the user's files that a report names.
#pragma once

#include <filesystem>

#include "analysis/run_summary.h"
#include "report/page.h"

namespace gilscope::cli {

// Of the places that blame names, as far as there are such Python files and nobody changed them since `run`:
// another line would stand there. A capture that somebody sends may name any file, and the page may be sent
// on: so nothing is read but *.py. Of each line the beginning; of very many the first 3,000.
[[nodiscard]] SourceLines read_source_lines(const RunSummary& summary, std::filesystem::file_time_type run);

}  // namespace gilscope::cli
