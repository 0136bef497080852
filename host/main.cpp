// The host: parse, run, exit code; the only catch-all.
#include <csignal>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

#include <spdlog/fmt/fmt.h>

#include "cli/cli.h"
#include "cli/run_recording.h"
#include "cli/work_recording.h"
#include "report/text.h"
#include "run/interpreter.h"
#include "support/error.h"
#include "support/file.h"
#include "support/log.h"

namespace {

// Paths and what a script raised may hold anything; what steers a terminal must not reach it.
std::string printable(const std::string& text) {
  std::string lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines += (lines.empty() ? "" : "\n") + gilscope::replace_controls(line);
  }
  return lines;
}

}  // namespace

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
    gilscope::print_error(fmt::format("gilscope: {}\n", printable(error.what())));
    if (!error.hint().empty()) gilscope::print_error(fmt::format("  try: {}\n", printable(error.hint())));
    return static_cast<int>(error.exit_code());
  } catch (const std::exception& error) {
    gilscope::print_error(fmt::format("gilscope: {}\n  this is a fault of gilscope's own: please report it\n",
                                      printable(error.what())));
    return static_cast<int>(ExitCode::CannotRun);
  }
}
