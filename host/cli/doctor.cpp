// gilscope doctor: what was found of Python and of the machine, what will limit the figures, and what to do.
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "analysis/findings.h"
#include "cli/cli.h"
#include "cli/probe_check.h"
#include "report/doctor_report.h"
#include "run/python_build.h"
#include "support/error.h"
#include "support/machine.h"

namespace gilscope::cli {
namespace {

constexpr const char* kDoctorDescription =
    "Says what Python and machine were found, what will limit the figures, and what to do.\n\n"
    "Example: gilscope doctor\n"
    "         gilscope doctor --json - | jq '.findings[] | select(.status != \"ok\")'\n"
    "Exit code 1 where there is a problem; warnings are 0.\n";

DoctorFacts gather_facts(PythonHost& host) {
  DoctorFacts facts;
  facts.machine = read_machine();
  host.with_python([&] {
    facts.python = describe_python(host.linkage());
    if (facts.python.has_gil()) facts.probe = check_probe();
  });
  return facts;
}

std::vector<Finding> without_sound_ones(std::vector<Finding> findings) {
  std::erase_if(findings, [](const Finding& finding) { return finding.status == Status::Ok; });
  return findings;
}

int run(const CommonOptions& options, PythonHost& host) {
  set_up_logging(options.verbosity());
  ResultOutput output(options);
  const DoctorFacts facts = gather_facts(host);
  const auto findings = diagnose(facts);
  output.deliver([&] { return doctor_json(facts, findings); },
                 [&](const TextStyle& style) {
                   return format_doctor_report(facts, options.quiet ? without_sound_ones(findings) : findings,
                                               style);
                 });
  return static_cast<int>(worst_status(findings) == Status::Problem ? ExitCode::AnswerIsNo : ExitCode::Done);
}

}  // namespace

void setup_doctor(CLI::App& app, const Invocation& invocation, Action& action) {
  const auto options = std::make_shared<CommonOptions>();
  auto* command = app.add_subcommand("doctor", kDoctorDescription);
  set_usage(*command, "gilscope doctor [options]");
  add_json(*command, *options);
  add_verbosity(*command, *options);
  command->callback([options, &invocation, &action] {
    action = [options, &invocation] { return run(*options, invocation.host); };
  });
}

}  // namespace gilscope::cli
