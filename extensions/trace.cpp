#include "trace.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <pybind11/stl.h>

#include "analysis/run_summary.h"
#include "capture/capture_folder.h"
#include "cli/html_page.h"
#include "gil_released.h"
#include "own_recording.h"
#include "recording/captured_run.h"
#include "recording/recording.h"
#include "recording/recording_cost.h"
#include "report/summary_report.h"
#include "support/error.h"
#include "support/json_values.h"
#include "support/machine.h"
#include "support/temporary_folder.h"

namespace gilscope {
namespace {

namespace py = pybind11;

nlohmann::ordered_json describe_machine() {
  const Machine machine = read_machine();
  return {{"cpus", or_null(machine.cpus)},
          {"usable_cpus", or_null(machine.usable_cpus)},
          {"model", or_null(machine.model)}};
}

Stacks stacks_of(std::string_view lines) {
  if (lines == "none") return Stacks::Off;
  return lines == "all" ? Stacks::Every : Stacks::On;
}

std::filesystem::path capture_in(const TemporaryFolder& folder) { return folder.path() / "capture"; }

// For a capture that lasts as long as this folder does.
std::unique_ptr<TemporaryFolder> make_event_folder() {
  auto folder = std::make_unique<TemporaryFolder>();
  create_capture(capture_in(*folder), {}, Existing::Keep);
  return folder;
}

// What was counted up to an instant. To put it into words takes much longer, and waits for somebody to ask.
class Snapshot {
 public:
  // `python` is JSON, `command` that of the process.
  Snapshot(RecordedRun run, std::string python, std::vector<std::string> command)
      : run_(std::move(run)), python_(std::move(python)), command_(std::move(command)) {}

  // The JSON, and the table.
  [[nodiscard]] std::pair<std::string, std::string> words() const {
    const GilReleased released;
    const RunSummary figures = summarize_run(run_);
    const SummaryContext context{
        .python = nlohmann::ordered_json::parse(python_), .machine = describe_machine(), .command = command_};
    return {dump_json(summary_json(figures, context)), format_summary(figures)};
  }

 private:
  RecordedRun run_;
  std::string python_;
  std::vector<std::string> command_;
};

// What Python's `with gilscope.trace()` drives. Its methods are called with the GIL held. Where events are
// kept, the summary is there from the stop on, and the timeline.
class Tracer : public OwnRecording {
 public:
  Tracer(const std::string& lines, bool keeps_events) {
    if (lack()) return;
    if (keeps_events) folder_ = make_event_folder();
    recording_.emplace(Reach::ThisProcess,
                       folder_ ? std::optional(CapturePlan{.folder = capture_in(*folder_)}) : std::nullopt,
                       stacks_of(lines));
  }

  // The summary says where there is nothing to trace.
  bool start() { return is_started_ = start_recording(); }

  void stop() {
    if (recording_) recording_->stop();
    if (is_started_ && recording_->has_gil())
      pair_cost_ns_ = folder_ ? measure_capture_cost() : measure_counting_cost();
  }

  // As of now, or of the stop. Other threads go on meanwhile.
  [[nodiscard]] std::unique_ptr<Snapshot> snapshot(std::string python, std::vector<std::string> command) {
    const auto pair_cost = pair_cost_ns_;  // stop() sets it, with the GIL
    const GilReleased released;
    RecordedRun run = collect();
    run.pair_cost_ns = pair_cost;
    return std::make_unique<Snapshot>(std::move(run), std::move(python), std::move(command));
  }

  // After the stop, as JSON: as timeline_json() has it. Empty where events were not kept.
  [[nodiscard]] std::optional<std::string> timeline() const {
    if (!folder_ || !is_started_ || !recording_->has_gil()) return std::nullopt;
    return dump_json(cli::make_timeline(captured()));
  }

 private:
  [[nodiscard]] RecordedRun collect() {
    if (!recording_) return {.losses = {.unrecorded_processes = 1}};
    if (!is_started_) return {.has_gil = false};
    return folder_ ? replay_own() : recording_->collect();
  }

  [[nodiscard]] CapturedRun captured() const {
    return CapturedRun(read_capture(capture_in(*folder_), recording_->notes()));
  }

  // Of this process alone: forks go on in the capture, too.
  [[nodiscard]] RecordedRun replay_own() const {
    RecordedRun run = replay(captured());
    std::erase_if(run.processes, [](const auto& process) { return process.pid != getpid(); });
    run.capture_bytes.reset();  // it is not kept
    return run;
  }

  bool is_started_ = false;
  std::optional<double> pair_cost_ns_;  // measured after the stop
};

// The texts are those of python/gilscope/_native.pyi, as in native.cpp.
constexpr const char* kFormatSavedDoc = R"(format_saved(text)
--

Return the table of a gilscope.summary/1, which is JSON. Raises Error.)";

constexpr const char* kFormatDurationDoc = R"(format_duration(ns)
--

Return a time with its unit: 1.23 s, 45.6 ms, 789 µs, 12.0 ns.)";

constexpr const char* kFormatShareDoc = R"(format_share(share)
--

Return a share, 0 to 1, in percent.)";

}  // namespace

void bind_trace(py::module_& module) {
  module.attr("Error") = py::reinterpret_steal<py::object>(PyErr_NewExceptionWithDoc(
      "gilscope.Error", "What gilscope cannot do, and what to try.", PyExc_RuntimeError, nullptr));
  py::register_local_exception_translator(
      [](std::exception_ptr thrown) {  // NOLINT(performance-unnecessary-value-param): as pybind11 has it
        try {
          if (thrown) std::rethrow_exception(thrown);
        } catch (const Error& error) {
          const std::string text =
              error.hint().empty() ? error.what() : error.what() + ("; try: " + error.hint());
          // Each interpreter has a class of its own.
          py::set_error(py::module_::import("gilscope._native").attr("Error"), text.c_str());
        }
      });
  py::class_<Snapshot>(module, "Snapshot").def("words", &Snapshot::words);
  py::class_<Tracer>(module, "Tracer")
      .def(py::init<const std::string&, bool>(), py::arg("lines"), py::arg("keeps_events"))
      .def("lack", &Tracer::lack)
      .def("start", &Tracer::start)
      .def("name_thread", &Tracer::name_thread)
      .def("name_process", &Tracer::name_process, py::arg("name"), py::arg("is_worker") = false)
      .def("end_thread", &Tracer::end_thread)
      .def("stop", &Tracer::stop)
      .def("snapshot", &Tracer::snapshot)
      .def("timeline", &Tracer::timeline);
  module.def(
      "format_saved", [](const std::string& text) { return format_summary(read_summary(text)); },
      py::arg("text"), kFormatSavedDoc);
  module.def("format_duration", py::overload_cast<double>(&format_duration), py::arg("ns"),
             kFormatDurationDoc);
  module.def("format_share", &format_share, py::arg("share"), kFormatShareDoc);
}

}  // namespace gilscope
