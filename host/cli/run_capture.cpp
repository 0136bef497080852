#include "cli/run_capture.h"

#include <algorithm>
#include <utility>

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include "report/chrome_trace.h"
#include "run/trial_runner.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

CaptureMetadata describe(const std::vector<std::string>& command, const TrialProgram& host) {
  const auto [python, machine] = examine_in_child(host);
  return {.gilscope = GILSCOPE_VERSION, .command = command, .python = python, .machine = machine};
}

std::string name_of(const CapturedProcess& process, const Capture& capture) {
  const auto& method = process.facts.start_method;
  return method.empty() ? fmt::format("{}", fmt::join(capture.metadata.command, " ")) : method;
}

void trace_process(const CapturedRun& run, const CapturedProcess& process, ChromeTrace& trace) {
  const std::int64_t pid = process.facts.pid;
  trace.name_process(pid, name_of(process, run.capture()));
  const CaptureNames names = run.read_intervals(process, [&](const Interval& interval) {
    trace.add(pid, interval, run.clock().to_time(interval.begin), run.clock().to_time(interval.end));
  });
  for (const auto& thread : merge_threads(process, names)) {
    if (!thread.name.empty()) trace.name_thread(pid, thread.id, thread.name);
  }
}

}  // namespace

RunCapture::RunCapture(CaptureOptions options, const std::vector<std::string>& command,
                       const TrialProgram& host, Existing existing)
    : options_(std::move(options)), existing_(existing) {
  // The script may change the current folder before these are written.
  if (!options_.output.empty()) options_.output = std::filesystem::absolute(options_.output).string();
  if (!options_.trace.empty()) {
    options_.trace = std::filesystem::absolute(options_.trace).string();
    if (std::filesystem::path(options_.trace).parent_path() == options_.output) {
      throw Error("the trace cannot lie in the capture", "name a file elsewhere", ExitCode::Usage);
    }
    check_output(options_.trace, existing);
  }
  if (options_.output.empty()) {
    temporary_.emplace();
    folder_ = temporary_->path() / "capture";
  } else {
    folder_ = options_.output;
  }
  create_capture(folder_, describe(command, host), existing);
}

void RunCapture::discard() noexcept {
  remove_capture(folder_);
  end();
}

RecordedRun RunCapture::read(const RunNotes& notes, void (*poll)()) {
  Capture capture = read_capture(folder_);
  capture.notes = notes;
  captured_.emplace(std::move(capture));
  captured_->watch(poll);
  RecordedRun run = replay(*captured_);
  if (options_.output.empty()) run.capture_bytes.reset();
  return run;
}

SummaryContext RunCapture::context() const { return context_of(captured_->capture()); }

void RunCapture::write_trace() const {
  if (options_.trace.empty()) return;
  OutputFile file(options_.trace, existing_);
  cli::write_trace(*captured_, file);
}

SummaryContext context_of(const Capture& capture) {
  return {.python = capture.metadata.python,
          .machine = capture.metadata.machine,
          .command = capture.metadata.command};
}

void write_trace(const CapturedRun& run, OutputFile& file) {
  ChromeTrace trace([&](std::string_view part) { file.append(part); });
  for (const auto& process : run.processes()) trace_process(run, process, trace);
  trace.finish(run.capture().metadata.command);
  file.commit();
}

}  // namespace gilscope::cli
