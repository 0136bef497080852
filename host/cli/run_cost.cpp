#include "cli/run_cost.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "analysis/tracing_cost.h"
#include "cli/last_words.h"
#include "cli/progress.h"
#include "report/cost_report.h"
#include "report/summary_report.h"
#include "run/child.h"
#include "run/trial_runner.h"
#include "support/error.h"
#include "support/temporary_folder.h"

namespace gilscope::cli {
namespace {

// Who measures a program decides when it hangs: Ctrl-C ends it.
constexpr Nanoseconds kNoLimit = std::chrono::hours(24 * 3650);
// For the program's own words at a Ctrl-C.
constexpr Nanoseconds kGrace = std::chrono::seconds(1);

using Words = std::vector<std::string>;

// The rounds that were done, and how it ended.
struct Measured {
  std::vector<CostRound> rounds;
  CostContext context;
  std::optional<int> failed_with;  // the exit code of a run that was not 0
  std::optional<int> interrupted_by;
};

// One program, and the ways to run it.
class CostRuns {
 public:
  CostRuns(const RunOptions& options, const Invocation& invocation)
      : options_(options), tail_(invocation.tail), program_(invocation.host.program()) {}

  // With a report, its output shown: what comes before the first round is in no figure. It has read the files
  // that the others read from memory.
  [[nodiscard]] ChildResult run_first() const {
    auto words = traced(options_.capture.output, options_.common.force);
    words.insert(words.end(), {"--json", summary_file().string()});
    return run(std::move(words), ChildOutput::Shown);
  }
  // Empty where the first run has left no report.
  [[nodiscard]] std::string read_summary_text() const {
    std::ifstream file(summary_file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // Their captures, one over the other, are gone at the end.
  [[nodiscard]] ChildResult run_traced() const {
    const bool keeps_events = !options_.capture.output.empty();
    return run(traced(keeps_events ? (folder_.path() / "capture").string() : "", keeps_events),
               ChildOutput::OnlyErrors);
  }
  [[nodiscard]] ChildResult run_untraced() const {
    return run({"run", "-q", "--no-probe"}, ChildOutput::OnlyErrors);
  }

 private:
  [[nodiscard]] std::filesystem::path summary_file() const { return folder_.path() / "summary.json"; }

  [[nodiscard]] Words traced(const std::string& output, bool is_forced) const {
    Words words{"run", "-q"};
    if (options_.stacks == Stacks::Off) words.emplace_back("--no-stacks");
    const auto& flight = options_.flight;
    if (!output.empty()) words.insert(words.end(), {"-o", output});
    if (flight.is_wanted()) {
      words.insert(words.end(), {"--keep", flight.keep, "--dump", (folder_.path() / "dumps").string()});
      for (const auto& when : flight.when) words.insert(words.end(), {"--when", when});
    }
    const bool is_size_of_keep = flight.is_wanted() && parse_keep(flight.keep).bytes;
    if ((!output.empty() || flight.is_wanted()) && !is_size_of_keep) {
      words.insert(words.end(), {"--max-size", std::to_string(options_.capture.max_size)});
    }
    if (is_forced) words.emplace_back("--force");
    return words;
  }

  [[nodiscard]] ChildResult run(Words words, ChildOutput output) const {
    auto command = program_.command;
    command.insert(command.end(), std::make_move_iterator(words.begin()),
                   std::make_move_iterator(words.end()));
    command.emplace_back("--");
    command.insert(command.end(), tail_.begin(), tail_.end());
    return run_or_interrupt({.arguments = std::move(command),
                             .environment = program_.environment,
                             .timeout = kNoLimit,
                             .grace = kGrace,
                             .output = output,
                             .takes_input = true});
  }

  const RunOptions& options_;
  const Words& tail_;
  TrialProgram program_;
  TemporaryFolder folder_;
};

std::optional<int> failure_of(const ChildResult& result) {
  const int code = result.end == ChildResult::End::Signalled ? 128 + result.code : result.code;
  return code == 0 ? std::nullopt : std::optional(code);
}

void say_failure(int code, const std::string& which, const std::string& errors) {
  print_error(
      fmt::format("gilscope: {} ended with exit code {}: what tracing costs is not measured\n", which, code));
  if (!errors.empty())
    print_error(fmt::format("  its last words: {}\n", replace_controls(last_line(errors))));
}

void take_summary(const std::string& text, CostContext& context) {
  if (text.empty()) return;
  const RunSummary summary = read_summary(text);
  auto document = nlohmann::ordered_json::parse(text);
  context.python = std::move(document["python"]);
  context.machine = std::move(document["machine"]);
  context.has_gil = summary.verdict.kind != RunVerdict::Kind::NoGil;
  context.said_share = summary.probe.cost_share;
}

// Each round's runs in the other order than those of the round before: what the second one finds warm, or
// hot, is not for one side alone.
void run_cost_rounds(const CostRuns& runs, const RunOptions& options, Measured& measured) {
  Progress progress(2 * std::size_t{options.rounds}, options.common.quiet);
  for (unsigned number = 0; number < options.rounds; ++number) {
    CostRound round;
    for (const bool is_second : {false, true}) {
      const bool is_traced = (number % 2 == 0) != is_second;
      const auto* const how = is_traced ? "with tracing" : "without";
      progress.show(fmt::format("round {} of {}, {}", number + 1, options.rounds, how));
      const auto result = is_traced ? runs.run_traced() : runs.run_untraced();
      measured.failed_with = failure_of(result);
      if (measured.failed_with) {
        progress.hide();
        say_failure(*measured.failed_with, fmt::format("the run {} of round {}", how, number + 1),
                    result.errors);
        return;
      }
      (is_traced ? round.traced : round.untraced) = {.wall = result.wall, .cpu = result.cpu};
      progress.step();
    }
    measured.rounds.push_back(round);
  }
}

Measured run_all(const RunOptions& options, const Invocation& invocation) {
  Measured measured;
  measured.context = {.command = invocation.command,
                      .of = options.capture.output.empty() && !options.flight.is_wanted() ? CostOf::Counters
                                                                                          : CostOf::Capture,
                      .rounds = options.rounds};
  const CostRuns runs(options, invocation);
  try {
    measured.failed_with = failure_of(runs.run_first());
    if (measured.failed_with) {
      say_failure(*measured.failed_with, "the first run", "");
      return measured;
    }
    take_summary(runs.read_summary_text(), measured.context);
    run_cost_rounds(runs, options, measured);
  } catch (const Interrupted& interrupted) {
    measured.interrupted_by = interrupted.signal;
  }
  return measured;
}

bool is_input_a_file() noexcept {
  struct stat status{};
  return fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode);
}

std::string describe_folder(const std::string& folder) {
  if (folder.empty()) return "";
  return fmt::format("The capture of the first run is in {}: gilscope report shows it.\n",
                     replace_controls(std::filesystem::absolute(folder).string()));
}

}  // namespace

void check_cost_options(const RunOptions& options, const Invocation& invocation, bool is_rounds_given) {
  const auto refuse = [](const char* what, const char* hint) {
    throw Error(std::string("run: ") + what, hint, ExitCode::Usage);
  };
  if (!options.cost) {
    if (is_rounds_given) refuse("--rounds is of --cost, which is not there", "run --cost --rounds N SCRIPT");
    return;
  }
  if (options.no_probe)
    refuse("--cost runs without tracing as well: --no-probe leaves nothing to compare", "leave it out");
  if (!list_exports(options.capture.exports).empty()) {
    refuse("--cost measures, and exports nothing: there is nothing for --html, --trace and their like",
           "run once more without --cost, or -o DIR and gilscope report DIR");
  }
  if (options.common.quiet && options.common.json.empty() && options.report.empty()) {
    refuse("--cost with -q measures and tells nobody", "--json FILE or --report FILE, or leave -q out");
  }
  if (invocation.tail.front() == "-" && !is_input_a_file()) {
    refuse("--cost runs the program more than once, and standard input can be read once", "name its file");
  }
}

int measure_cost(const RunOptions& options, const Invocation& invocation) {
  const auto& common = options.common;
  const InterruptGuard guard;
  const Measured measured = run_all(options, invocation);
  if (measured.interrupted_by) {
    print_error(
        fmt::format("gilscope: interrupted after {} of {} rounds\n", measured.rounds.size(), options.rounds));
  }
  const bool is_done = !measured.interrupted_by && !measured.failed_with;
  if (is_done || (measured.interrupted_by && !measured.rounds.empty())) {
    const TracingCost cost = judge_cost(measured.rounds);
    if (!common.quiet || !options.report.empty()) {
      LastWords(options.report, common.existing()).report([&](const TextStyle& style) {
        return format_cost(cost, measured.context, style) + describe_folder(options.capture.output);
      });
    }
    if (!common.json.empty()) write_json(common, cost_json(cost, measured.context));
  }
  if (measured.failed_with) return *measured.failed_with;
  return measured.interrupted_by ? 128 + *measured.interrupted_by : static_cast<int>(ExitCode::Done);
}

}  // namespace gilscope::cli
