// gilscope dump: what a run with --keep has kept up to now, as a capture.
#include "recording/dump.h"

#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/core.h>

#include "cli/cli.h"
#include "recording/live_run.h"
#include "report/text.h"
#include "support/error.h"
#include "support/system_files.h"

namespace gilscope::cli {
namespace {

constexpr const char* kDumpDescription =
    "Writes what a run keeps of its last events to a capture, for `gilscope report`; the run goes on.\n\n"
    "Example: gilscope dump 1234              (a process that goes on under `gilscope run --keep 30s`)\n"
    "         gilscope dump 1234 -o slow      (to that folder)\n";

struct DumpOptions {
  CommonOptions common;
  std::string process;
  std::string output;
};

std::string name_of_dump(std::int64_t pid) {
  const auto name = fmt::format("gilscope-dump-{:%Y%m%dT%H%M%SZ}-{}", fmt::gmtime(std::time(nullptr)), pid);
  std::string free = name;
  std::error_code error;
  for (unsigned number = 2; std::filesystem::exists(free, error); ++number) {
    free = fmt::format("{}-{}", name, number);
  }
  return free;
}

int run(const DumpOptions& options) {
  set_up_logging(options.common.verbosity());
  const auto pid = parse_process_id(options.process);
  if (!pid) {
    throw Error(fmt::format("dump: {} is no number of a process", options.process), "gilscope dump PID",
                ExitCode::Usage);
  }
  const auto live = LiveRun::find(*pid);
  const std::string folder = options.output.empty() ? name_of_dump(*pid) : options.output;
  write_dump(live, on_request(live), folder, options.common.existing());
  ResultOutput output(options.common);
  output.deliver(
      [&] { return nlohmann::ordered_json{{"folder", std::filesystem::absolute(folder).string()}}; },
      [&](const TextStyle& /*style*/) {
        if (options.common.quiet) return std::string();
        return fmt::format("Dump: gilscope report {}\n", replace_controls(folder));
      });
  return static_cast<int>(ExitCode::Done);
}

}  // namespace

void setup_dump(CLI::App& app, const Invocation& /*invocation*/, Action& action) {
  const auto options = std::make_shared<DumpOptions>();
  auto* command = app.add_subcommand("dump", kDumpDescription);
  set_usage(*command, "gilscope dump [options] PID");
  command->add_option("process", options->process, "A process of the run")->required()->type_name("PID");
  command->add_option("-o,--output", options->output, "The folder of the capture [gilscope-dump-TIME-PID]")
      ->check([](const std::string& folder) { return folder.empty() ? "the folder's name is empty" : ""; })
      ->type_name("DIR");
  add_json(*command, options->common);
  add_verbosity(*command, options->common);
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace gilscope::cli
