// The host: parse, run, exit code; the only catch-all.
#include <csignal>
#include <exception>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/recording_bridge.h"
#include "cli/run_recording.h"
#include "cli/work_recording.h"
#include "embed/embedded_host.h"
#include "embed/interpreter.h"
#include "support/log.h"

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    gilscope::set_up_logging(gilscope::Verbosity::Normal);
    const std::string recording = gilscope::cli::take_recording();
    const std::string python = gilscope::cli::take_variable(gilscope::cli::kPythonVariable);
    const auto join = [&] {
      gilscope::cli::install_work_recording();
      gilscope::cli::join_recording(recording, arguments);
    };
    if (!python.empty()) return gilscope::run_started_python(python, argv[0], arguments, join);
    if (gilscope::is_multiprocessing_child(arguments)) {
      return gilscope::run_multiprocessing_child(argv[0], arguments, join);
    }
    std::signal(SIGPIPE, SIG_IGN);  // a reader that is gone is an error code of write(), as it is for Python
    gilscope::EmbeddedHost host;
    return gilscope::cli::run_command_line(arguments, host);
  } catch (const std::exception& error) {
    return gilscope::cli::report_failure(error);
  }
}
