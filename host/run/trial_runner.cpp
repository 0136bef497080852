#include "run/trial_runner.h"

#include <csignal>
#include <cstring>
#include <sstream>
#include <utility>

#include <fmt/ranges.h>

#include "run/stock_python.h"
#include "support/environment.h"
#include "support/error.h"
#include "support/log.h"

namespace gilscope {
namespace {

// Of a line of a traceback, that it is of the trial's own: frozen into a host, or of the files by which a
// stock Python was started.
bool is_own_frame(const std::string& line, const TrialProgram& program) {
  const auto is_of = [&](const std::string& file) { return line.find(file) != std::string::npos; };
  if (is_of("\"<frozen _gilscope_")) return true;
  if (program.engine == Engine::Host) return false;
  return is_of("\"<frozen runpy>") ||
         is_of(program.engine == Engine::Timing ? program.command.back() : "/gilscope/__main__.py\"");
}

// The lines of a crash's last words that are the user's: the trial's own frames tell them nothing.
std::string without_own_frames(const std::string& text, const TrialProgram& program) {
  std::istringstream lines(text);
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    if (!is_own_frame(line, program)) kept += line + '\n';
  }
  return kept;
}

// The words for an end that was not exit code 0. A crash's last words are CPython's ("Fatal Python error:
// …").
TrialFailure describe_end(const ChildResult& result, Nanoseconds timeout, bool has_record) {
  const char* when = has_record ? " after its tasks had ended" : "";
  switch (result.end) {
    case ChildResult::End::TimedOut:
      return {TrialFailure::Kind::Timeout, fmt::format("ran longer than {:g} s{}", to_seconds(timeout), when),
              ""};
    case ChildResult::End::Signalled:
      return {TrialFailure::Kind::Ended,
              fmt::format("its process was ended by {}{}", signal_name(result.code), when), ""};
    case ChildResult::End::Exited:
    case ChildResult::End::Interrupted:
      break;
  }
  return {TrialFailure::Kind::Ended,
          fmt::format("its process ended with exit code {}{}", result.code,
                      has_record ? when : " before its tasks did"),
          ""};
}

}  // namespace

void throw_if_interrupted() {
  if (const auto signal = InterruptGuard::signal()) throw Interrupted(*signal);
}

ChildResult run_or_interrupt(const ChildCommand& command) {
  log_debug("runs: {}", fmt::join(command.arguments, " "));
  auto result = run_child(command);
  if (result.end == ChildResult::End::Interrupted) throw Interrupted(result.code);
  if (!result.errors.empty()) log_debug("its standard error:\n{}", result.errors);
  return result;
}

TrialRecord run_trial_in_child(const TrialProgram& program, const TrialSpec& spec, Nanoseconds timeout,
                               std::uint32_t hash_seed) {
  // The last words of a trial that crashes or hangs are then the lines where it did.
  ChildCommand command{trial_command(program, spec), program.environment, timeout};
  command.environment.emplace_back("PYTHONFAULTHANDLER", "1");
  if (environment_variable("PYTHONHASHSEED").value_or("random") == "random") {
    command.environment.emplace_back("PYTHONHASHSEED", std::to_string(hash_seed));
  }
  const auto result = run_or_interrupt(command);
  const auto output = program.engine == Engine::Timing ? find_answer(result.output) : result.output;
  const bool ended_well = result.end == ChildResult::End::Exited && result.code == 0;
  TrialRecord record;
  bool has_record = false;
  try {
    if (!output.empty()) {
      record = parse_trial_record(output);
      has_record = true;
    }
  } catch (const Error&) {
    if (ended_well) throw;
    // Ended while it wrote its record: that is a row of the table, too.
  }
  if (!record.failure && (!ended_well || !has_record))
    record.failure = describe_end(result, timeout, has_record);
  if (record.failure && record.failure->traceback.empty()) {
    record.failure->traceback = without_own_frames(result.errors, program);
  }
  return record;
}

Surroundings examine_in_child(const TrialProgram& program) {
  constexpr auto kTimeout = std::chrono::seconds(60);
  auto command = program.command;
  command.insert(command.end(), {"doctor", "--json", "-"});
  const auto result = run_or_interrupt({command, program.environment, kTimeout});
  if (result.end != ChildResult::End::Exited || result.output.empty()) {
    throw Error("Python does not start in the host: " + last_line(result.errors),
                "`gilscope doctor` says more");
  }
  // A sitecustomize may have printed before it.
  const auto begin = result.output.find("{\n  \"schema\"");
  const auto text =
      begin == std::string::npos ? std::string_view() : std::string_view(result.output).substr(begin);
  auto doctor = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!doctor.is_object() || !doctor.contains("python") || !doctor.contains("machine")) {
    throw Error("the host does not tell which Python it embeds", "`gilscope doctor --json -` should");
  }
  return {.python = std::move(doctor.at("python")), .machine = std::move(doctor.at("machine"))};
}

}  // namespace gilscope
