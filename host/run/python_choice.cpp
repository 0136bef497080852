#include "run/python_choice.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "run/python_build.h"
#include "support/environment.h"
#include "support/error.h"
#include "support/json_values.h"
#include "support/log.h"
#include "support/machine.h"

namespace gilscope {
namespace {

namespace fs = std::filesystem;

constexpr int kOldestMinor = 11;
constexpr int kOldestPyPyMinor = 9;
constexpr const char* kHint =
    "--python takes a CPython 3.11 or later, a PyPy 3.9 or later, or a gilscope host";
constexpr auto kTimeout = std::chrono::seconds(30);

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(fmt::format("{}: {}", path, why), kHint, ExitCode::Usage);
}

// Its standard output; what it has to say where it does not end well.
std::string ask(const std::vector<std::string>& command) {
  const auto result = run_or_interrupt({command, {}, kTimeout});
  switch (result.end) {
    case ChildResult::End::TimedOut:
      throw Error(fmt::format("does not answer within {} s", kTimeout.count()), "");
    case ChildResult::End::Signalled:
      throw Error(fmt::format("does not start: ended by signal {}", result.code), "");
    case ChildResult::End::Exited:
    case ChildResult::End::Interrupted:
      break;
  }
  if (result.code != 0) {
    const auto words = last_line(result.errors);
    throw Error(
        fmt::format("does not start (exit code {}){}{}", result.code, words.empty() ? "" : ": ", words), "");
  }
  return result.output;
}

std::string identity_of(const std::string& program, const std::string& prefix) {
  return program + '\n' + prefix;
}

// The environment of which a host is then: choose_environment() reads it. Empty is the host's own Python's.
std::pair<std::string, std::string> virtual_environment(const std::string& folder) {
  return {"VIRTUAL_ENV", folder};
}

// The hosts by the Python that each embeds. They are asked one by one, no more than are needed.
class Hosts {
 public:
  explicit Hosts(std::vector<std::string> unasked) : unasked_(std::move(unasked)) {}

  std::optional<std::string> find(const std::string& base_executable) {
    while (true) {
      const auto known = std::ranges::find(asked_, base_executable, &Host::base_executable);
      if (known != asked_.end()) return known->path;
      if (unasked_.empty()) return std::nullopt;
      ask_next();
    }
  }

 private:
  struct Host {
    std::string path;
    std::string base_executable;
  };

  // A host that does not start (its Python is gone) is none.
  void ask_next() {
    const auto path = unasked_.front();
    unasked_.erase(unasked_.begin());
    try {
      const auto python = examine_in_child({Engine::Host, {path}, {virtual_environment("")}}).python;
      std::error_code error;
      const auto executable = fs::canonical(python.at("executable").get<std::string>(), error);
      if (!error) asked_.push_back({path, executable.string()});
    } catch (const Error& error) {
      log_debug("{} is not used: {}", path, error.what());
    }
  }

  std::vector<std::string> unasked_;
  std::vector<Host> asked_;
};

// Whether `python -m gilscope` has the subcommand that runs trials: the package may be the extension alone.
bool can_run_trials(const TrialProgram& package) {
  auto command = package.command;
  command.insert(command.end(), {"trial", "--help"});
  const auto result = run_or_interrupt({command, {}, kTimeout});
  return result.end == ChildResult::End::Exited && result.code == 0;
}

// As doctor's JSON has it, as far as a comparison shows it: there is no host to ask.
nlohmann::ordered_json describe_machine() {
  const auto machine = read_machine();
  return {{"cpus", or_null(machine.cpus)},
          {"usable_cpus", or_null(machine.usable_cpus)},
          {"model", or_null(machine.model)}};
}

ChosenPython choose_host(const std::string& path, TrialProgram program) {
  auto surroundings = examine_in_child(program);
  // `gilscope` may be the script that pip has installed.
  if (surroundings.python.value("linkage", "") == to_string(Linkage::Stock)) program.engine = Engine::Package;
  auto identity = identity_of(program.command.front(), surroundings.python.value("prefix", ""));
  return {path, std::move(identity), std::move(program), std::move(surroundings)};
}

ChosenPython choose_for_python(const std::string& path, const std::string& program, Hosts& hosts,
                               const StockTrialFolder& stock) {
  const auto stock_command = stock.command_of(program);
  auto question = stock_command;
  question.emplace_back("facts");
  const auto facts = parse_python_facts(ask(question));
  if (const auto host = hosts.find(facts.base_executable)) {
    const auto environment = virtual_environment(facts.is_environment ? facts.prefix : "");
    return choose_host(path, {Engine::Host, {*host}, {environment}});
  }
  const auto identity = identity_of(facts.base_executable, facts.prefix);
  const TrialProgram package{Engine::Package, {program, "-m", "gilscope"}, {}};
  if (can_run_trials(package)) return {path, identity, package, examine_in_child(package)};
  return {path, identity, {Engine::Timing, stock_command, {}}, {facts.python, describe_machine()}};
}

ChosenPython choose_python(const std::string& path, Hosts& hosts, const StockTrialFolder& stock) {
  const auto program = find_program(path, environment_variable("PATH").value_or(""));
  if (parse_version(ask({program, "--version"})) == ProgramKind::Host) {
    return choose_host(path, {Engine::Host, {fs::canonical(program).string()}, {}});
  }
  return choose_for_python(path, program, hosts, stock);
}

}  // namespace

std::string find_program(const std::string& name, std::string_view search_path) {
  if (name.empty()) refuse("--python", "an empty path");
  std::string found = name;
  if (name.find('/') == std::string::npos) {
    found.clear();
    while (!search_path.empty() && found.empty()) {
      const auto colon = search_path.find(':');
      const auto file = fs::path(search_path.substr(0, colon)) / name;
      std::error_code ignored;
      if (fs::is_regular_file(file, ignored) && access(file.c_str(), X_OK) == 0) found = file.string();
      search_path.remove_prefix(colon == std::string_view::npos ? search_path.size() : colon + 1);
    }
    if (found.empty()) refuse(name, "is not on PATH");
  }
  std::error_code error;
  const auto status = fs::status(found, error);
  if (!fs::exists(status)) refuse(name, "no such file");
  if (!fs::is_regular_file(status)) refuse(name, "is no file");
  if (access(found.c_str(), X_OK) != 0) refuse(name, "permission to run it denied");
  return fs::absolute(found).string();
}

ProgramKind parse_version(std::string_view output) {
  constexpr std::string_view kPython = "Python ";
  if (output.starts_with("gilscope ")) return ProgramKind::Host;
  if (!output.starts_with(kPython)) throw Error("is no Python: it does not tell a Python's version", "");
  output.remove_prefix(kPython.size());
  const auto version = output.substr(0, output.find_first_of(" \n"));
  constexpr std::string_view kMajor = "3.";
  int minor = 0;
  if (version.starts_with(kMajor)) {
    std::from_chars(version.data() + kMajor.size(), version.data() + version.size(), minor);
  }
  // Its --version goes on in a second line: "[PyPy 7.3.11 with GCC 12.2.0]".
  const bool is_pypy = output.find("\n[PyPy ") != std::string_view::npos;
  if (minor < (is_pypy ? kOldestPyPyMinor : kOldestMinor))
    throw Error(fmt::format("is Python {}, too old", version), "");
  return ProgramKind::Python;
}

std::vector<std::string> find_hosts(const fs::path& own) {
  std::vector<std::string> others;
  const auto build = own.parent_path().parent_path().parent_path();  // FOLDER/cpython-…
  const auto inside = own.lexically_relative(build);
  std::error_code error;
  for (fs::directory_iterator entry(build.parent_path(), error), end; !error && entry != end;
       entry.increment(error)) {
    const auto host = entry->path() / inside;
    std::error_code ignored;
    const bool is_host = entry->path().filename().string().starts_with("cpython-") && host != own &&
                         fs::is_regular_file(host, ignored) && access(host.c_str(), X_OK) == 0;
    if (is_host) others.push_back(host.string());
  }
  std::ranges::sort(others);
  others.insert(others.begin(), own.string());
  return others;
}

std::vector<ChosenPython> choose_pythons(const std::vector<std::string>& paths, const TrialProgram& own,
                                         const StockTrialFolder& stock) {
  Hosts hosts(own.engine == Engine::Host ? find_hosts(own.command.front()) : std::vector<std::string>());
  std::vector<ChosenPython> chosen;
  std::set<std::string> known;
  for (const auto& path : paths) {
    try {
      auto python = choose_python(path, hosts, stock);
      if (known.insert(python.identity).second) chosen.push_back(std::move(python));
    } catch (const Error& error) {
      if (error.exit_code() == ExitCode::Usage) throw;
      refuse(path, error.what());
    }
  }
  return chosen;
}

}  // namespace gilscope
