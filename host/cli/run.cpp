// gilscope run: a drop-in `python`.
#include <filesystem>
#include <string>
#include <system_error>

#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "cli/run_cost.h"
#include "cli/run_recording.h"
#include "run/surroundings.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

constexpr const char* kRunDescription =
    "Runs Python as `python` does, and says what its GIL did.\n\n"
    "Example: gilscope run app.py --its-own option\n"
    "         gilscope run -m http.server 8000\n"
    "         gilscope run --cost app.py                 (what tracing costs it: with and without, in "
    "turns)\n"
    "         gilscope run --keep 30s --when 'hold>50ms' app.py      (a dump of what came before, when one "
    "takes "
    "longer)\n"
    "         gilscope run -- -X dev -W error app.py     (Python's own flags come after --)\n";
constexpr const char* kUsage =
    "gilscope run [options] SCRIPT [ARG...] | -m MODULE [ARG...] | -c CODE [ARG...] | -- PYTHON-ARG...";

}  // namespace

void point_to_module(const std::string& file) {
  std::error_code error;
  if (std::filesystem::exists(file, error) || error || !is_runnable_module(file)) return;
  print_failure(Error("there is no file " + file + ", but a module of that name", "gilscope run -m " + file));
}

namespace {

void take_keep(RunOptions& options, bool is_size_given) {
  const Keep keep = parse_keep(options.flight.keep);
  if (keep.bytes && is_size_given) {
    throw Error("run: --keep has a size, and --max-size has another one", "--keep 30s --max-size 64M",
                ExitCode::Usage);
  }
  options.capture.keep = keep.time.value_or(CapturePlan::kForEver);
  if (!is_size_given) options.capture.max_size = keep.bytes.value_or(CapturePlan::kRingBytes);
  options.capture.limits = limits_of(options.flight);
  const auto is_wanted = [&](TriggerKind kind) {
    return options.capture.limits.at(static_cast<std::size_t>(kind)) > Nanoseconds{};
  };
  if (options.stacks == Stacks::Off && (is_wanted(TriggerKind::Lock) || is_wanted(TriggerKind::Loop))) {
    throw Error(
        "run: with --no-stacks nobody sees locks and loops: --when lock>… and loop>… would never come",
        "leave --no-stacks out", ExitCode::Usage);
  }
}

}  // namespace

void setup_run(CLI::App& app, const Invocation& invocation, Action& action) {
  const auto options = std::make_shared<RunOptions>();
  auto* command = app.add_subcommand("run", kRunDescription);
  set_usage(*command, kUsage);
  command->add_flag("--no-probe", options->no_probe, "Without tracing: the baseline of what tracing costs");
  command->add_flag("--no-children", options->no_children,
                    "Record this process alone, not those that it starts");
  command->add_flag("--cost", options->cost,
                    "Measure what tracing costs: the program again and again, with and without, in turns");
  command
      ->add_option("--rounds", options->rounds,
                   "Rounds of --cost, after a first run whose output is shown [5]")
      ->check(CLI::Range(1U, 10'000U))
      ->type_name("N");
  command
      ->add_option("-o,--output", options->capture.output,
                   "Keep every event in this folder: a capture, for `gilscope report`")
      ->check([](const std::string& folder) { return folder.empty() ? "the folder's name is empty" : ""; })
      ->type_name("DIR");
  add_exports(*command, options->capture.exports);
  command
      ->add_option("--report", options->report,
                   "Write the report to this file, instead of standard error; - for standard output")
      ->check([](const std::string& file) { return file.empty() ? "the file's name is empty" : ""; })
      ->type_name("FILE");
  command
      ->add_option(
          "--max-size", options->capture.max_size,
          "Bound of the capture, as 64M or 2G; events beyond it are dropped and counted [1G]; with --keep "
          "of each process, whose oldest events are written over [16M]")
      // CLI11 would take -1 for the largest number.
      ->transform(CLI::Validator(CLI::AsSizeValue(false)).description(""))
      ->check([](const std::string& size) { return size.starts_with('-') ? "it cannot be negative" : ""; })
      ->type_name("BYTES");
  add_flight_options(*command, options->flight);
  command->add_flag_callback(
      "--no-stacks", [options] { options->stacks = Stacks::Off; },
      "Without the Python lines of holds for which others waited");
  command->add_flag_callback(
      "--stacks", [options] { options->stacks = Stacks::On; }, "With them [the default]");
  add_json(*command, options->common);
  add_verbosity(*command, options->common);
  command->callback([options, command, &invocation, &action] {
    action = [options, command, &invocation] {
      set_up_logging(options->common.verbosity());
      if (invocation.tail.empty()) {
        throw Error("run: nothing to run",
                    "gilscope run SCRIPT | -m MODULE | -c CODE; Python's own flags come after --",
                    ExitCode::Usage);
      }
      check_flight_options(options->flight);
      if (options->flight.is_wanted()) take_keep(*options, command->count("--max-size") > 0);
      const bool is_told = !options->common.json.empty() || !options->report.empty();
      if (options->no_probe && (options->capture.is_wanted() || is_told)) {
        throw Error(
            "run: --no-probe traces nothing: there is nothing for --json, --report, -o, --keep, --trace and "
            "their like",
            "leave it out", ExitCode::Usage);
      }
      check_exports("run", options->capture.exports, options->common, options->report);
      check_cost_options(*options, invocation, command->count("--rounds") > 0);
      if (command->count("--max-size") > 0 && !options->capture.is_wanted()) {
        throw Error("run: --max-size bounds a capture, and none is kept", "-o DIR keeps one",
                    ExitCode::Usage);
      }
      check_json(options->common);
      if (!options->report.empty()) check_output(options->report, options->common.existing());
      if (options->cost) return measure_cost(*options, invocation);
      const int exit_code = invocation.host.run_python(
          invocation.tail,
          [&] {
            point_to_module(invocation.tail.front());
            begin_recording(*options, invocation);
          },
          invocation.command);
      report_run(exit_code);
      return exit_code;
    };
  });
}

}  // namespace gilscope::cli
