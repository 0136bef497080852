// The command line: one file a subcommand, each with its options as a plain struct that nothing later
// re-reads.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "support/file.h"
#include "support/log.h"

namespace gilscope::cli {

// What the chosen subcommand will do, once all of the command line is known to be good; returns the exit
// code.
using Action = std::function<int()>;

// Options that every subcommand has.
struct CommonOptions {
  std::string json;  // "" for none, "-" for standard output
  bool force = false;
  bool quiet = false;
  bool verbose = false;

  [[nodiscard]] Verbosity verbosity() const noexcept;
  [[nodiscard]] Existing existing() const noexcept { return force ? Existing::Overwrite : Existing::Keep; }
};

// The line that --help shows instead of CLI11's own; without "Usage: ".
void set_usage(CLI::App& command, const std::string& usage);

void add_verbosity(CLI::App& command, CommonOptions& options);
void add_json(CLI::App& command, CommonOptions& options);

struct Invocation {
  std::vector<std::string> command;  // the whole command line
  std::vector<std::string>
      tail;  // what CLI11 does not look at: of `run` all from the script on, else after `--`
};

// Each adds its subcommand to `app`, and sets `action` when the subcommand was chosen.
void setup_run(CLI::App& app, const Invocation& invocation, Action& action);
void setup_compare(CLI::App& app, const Invocation& invocation, Action& action);
void setup_doctor(CLI::App& app, const Invocation& invocation, Action& action);
void setup_trial(CLI::App& app, const Invocation& invocation, Action& action);

// Parses and runs. Throws gilscope::Error; CLI11's own errors are printed, and are exit code 2.
int run_command_line(const std::vector<std::string>& arguments);

}  // namespace gilscope::cli
