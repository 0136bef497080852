#include "command_line.h"

#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pybind11/stl.h>

#include "cli/command_line.h"
#include "cli/recording_bridge.h"
#include "cli/run_recording.h"
#include "cli/work_recording.h"
#include "stock_host.h"
#include "support/error.h"
#include "support/log.h"

namespace gilscope {
namespace {

namespace py = pybind11;

// Where an ancestor records, "" where none does; Python has read its environment already.
std::string take_recording_from_python() {
  const std::string path = cli::take_recording();
  py::module_::import("os").attr("environ").attr("pop")(cli::kRecordingVariable, py::none());
  return path;
}

// What the Python of the package refuses.
Error as_usage_error(const std::string& text) {
  constexpr std::string_view kTry = "; try: ";
  const auto end = text.find(kTry);
  return {text.substr(0, end), end == std::string::npos ? "" : text.substr(end + kTry.size()),
          ExitCode::Usage};
}

int run_command_line(const std::vector<std::string>& arguments) {
  set_up_logging(Verbosity::Normal);
  take_recording_from_python();  // a run within a run is its own
  cli::leave_recording();
  int code = 0;
  try {
    StockHost host;
    code = cli::run_command_line(arguments, host);
  } catch (const py::error_already_set& error) {
    if (!error.matches(py::module_::import("gilscope._native").attr("Error"))) throw;  // SystemExit
    code = cli::report_failure(as_usage_error(py::str(error.value())));
  } catch (const std::exception& error) {
    code = cli::report_failure(error);
  }
  if (Py_IsInitialized() == 0)
    std::exit(code);  // NOLINT(concurrency-mt-unsafe): as Python's own main() returns
  return code;
}

void join_run(const std::string& recording) {
  static bool has_joined = false;
  if (std::exchange(has_joined, true)) return;
  set_up_logging(Verbosity::Normal);
  prepare_interpreter();
  cli::install_work_recording();
  std::vector<std::string> arguments;
  const py::module_ os = py::module_::import("os");
  for (const auto& word : py::list(py::module_::import("sys").attr("orig_argv"))) {
    arguments.push_back(os.attr("fsencode")(word).cast<std::string>());
  }
  if (!arguments.empty()) arguments.erase(arguments.begin());
  cli::join_recording(recording, arguments);
}

void enter_child() { join_run(take_recording_from_python()); }

constexpr const char* kRunCommandLineDoc = R"(run_command_line(arguments)
--

Run gilscope with this Python as its engine, and return the exit code.

The subcommand `run` ends the process instead.

arguments: those after `gilscope`, as bytes.)";

constexpr const char* kEnterChildDoc = R"(enter_child()
--

Make this process, a child of multiprocessing, one of gilscope's.

Records it where its parent is recorded; where that fails it goes on
without.)";

constexpr const char* kJoinRunDoc = R"(join_run(recording)
--

Record this process, which a recorded one has started.

Where that fails it goes on without.

recording: where an ancestor records.)";

}  // namespace

void bind_command_line(py::module_& module) {
  module.def("run_command_line", &run_command_line, py::arg("arguments"), kRunCommandLineDoc);
  module.def("enter_child", &enter_child, kEnterChildDoc);
  module.def("join_run", &join_run, py::arg("recording"), kJoinRunDoc);
}

}  // namespace gilscope
