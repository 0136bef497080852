#include "report/finding_text.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/core.h>

#include "analysis/run_findings.h"
#include "report/blame_text.h"
#include "report/export_text.h"
#include "report/text.h"

namespace gilscope {
namespace {

// Who it is about; a run may have several processes.
struct Words {
  std::string culprit;
  std::string victim;
  std::string at;    // " at app.py:41 parse"; "" where that is not known
  std::string lack;  // ", or computer was given no CPU (…)"; "" where that is no explanation
};

Words find_words(const RunFinding& finding, const RunSummary& summary) {
  const auto* const process = process_of(finding, summary);
  const auto name = [&](std::optional<ThreadId> thread) {
    if (!thread) return std::string("another thread");
    return process == nullptr ? describe_thread(*thread, "") : name_of(*process, *thread);
  };
  Words words{.culprit = name(finding.culprit), .victim = name(finding.victim)};
  if (const auto line = describe_line(finding.place, finding.stack); !line.empty()) words.at = " at " + line;
  if (const auto lack = find_lack_of_cpu(finding, summary)) {
    words.lack = fmt::format(", or {} was given no CPU (it held the GIL for {} with {} of CPU time)",
                             words.culprit, format_duration(lack->held), format_duration(lack->cpu));
  }
  return words;
}

std::string describe_kept(const RunFinding& finding, const Words& words) {
  return fmt::format(
      "{}{} kept the GIL for up to {} while {} asked for it, which cost others {} in {}: Python code gives "
      "it up within a switch interval, so a call in C keeps it{}; let that call release the GIL, or make it "
      "in another process",
      words.culprit, words.at, format_duration(finding.longest), words.victim, format_duration(finding.lost),
      count_of(finding.count, "hold"), words.lack);
}

std::string describe_convoy(const RunFinding& finding, const Words& words) {
  return fmt::format(
      "{} gives the GIL up again and again, and lost {} in {} to get it back, up to {} each: {} computes{} "
      "and gives it up after a switch interval only; compute in another process",
      words.victim, format_duration(finding.lost), count_of(finding.count, "wait"),
      format_duration(finding.longest), words.culprit, words.at);
}

std::string describe_stall(const RunFinding& finding, const Words& words) {
  if (finding.culprit == finding.victim) {
    const auto task = task_of(finding.stack);
    return fmt::format(
        "the event loop of {} stood still for up to {}, as {} kept it{}{}: await something in between, or "
        "run that in another process (loop.run_in_executor with a ProcessPoolExecutor)",
        words.victim, format_duration(finding.longest),
        task ? replace_controls(task->function) : "its own code", words.at, words.lack);
  }
  return fmt::format(
      "the event loop of {} stood still for up to {} at a time, {} in {}, and waited for the GIL that {} "
      "had{}{}: run that in another process (loop.run_in_executor with a ProcessPoolExecutor), or let it "
      "release the GIL",
      words.victim, format_duration(finding.longest), format_duration(finding.lost),
      count_of(finding.count, "wait"), words.culprit, words.at, words.lack);
}

std::string describe_interval(const RunFinding& finding) {
  const auto gain = format_duration(finding.gain.value_or(Nanoseconds{}));
  const auto cost = format_duration(finding.cost.value_or(Nanoseconds{}));
  const auto change = fmt::format("a switch interval of a tenth, sys.setswitchinterval({})",
                                  std::chrono::duration<double>(kSwitchInterval).count() / kShorterInterval);
  if (finding.gain <= finding.cost) {
    return fmt::format("leave the switch interval as it is: {}, would save up to {}, and cost up to {}",
                       change, gain, cost);
  }
  return fmt::format("{}, would save up to {} of the {} lost in convoys, and cost up to {}", change, gain,
                     format_duration(finding.lost), cost);
}

std::string describe_run(const RunFinding& finding) {
  const auto held =
      fmt::format("the GIL was held {} of the time", format_share(finding.hold_share.value_or(0)));
  switch (finding.kind) {
    case RunFinding::Kind::ComputingThreads:
      return fmt::format(
          "several threads compute in Python at once, and more of them could make this at most {:.2f} × "
          "faster: processes or sub-interpreters have a GIL each, and C code can release it; `gilscope "
          "compare` says which pays",
          finding.at_most.value_or(1));
    case RunFinding::Kind::FrequentReleases:
      return "threads give the GIL up often, and wait to get it back: fewer threads, larger steps between "
             "two waits for I/O, or asyncio; `gilscope compare` says which pays";
    case RunFinding::Kind::LittleToGain:
      return held +
             ", so threads have little to gain: use processes or sub-interpreters, or C code that releases "
             "it; `gilscope compare` says which pays";
    case RunFinding::Kind::IoBound:
      return held +
             ", and a CPU was busy for less than half of it: this waits for something else, and threads or "
             "asyncio are fine";
    case RunFinding::Kind::ReleasedByC:
      return held + ", and most of the work went on without it, in C: threads are fine";
    default:
      return fmt::format("leave the GIL as it is: all waits for it together took {}",
                         format_duration(finding.lost));
  }
}

}  // namespace

std::string_view name_of(RunFinding::Kind kind) noexcept {
  switch (kind) {
    case RunFinding::Kind::KeptByC:
      return "kept_by_c";
    case RunFinding::Kind::Convoy:
      return "convoy";
    case RunFinding::Kind::StalledLoop:
      return "stalled_loop";
    case RunFinding::Kind::SwitchInterval:
      return "switch_interval";
    case RunFinding::Kind::ComputingThreads:
      return "computing_threads";
    case RunFinding::Kind::FrequentReleases:
      return "frequent_releases";
    case RunFinding::Kind::LittleToGain:
      return "little_to_gain";
    case RunFinding::Kind::IoBound:
      return "io_bound";
    case RunFinding::Kind::ReleasedByC:
      return "released_by_c";
    case RunFinding::Kind::NoBottleneck:
      break;
  }
  return "no_bottleneck";
}

std::string describe_finding(const RunFinding& finding, const RunSummary& summary) {
  switch (finding.kind) {
    case RunFinding::Kind::KeptByC:
      return describe_kept(finding, find_words(finding, summary));
    case RunFinding::Kind::Convoy:
      return describe_convoy(finding, find_words(finding, summary));
    case RunFinding::Kind::StalledLoop:
      return describe_stall(finding, find_words(finding, summary));
    case RunFinding::Kind::SwitchInterval:
      return describe_interval(finding);
    default:
      return describe_run(finding);
  }
}

}  // namespace gilscope
