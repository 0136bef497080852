// The lines of source files that a page has.
#pragma once

#include <filesystem>
#include <vector>

#include "analysis/run_summary.h"
#include "report/page.h"

namespace gilscope::cli {

// Which files' lines. A page may be sent on: it has the program's own code, and nothing of a file that a
// capture merely names, which may be somebody else's.
struct SourceScope {
  enum class Of { Folders, All };
  Of of = Of::Folders;
  // With Of::Folders: those below one of these, or these; not libraries', wherever they lie. Absolute,
  // without symbolic links.
  std::vector<std::filesystem::path> folders;
  std::filesystem::path base;  // what a relative name counts from; "": the current folder
};

// Of the places that blame names, as far as there are such Python files, as *.py by their own name too where
// that is a symbolic link, and nobody changed them since `run`: another line would stand there. Of each line
// the beginning; of very many the first 3,000.
[[nodiscard]] SourceLines read_source_lines(const RunSummary& summary, std::filesystem::file_time_type run,
                                            const SourceScope& scope);

}  // namespace gilscope::cli
