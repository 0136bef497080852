#include "cli/cli.h"

#include <algorithm>
#include <sstream>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "capture/json_file.h"
#include "cli/html_page.h"
#include "probe/clock.h"
#include "report/doctor_part.h"
#include "run/version.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

constexpr const char* kApplicationDescription =
    "gilscope runs Python code in every concurrency mode and says which one pays.\n\n"
    "Example: gilscope compare app.py:parse\n";

std::string version_text(const PythonHost& host) {
  const auto python =
      host.linkage() == Linkage::Stock
          ? fmt::format("in CPython {} (stock)", python_version())
          : fmt::format("embeds CPython {} ({} libpython)", python_version(), to_string(host.linkage()));
  return fmt::format("gilscope {}, {}, clock: {}", GILSCOPE_VERSION, python,
                     name_of(ProbeClock::best().kind()));
}

// CLI11's own errors: one line of what is wrong, one of what to do.
int report_usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  const auto name = command == &app ? "gilscope" : fmt::format("gilscope {}", command->get_name());
  std::string what = error.what();
  std::ranges::replace(what, '\n', ' ');
  print_error(fmt::format("{}: {}\n  try: {} --help\n", name, what, name));
  return static_cast<int>(ExitCode::Usage);
}

// Where the program that `run` runs begins: behind the options of `run` itself.
std::size_t find_program(const CLI::App& run, const std::vector<std::string>& arguments) {
  std::size_t at = 1;
  while (at < arguments.size()) {
    const auto& argument = arguments[at];
    const bool is_option = argument.size() > 1 && argument.starts_with('-') && argument != "--" &&
                           !argument.starts_with("-m") && !argument.starts_with("-c");
    if (!is_option) break;
    const auto* option = run.get_option_no_throw(argument);
    at += option != nullptr && option->get_expected_min() > 0 ? 2U : 1U;
  }
  return std::min(at, arguments.size());
}

// Cuts the tail off `arguments`.
std::vector<std::string> cut_tail(const CLI::App& app, std::vector<std::string>& arguments) {
  const auto command = arguments.empty() ? std::string() : arguments.front();
  auto begin = std::ranges::find(arguments, command == "top" ? "run" : "--");
  if (command == "run") {
    begin =
        arguments.begin() + static_cast<std::ptrdiff_t>(find_program(*app.get_subcommand("run"), arguments));
  }
  std::vector<std::string> tail(begin, arguments.end());
  arguments.erase(begin, arguments.end());
  if (!tail.empty() && tail.front() == "--") tail.erase(tail.begin());
  return tail;
}

// CLI11's help, but for the usage line: it cannot know what `run` leaves to Python.
class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(std::string usage) : usage_(std::move(usage)) {}
  std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override {
    return "Usage: " + usage_ + "\n";
  }
  // The first line says what it is; the examples are in its own help.
  std::string make_subcommand(const CLI::App* command) const override {
    const auto description = command->get_description();
    return fmt::format("  {:<10}{}\n", command->get_name(), description.substr(0, description.find('\n')));
  }

 private:
  std::string usage_;
};

}  // namespace

void set_usage(CLI::App& command, const std::string& usage) {
  command.formatter(std::make_shared<HelpFormatter>(usage));
}

Verbosity CommonOptions::verbosity() const noexcept {
  if (quiet) return Verbosity::Quiet;
  return verbose ? Verbosity::Verbose : Verbosity::Normal;
}

void add_verbosity(CLI::App& command, CommonOptions& options) {
  auto* quiet = command.add_flag("-q,--quiet", options.quiet, "Errors only, no progress");
  command.add_flag("-v,--verbose", options.verbose, "Say what is done, on standard error")->excludes(quiet);
}

void add_json(CLI::App& command, CommonOptions& options) {
  command.add_option("--json", options.json, "Write the whole result as JSON; - for standard output")
      ->check([](const std::string& file) { return file.empty() ? "the file's name is empty" : ""; })
      ->type_name("FILE");
  command.add_flag("--force", options.force, "Overwrite files that exist");
}

void add_html(CLI::App& command, std::string& file) {
  command.add_option("--html", file, kHtmlHelp)
      ->check([](const std::string& name) {
        return name.empty() || name == "-" ? "it needs the name of a file" : "";
      })
      ->type_name("FILE");
}

namespace {

// Paths and what a script raised may hold anything; what steers a terminal must not reach it.
std::string printable(const std::string& text) {
  std::string lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines += (lines.empty() ? "" : "\n") + replace_controls(line);
  }
  return lines;
}

}  // namespace

std::string failure_text(const Error& error) {
  auto text = fmt::format("gilscope: {}\n", printable(error.what()));
  if (!error.hint().empty()) text += fmt::format("  try: {}\n", printable(error.hint()));
  return text;
}

void print_failure(const Error& error) { print_error(failure_text(error)); }

int report_failure(const std::exception& error) {
  if (const auto* const failure = dynamic_cast<const Error*>(&error)) {
    print_failure(*failure);
    return static_cast<int>(failure->exit_code());
  }
  print_failure({error.what(), "this is a fault of gilscope's own: please report it"});
  return static_cast<int>(ExitCode::CannotRun);
}

void check_json(const CommonOptions& options) {
  if (!options.json.empty()) check_output(options.json, options.existing());
}

void write_json(const CommonOptions& options, const nlohmann::ordered_json& document) {
  OutputFile(options.json, options.existing()).write(json_file_text(document));
}

ResultOutput::ResultOutput(const CommonOptions& options, const std::string& html)
    : is_json_printed_(options.json == "-") {
  if (!options.json.empty()) json_.emplace(options.json, options.existing());
  if (!html.empty()) html_.emplace(html, options.existing());
}

void ResultOutput::deliver(const std::function<nlohmann::ordered_json()>& document,
                           const std::function<std::string(const TextStyle&)>& text,
                           const std::function<nlohmann::ordered_json()>& page) {
  std::optional<Error> failure;
  const auto attempt = [&](const auto& write) {
    try {
      write();
    } catch (const Error& error) {
      if (!failure) failure = error;
    }
  };
  if (json_) attempt([&] { json_->write(json_file_text(document())); });
  if (html_) {
    attempt([&] {
      write_page(page(), [&](std::string_view part) { html_->append(part); });
      html_->commit();
    });
  }
  if (!is_json_printed_) {
    print(text({.colour = wants_colour(STDOUT_FILENO) ? Colour::On : Colour::Off}));
  }
  if (failure) throw Error(*failure);
}

int run_command_line(const std::vector<std::string>& arguments, PythonHost& host) {
  CLI::App app(kApplicationDescription, "gilscope");
  app.set_version_flag(
      "--version", [&host] { return version_text(host); }, "Print the versions of gilscope and of CPython");
  app.require_subcommand(1);
  Action action;
  Invocation invocation{.host = host, .command = {"gilscope"}};
  invocation.command.insert(invocation.command.end(), arguments.begin(), arguments.end());
  setup_run(app, invocation, action);
  setup_compare(app, invocation, action);
  setup_article(app, invocation, action);
  setup_report(app, invocation, action);
  setup_top(app, invocation, action);
  setup_dump(app, invocation, action);
  setup_doctor(app, invocation, action);
  setup_trial(app, invocation, action);
  const auto is_chosen = [&](const CLI::App* command) { return command->get_name() == arguments.front(); };
  if (!arguments.empty() && !arguments.front().starts_with('-') &&
      std::ranges::none_of(app.get_subcommands([](const CLI::App*) { return true; }), is_chosen)) {
    throw Error(fmt::format("'{}' is no subcommand of gilscope", arguments.front()), "gilscope --help",
                ExitCode::Usage);
  }
  set_usage(app, "gilscope SUBCOMMAND [options]");  // after the others, which would inherit it
  auto head = arguments;
  invocation.tail = cut_tail(app, head);
  try {
    std::ranges::reverse(head);  // CLI11 takes them from the end
    app.parse(head);
  } catch (const CLI::Success& success) {  // --help and --version
    std::ostringstream text;
    app.exit(success, text, text);
    print(text.str());
    return static_cast<int>(ExitCode::Done);
  } catch (const CLI::ParseError& error) {
    return report_usage_error(app, error);
  }
  return action();
}

}  // namespace gilscope::cli
