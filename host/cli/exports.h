// What `run` and `report` write of a capture beside its summary: a page, a time line, a profile, flame
// graphs. One table in the .cpp has all of them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/cli.h"
#include "cli/source_lines.h"
#include "recording/captured_run.h"
#include "support/file.h"

namespace gilscope::cli {

// "": not asked for; "-": standard output.
struct ExportFiles {
  std::string html;
  std::string trace;
  std::string firefox;
  std::string flamegraph;
  std::string speedscope;
  SourceScope sources;  // of the page
};

// "--trace", and the like, of those that were asked for, with their files.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> list_exports(const ExportFiles& files);

// Whether one of them goes to standard output.
[[nodiscard]] bool is_printed(const ExportFiles& files);

void add_exports(CLI::App& command, ExportFiles& files);

// That no two of these, the JSON and the text (`report`, "" for none) name one file, and that what is asked
// of one of them is asked with it. `command` is who says so. Throws Error.
void check_exports(std::string_view command, const ExportFiles& files, const CommonOptions& options,
                   const std::string& report = "");

// Makes the files absolute, for a program that changes the current folder; sees that each can be made, and
// does not lie in `capture` ("": there is none). Throws Error.
void settle(ExportFiles& files, const std::string& capture, Existing existing);

// What a process is called in a timeline.
[[nodiscard]] std::string title_of(const CapturedProcess& process, const CaptureNames& names,
                                   const Capture& capture);

class ExportWriter {
 public:
  // Opens the files. Throws Error.
  ExportWriter(const ExportFiles& files, Existing existing);

  // Each is written whatever becomes of the others. Throws the first Error, and what the capture's `poll`
  // does.
  void write(const CapturedRun& run, const RecordedRun& recorded);

 private:
  SourceScope sources_;
  std::vector<std::pair<std::size_t, std::unique_ptr<OutputFile>>> files_;  // by number in the table
};

}  // namespace gilscope::cli
