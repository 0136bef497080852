// gilscope trial: one trial of a comparison, in this process. Not in the help: `compare` starts it, and
// whoever wants to look into a trial that failed.
#include "run/trial.h"

#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "cli/trial_options.h"
#include "cli/work_recording.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

// Standard output becomes /dev/null, for the tasks and whatever they start; the returned descriptor is what
// it was.
FileDescriptor take_standard_output() {
  FileDescriptor output(
      fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));  // NOLINT(cppcoreguidelines-pro-type-vararg)
  const FileDescriptor null(
      open("/dev/null", O_WRONLY | O_CLOEXEC));  // NOLINT(cppcoreguidelines-pro-type-vararg)
  if (output.get() < 0 || null.get() < 0 || dup2(null.get(), STDOUT_FILENO) < 0) {
    throw Error("standard output cannot be set aside for the tasks", "is /dev/null there?");
  }
  return output;
}

int run(const TrialSpec& spec, PythonHost& host) {
  set_up_logging(Verbosity::Normal);
  const auto output = take_standard_output();
  host.with_python([&] {
    install_work_recording();
    run_trial(spec, work_watch(), [&](const std::string& json) {
      if (const int error = output.write(json + "\n"); error != 0) {
        throw Error(std::string("the trial's record could not be written: ") + std::strerror(error), "");
      }
    });
  });
  return static_cast<int>(ExitCode::Done);
}

}  // namespace

void setup_trial(CLI::App& app, const Invocation& invocation, Action& action) {
  const auto options = std::make_shared<TrialOptions>();
  const auto mode = std::make_shared<std::string>("sequential");
  auto* command = app.add_subcommand("trial", "Runs one trial of a comparison and prints its record as JSON");
  command->group("");
  command->add_option("--mode", *mode)->check(CLI::IsMember(mode_names()));
  add_trial_options(*command, *options);
  command->callback([options, mode, &invocation, &action] {
    action = [options, mode, &invocation] {
      auto spec = make_trial_spec(*options, invocation.tail);
      spec.mode = *mode_of(*mode);
      return run(spec, invocation.host);
    };
  });
}

}  // namespace gilscope::cli
