#include "trace.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <pybind11/stl.h>

#include "analysis/run_summary.h"
#include "probe/pair_cost.h"
#include "probe/probe_error.h"
#include "recording/recording.h"
#include "report/summary_report.h"
#include "support/error.h"
#include "support/machine.h"

namespace gilscope {
namespace {

namespace py = pybind11;

nlohmann::ordered_json describe_machine() {
  const Machine machine = read_machine();
  nlohmann::ordered_json json;
  json["cpus"] = machine.cpus ? nlohmann::ordered_json(*machine.cpus) : nullptr;
  json["usable_cpus"] = machine.usable_cpus ? nlohmann::ordered_json(*machine.usable_cpus) : nullptr;
  json["model"] = machine.model ? nlohmann::ordered_json(*machine.model) : nullptr;
  return json;
}

// What Python's `with gilscope.trace()` drives. Its methods are called with the GIL held.
class Tracer {
 public:
  Tracer() : recording_(Reach::ThisProcess) {}

  // False where this Python has no GIL: then there is nothing to trace, and the summary says so.
  bool start() {
    try {
      recording_.start();
    } catch (const ProbeError& error) {
      if (error.failure() != ProbeFailure::NoGil) throw;
      return false;
    }
    has_gil_ = true;
    return true;
  }

  void name_thread(std::uint32_t thread, const std::string& name) {
    recording_.name_thread(ThreadId{thread}, name);
  }
  void end_thread(std::uint32_t thread) { recording_.end_thread(ThreadId{thread}); }

  void stop() {
    recording_.stop();
    Counters scratch;
    pair_cost_ns_ = has_gil_ ? measure_pair_cost(scratch) : std::nullopt;
  }

  // `python` is JSON, `command` that of the process.
  [[nodiscard]] std::string summary_json(const std::string& python,
                                         const std::vector<std::string>& command) const {
    const auto [summary, context] = summarize(python, command);
    return gilscope::summary_json(summary, context)
        .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  [[nodiscard]] std::string summary_text() const {
    const auto [summary, context] = summarize("null", {});
    return format_summary(summary, context);
  }

 private:
  struct Summarized {
    RunSummary summary;
    SummaryContext context;
  };

  [[nodiscard]] Summarized summarize(const std::string& python,
                                     const std::vector<std::string>& command) const {
    const RecordedRun recorded = has_gil_ ? recording_.collect() : RecordedRun{};
    return {.summary = summarize_run(recorded.processes, pair_cost_ns_),
            .context = {.python = nlohmann::ordered_json::parse(python),
                        .machine = describe_machine(),
                        .command = command,
                        .exit_code = std::nullopt,
                        .clock = recorded.clock,
                        .unrecorded_processes = recorded.unrecorded_processes,
                        .were_slots_overwritten = recorded.losses.were_slots_overwritten}};
  }

  Recording recording_;
  bool has_gil_ = false;
  std::optional<double> pair_cost_ns_;
};

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
  py::class_<Tracer>(module, "Tracer")
      .def(py::init<>())
      .def("start", &Tracer::start)
      .def("name_thread", &Tracer::name_thread)
      .def("end_thread", &Tracer::end_thread)
      .def("stop", &Tracer::stop)
      .def("summary_json", &Tracer::summary_json)
      .def("summary_text", &Tracer::summary_text);
}

}  // namespace gilscope
