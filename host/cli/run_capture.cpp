#include "cli/run_capture.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "support/error.h"

namespace gilscope::cli {
namespace {

// So many rings are to have room in memory, at least.
constexpr std::uint64_t kRoomForProcesses = 4;

}  // namespace

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
  const CaptureMetadata metadata{.gilscope = GILSCOPE_VERSION,
                                 .command = command,
                                 .python = surroundings.python,
                                 .machine = surroundings.machine};
  create_capture(folder_, metadata, existing);
  if (!options_.keep) return;
  // A hook may wait for a disk, while others wait for the hook: the rings are in memory where there is some.
  ring_.emplace(root_in_memory(kRoomForProcesses * options_.max_size));
  create_capture(ring_folder(), metadata, Existing::Keep);
}

void RunCapture::discard() noexcept {
  remove_capture(folder_);
  end();
}

void RunCapture::take_from_rings(const RingSpan& span, const RunNotes& notes) const {
  settle_capture(ring_folder());
  const auto last = last_folder();
  write_dump(ring_folder(), std::nullopt, span, notes, last, Existing::Keep);
  if (options_.output.empty()) return;
  // It was there from the begin on, and the program may have put something else into it.
  try {
    for (const auto& entry : std::filesystem::directory_iterator(last)) {
      std::filesystem::copy_file(entry.path(), folder_ / entry.path().filename(),
                                 std::filesystem::copy_options::overwrite_existing);
    }
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error(fmt::format("{} cannot be written: {}", folder_.string(), error.code().message()),
                "name a folder of yours on a disk with space");
  }
}

RecordedRun RunCapture::read(const RunNotes& notes, void (*poll)()) {
  captured_.emplace(has_rings() ? read_capture(last_folder()) : read_capture(folder_, notes));
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
          .command = capture.metadata.command,
          .dump = capture.metadata.dump};
}

}  // namespace gilscope::cli
