// Where `gilscope run` keeps events: all of them in the folder of -o, or in a temporary one that only exports
// (--trace, …) are made from; or the last ones, in rings that lie in memory, of which a capture is made in
// the end.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "analysis/run_summary.h"
#include "cli/cli.h"
#include "cli/exports.h"
#include "recording/captured_run.h"
#include "recording/dump.h"
#include "recording/recording.h"
#include "report/summary_report.h"
#include "run/surroundings.h"
#include "support/temporary_folder.h"

namespace gilscope::cli {

struct CaptureOptions {
  std::string output;  // "": not kept
  ExportFiles exports;
  std::uint64_t max_size = CapturePlan{}.max_size;
  std::optional<Nanoseconds> keep;  // as CapturePlan has these
  std::array<Nanoseconds, kLimitedKinds> limits{};

  [[nodiscard]] bool is_wanted() const { return !output.empty() || !list_exports(exports).empty() || keep; }
};

class RunCapture {
 public:
  // Makes the folder, and sees that the exports' files can be made. Throws Error.
  RunCapture(CaptureOptions options, const std::vector<std::string>& command,
             const Surroundings& surroundings, Existing existing);

  [[nodiscard]] CapturePlan plan() const {
    return {.folder = ring_ ? ring_folder() : folder_.string(),
            .max_size = options_.max_size,
            .keep = options_.keep,
            .limits = options_.limits};
  }
  // "" where it is not kept.
  [[nodiscard]] const std::string& kept_folder() const noexcept { return options_.output; }

  // Nothing was recorded: as if it had not been made.
  void discard() noexcept;

  // At the run's end: adds what it noted. Throws Error: the capture is complete without it.
  void add_notes(const RunNotes& notes) const {
    settle_capture(folder_);
    write_run_notes(folder_, notes);
  }
  // Instead, where rings are kept: the capture is what they have of that span. Throws Error.
  void take_from_rings(const RingSpan& span, const RunNotes& notes) const;
  [[nodiscard]] bool has_rings() const noexcept { return ring_.has_value(); }

  // What the whole capture says; `notes` whether they could be written or not (of rings, only where they
  // could). `poll` is called now and then, in write_exports() too. Throws Error, and what `poll` does.
  [[nodiscard]] RecordedRun read(const RunNotes& notes, void (*poll)());
  // After read().
  [[nodiscard]] SummaryContext context() const;
  void write_exports(const RecordedRun& recorded) const;

  // The process that made it has ended.
  void take_over() noexcept {
    if (temporary_) temporary_->take_over();
    if (ring_) ring_->take_over();
  }
  // What is not kept is deleted.
  void end() noexcept {
    temporary_.reset();
    ring_.reset();
  }

 private:
  [[nodiscard]] std::string ring_folder() const { return ring_->path() / "ring"; }
  [[nodiscard]] std::filesystem::path last_folder() const { return ring_->path() / "last"; }

  CaptureOptions options_;
  Existing existing_;
  std::optional<TemporaryFolder> temporary_;
  std::optional<TemporaryFolder> ring_;
  std::filesystem::path folder_;  // absolute: of the capture
  std::optional<CapturedRun> captured_;
};

// Of a capture that was read: what it says of its run.
[[nodiscard]] SummaryContext context_of(const Capture& capture);

}  // namespace gilscope::cli
