#include "cli/run_capture.h"

#include <algorithm>
#include <utility>

#include "support/error.h"

namespace gilscope::cli {

RunCapture::RunCapture(CaptureOptions options, const std::vector<std::string>& command,
                       const Surroundings& surroundings, Existing existing)
    : options_(std::move(options)), existing_(existing) {
  // The script may change the current folder before these are written.
  if (!options_.output.empty()) options_.output = std::filesystem::absolute(options_.output).string();
  settle(options_.exports, options_.output, existing);
  if (options_.output.empty()) {
    temporary_.emplace();
    folder_ = temporary_->path() / "capture";
  } else {
    folder_ = options_.output;
  }
  create_capture(folder_,
                 {.gilscope = GILSCOPE_VERSION,
                  .command = command,
                  .python = surroundings.python,
                  .machine = surroundings.machine},
                 existing);
}

void RunCapture::discard() noexcept {
  remove_capture(folder_);
  end();
}

RecordedRun RunCapture::read(const RunNotes& notes, void (*poll)()) {
  captured_.emplace(read_capture(folder_, notes));
  captured_->watch(poll);
  RecordedRun run = replay(*captured_);
  if (options_.output.empty()) run.capture_bytes.reset();
  return run;
}

SummaryContext RunCapture::context() const { return context_of(captured_->capture()); }

void RunCapture::write_exports(const RecordedRun& recorded) const {
  ExportWriter(options_.exports, existing_).write(*captured_, recorded);
}

SummaryContext context_of(const Capture& capture) {
  return {.python = capture.metadata.python,
          .machine = capture.metadata.machine,
          .command = capture.metadata.command};
}

}  // namespace gilscope::cli
