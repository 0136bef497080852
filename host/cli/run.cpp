// gilscope run: the host as a drop-in `python`.
#include "cli/cli.h"
#include "cli/run_recording.h"
#include "run/interpreter.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

constexpr const char* kDescription =
    "Runs Python as `python` does, and says what its GIL did.\n\n"
    "Example: gilscope run app.py --its-own option\n"
    "         gilscope run -m http.server 8000\n"
    "         gilscope run -- -X dev -W error app.py     (Python's own flags come after --)\n";
constexpr const char* kUsage =
    "gilscope run [options] SCRIPT [ARG...] | -m MODULE [ARG...] | -c CODE [ARG...] | -- PYTHON-ARG...";

}  // namespace

void setup_run(CLI::App& app, const Invocation& invocation, Action& action) {
  const auto options = std::make_shared<RunOptions>();
  auto* command = app.add_subcommand("run", kDescription);
  set_usage(*command, kUsage);
  auto* no_probe = command->add_flag("--no-probe", options->no_probe,
                                     "Without tracing: the baseline of what tracing costs");
  add_json(*command, options->common);
  command->get_option("--json")->excludes(no_probe);  // there would be nothing to tell
  add_verbosity(*command, options->common);
  command->callback([options, &invocation, &action] {
    action = [options, &invocation] {
      set_up_logging(options->common.verbosity());
      if (invocation.tail.empty()) {
        throw Error("run: nothing to run",
                    "gilscope run SCRIPT | -m MODULE | -c CODE; Python's own flags come after --",
                    ExitCode::Usage);
      }
      check_json(options->common);
      const int exit_code =
          run_python(invocation.tail, [&] { begin_recording(*options, invocation.command); });
      report_run(exit_code);
      return exit_code;
    };
  });
}

}  // namespace gilscope::cli
