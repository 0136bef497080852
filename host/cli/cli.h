// The command line: one file a subcommand, each with its options as a plain struct that nothing later
// re-reads.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cli/command_line.h"
#include "report/text.h"
#include "run/python_host.h"
#include "support/error.h"
#include "support/file.h"
#include "support/log.h"

namespace CLI {
class App;
}

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

inline constexpr const char* kHtmlHelp =
    "Write a page with the result, for a browser: one file, without network";

void add_html(CLI::App& command, std::string& file);

// One clear message of what failed, and of what to try; and prints it on standard error.
[[nodiscard]] std::string failure_text(const Error& error);
void print_failure(const Error& error);

// That there is no such file Python says; what to do instead it does not: where there is a module of that
// name, says so. In an interpreter with _gilscope_bootstrap, whose GIL is held.
void point_to_module(const std::string& file);

// Where the result of a subcommand goes: as text to standard output, as JSON where --json says.
class ResultOutput {
 public:
  // Opens the files for the JSON and for the page: that they cannot be made is told before the work whose
  // result they take. `html` is the page's, "" for none.
  explicit ResultOutput(const CommonOptions& options, const std::string& html = "");

  // Each of them is delivered whatever becomes of the other: there may be no space for a file, and the
  // text may end this process (a reader that is gone, `| head -1`). With JSON on standard output there is no
  // text, which would spoil it. Throws Error.
  void deliver(const std::function<nlohmann::ordered_json()>& document,
               const std::function<std::string(const TextStyle&)>& text,
               const std::function<nlohmann::ordered_json()>& page = nullptr);

 private:
  bool is_json_printed_;
  std::optional<OutputFile> json_;
  std::optional<OutputFile> html_;
};

// That the file for the JSON can be made, told before work that may take hours and end in any way; and writes
// it.
void check_json(const CommonOptions& options);
void write_json(const CommonOptions& options, const nlohmann::ordered_json& document);

struct Invocation {
  PythonHost& host;
  std::vector<std::string> command;  // the whole command line
  // What CLI11 does not look at: of `run` all from the script on, of `top` from `run` on, else after `--`.
  std::vector<std::string> tail;
};

// Each adds its subcommand to `app`, and sets `action` when the subcommand was chosen.
void setup_run(CLI::App& app, const Invocation& invocation, Action& action);
void setup_compare(CLI::App& app, const Invocation& invocation, Action& action);
void setup_article(CLI::App& app, const Invocation& invocation, Action& action);
void setup_report(CLI::App& app, const Invocation& invocation, Action& action);
void setup_top(CLI::App& app, const Invocation& invocation, Action& action);
void setup_dump(CLI::App& app, const Invocation& invocation, Action& action);
void setup_doctor(CLI::App& app, const Invocation& invocation, Action& action);
void setup_trial(CLI::App& app, const Invocation& invocation, Action& action);

}  // namespace gilscope::cli
