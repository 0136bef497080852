// The host: parse, run, exit code; the only catch-all.
#include <csignal>
#include <exception>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/recording_bridge.h"
#include "cli/run_recording.h"
#include "cli/work_recording.h"
#include "run/interpreter.h"
#include "support/error.h"
#include "support/log.h"

int main(int argc, char** argv) {
  using gilscope::ExitCode;
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    gilscope::set_up_logging(gilscope::Verbosity::Normal);
    const std::string recording = gilscope::cli::take_recording();
    if (gilscope::is_multiprocessing_child(arguments)) {
      gilscope::cli::install_work_recording();
      return gilscope::run_multiprocessing_child(
          argv[0], arguments, [&] { gilscope::cli::join_recording(recording, arguments); });
    }
    std::signal(SIGPIPE, SIG_IGN);  // a reader that is gone is an error code of write(), as it is for Python
    return gilscope::cli::run_command_line(arguments);
  } catch (const gilscope::Error& error) {
    gilscope::cli::print_failure(error);
    return static_cast<int>(error.exit_code());
  } catch (const std::exception& error) {
    gilscope::cli::print_failure({error.what(), "this is a fault of gilscope's own: please report it"});
    return static_cast<int>(ExitCode::CannotRun);
  }
}
