#include "report/finding_text.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/core.h>

#include "analysis/judge_cpu.h"
#include "analysis/judge_loops.h"
#include "analysis/judge_run.h"
#include "analysis/user_code.h"
#include "report/blame_text.h"
#include "report/export_text.h"
#include "report/lock_text.h"
#include "report/text.h"
#include "report/world_text.h"

namespace gilscope {
namespace {

constexpr std::size_t kNameColumns = 28;  // of a thread, in a sentence

// Who it is about; a run may have several processes.
struct Words {
  std::string culprits;
  std::string victims;
  std::string at;     // " at app.py:41 parse"; "" where that is not known
  std::string doing;  // " in re.Pattern.search", likewise
  std::string share;  // ", 83 % of all"; "" where that is not known
};

// "a", "a and b", "a and 10 more".
std::string list_names(const std::vector<ThreadId>& threads, const ProcessSummary* process) {
  const auto name = [&](std::size_t i) {
    const auto full = process == nullptr ? describe_thread(threads[i], "") : name_of(*process, threads[i]);
    return shorten(full, kNameColumns);
  };
  if (threads.empty()) return "another thread";
  if (threads.size() == 1) return name(0);
  if (threads.size() == 2) return fmt::format("{} and {}", name(0), name(1));
  return fmt::format("{} and {} more", name(0), threads.size() - 1);
}

Words find_words(const RunFinding& finding, const ProcessSummary* process) {
  Words words{.culprits = list_names(finding.culprits, process),
              .victims = list_names(finding.victims, process)};
  words.culprits += describe_processes(finding);
  if (finding.victims.empty()) words.victims = "others";
  if (const auto line = describe_line(finding.place, finding.stack); !line.empty()) words.at = " at " + line;
  if (finding.work)
    words.doing = (finding.work->kind == WorkKind::Freeing ? ", " : " ") + describe_work(*finding.work);
  if (finding.share) words.share = fmt::format(", {} of all", format_share(*finding.share));
  return words;
}

std::string times(std::uint64_t count) { return count == 1 ? "once" : fmt::format("{} times", count); }

// What the loop of the victim had of it, or else that it waited.
std::string describe_effect(const RunFinding& finding, const Words& words, const ProcessSummary* process) {
  if (!finding.loop_stall || !finding.victim) {
    return fmt::format("{} waited {}{}", words.victims, format_duration(finding.lost), words.share);
  }
  return fmt::format("{}'s loop stood still up to {}{}", list_names({*finding.victim}, process),
                     format_duration(*finding.loop_stall), words.share);
}

// Python code gives the GIL up when it is asked to. What was done is said, where it is known, beside the
// line.
std::string describe_keeping(const std::optional<CpuOfHolds>& lack, bool is_known) {
  if (!lack) return is_known ? "" : ", probably in C or freeing objects";
  if (is_sleep(*lack))
    return fmt::format(", in a call that sleeps (CPU time: {})", format_duration(lack->cpu));
  if (lack->cpu_wait)
    return fmt::format(", probably for want of a CPU (it waited {} for one)",
                       format_duration(*lack->cpu_wait));
  return fmt::format(", probably for want of a CPU (it had {} of {})", format_duration(lack->cpu),
                     format_duration(lack->held));
}

std::string describe_kept(const RunFinding& finding, const ProcessSummary* process) {
  const auto words = find_words(finding, process);
  const auto lack = process == nullptr ? std::nullopt : find_lack_of_cpu(finding, *process);
  const bool is_for_want_of_cpu = lack && !is_sleep(*lack);
  const auto holds = finding.count == 1 ? "once, " : fmt::format("{} × up to ", finding.count);
  const bool is_freeing = finding.work && finding.work->kind == WorkKind::Freeing;
  return fmt::format("{} kept the GIL{}{}, {}{}{}: {}; {}", words.culprits,
                     is_for_want_of_cpu ? "" : words.doing, words.at, holds, format_duration(finding.longest),
                     describe_keeping(lack, finding.work.has_value()),
                     describe_effect(finding, words, process),
                     is_for_want_of_cpu ? "measure on an idle machine"
                     : is_freeing       ? "free it in parts, or keep it"
                                        : "let it release the GIL, or use a process");
}

std::string describe_collection(const RunFinding& finding, const ProcessSummary* process) {
  const auto words = find_words(finding, process);
  const auto holds =
      fmt::format("{}up to {}", finding.count == 1 ? "once, " : fmt::format("{} × ", finding.count),
                  format_duration(finding.longest));
  const auto effect = describe_effect(finding, words, process);
  const std::string advice = "gc.freeze() what stays, or collect less often";
  const auto generation = finding.work ? replace_controls(finding.work->name) : std::string();
  if (finding.work && finding.work->kind == WorkKind::Collect) {
    return fmt::format("{} called gc.collect(){}, which kept the GIL {}: {}; {}", words.culprits, words.at,
                       holds, effect, advice);
  }
  return fmt::format("the garbage collector{} kept the GIL in {}, {}: {}; {} (gc.set_threshold)",
                     generation.empty() ? "" : " (" + generation + ")", words.culprits, holds, effect,
                     advice);
}

// Nobody waited for the GIL meanwhile: it is only the loop that did not go on.
std::string describe_own_stall(const RunFinding& finding, const ProcessSummary* process) {
  const auto words = find_words(finding, process);
  const auto longest = format_duration(finding.longest);
  const auto begin = finding.since && finding.processes == 1
                         ? fmt::format(" ({}after {})", finding.count == 1 ? "" : "the longest ",
                                       format_duration(*finding.since))
                         : std::string();
  const auto how_long = finding.count == 1 ? fmt::format("once, for {}", longest)
                                           : fmt::format("{} × up to {}, {} in all", finding.count, longest,
                                                         format_duration(*finding.stood_still));
  const bool collects = is_collection(finding.work);
  const bool waits = process != nullptr && is_blocked(finding, *process);
  return fmt::format("the event loop of {} stood still {}{}{}{}; {}", words.culprits, how_long, begin,
                     collects ? fmt::format(", as {} ran ({})",
                                            finding.work->kind == WorkKind::Collect ? "gc.collect()"
                                                                                    : "the garbage collector",
                                            replace_controls(finding.work->name))
                     : finding.place ? ", in " + describe_function(*finding.place)
                                     : "",
                     waits && !collects ? ", which slept or waited" : "",
                     collects ? "gc.freeze() what stays, or collect less often"
                     : waits  ? "await that instead, or use asyncio.to_thread"
                              : "await in between, or run that in a ProcessPoolExecutor");
}

std::string describe_stall(const RunFinding& finding, const ProcessSummary* process) {
  if (finding.stood_still) return describe_own_stall(finding, process);
  if (finding.culprit != finding.victim) return describe_kept(finding, process);
  const auto words = find_words(finding, process);
  const auto task = task_of(finding.stack);
  return fmt::format(
      "the event loop of {} stood still for up to {}, as {} kept the GIL{}, {}{}; await in between, or "
      "run that in a ProcessPoolExecutor",
      words.culprits, format_duration(finding.longest),
      task ? replace_controls(task->function) : "its own code", words.doing + words.at, times(finding.count),
      words.share);
}

std::string describe_convoy(const RunFinding& finding, const ProcessSummary* process) {
  const auto words = find_words(finding, process);
  return fmt::format(
      "{} compute{}{} and give{} the GIL up only after {}: {}, in {}; compute in another process",
      words.culprits, finding.culprits.size() < 2 ? "s" : "", words.at,
      finding.culprits.size() < 2 ? "s" : "", format_duration(finding.interval.value_or(kSwitchInterval)),
      describe_effect(finding, words, process), count_of(finding.count, "hold"));
}

std::string describe_computing(const RunFinding& finding, const ProcessSummary* process) {
  const auto at_most = finding.at_most.value_or(1);
  if (!finding.pid) {
    return fmt::format(
        "several threads compute in Python at once, and more of them make this at most {:.2f} × faster: "
        "processes or sub-interpreters have a GIL each; `gilscope compare` says which pays",
        at_most);
  }
  const auto words = find_words(finding, process);
  const bool is_of_others = finding.loop_stall || finding.victims.size() > finding.culprits.size() + 1;
  const auto effect = is_of_others
                          ? describe_effect(finding, words, process)
                          : fmt::format("they waited {}{}", format_duration(finding.lost), words.share);
  return fmt::format(
      "{} compute at once{}{}: {}; threads make this at most {:.2f} × faster, processes have a GIL each",
      words.culprits, words.at.empty() ? "" : ", mostly", words.at, effect, at_most);
}

std::string describe_polling(const RunFinding& finding, const ProcessSummary* process) {
  const auto words = find_words(finding, process);
  return fmt::format(
      "{} probably poll{}: they asked for the GIL again at once, {} × for {}, while {} {}{}; wait for an "
      "Event, or do more each time",
      words.culprits, words.at, finding.count, format_duration(finding.mean_hold.value_or(Nanoseconds{})),
      words.victims, finding.victims.size() == 1 ? "computes" : "compute",
      words.share.empty() ? "" : words.share + " waits");
}

std::string describe_tasks(const RunFinding& finding, const ProcessSummary* process) {
  const auto words = find_words(finding, process);
  const auto each = finding.mean_hold
                        ? fmt::format(", to work for {} each time", format_duration(*finding.mean_hold))
                        : std::string();
  return fmt::format(
      "handing over tiny tasks{} takes the GIL: {} waited {}{}{}; batch the tasks, or do them in a "
      "plain loop",
      words.at, words.victims, format_duration(finding.lost), words.share, each);
}

std::string describe_releases(const RunFinding& finding, const ProcessSummary* process) {
  const std::string advice = "fewer threads, larger steps, or asyncio";
  if (!finding.pid) {
    return fmt::format(
        "threads give the GIL up often, and wait to get it back: {}; `gilscope compare` says which "
        "pays",
        advice);
  }
  const auto words = find_words(finding, process);
  return fmt::format("{} give{} the GIL up again and again{}{}, {} as others asked for it: {}; {}",
                     words.culprits, finding.culprits.size() < 2 ? "s" : "",
                     words.at.empty() ? "" : ", mostly", words.at, times(finding.count),
                     describe_effect(finding, words, process), advice);
}

// Where it stands now is known where somebody who waited saw it; else where it got the GIL.
std::string describe_open(const RunFinding& finding, const ProcessSummary* process) {
  const auto words = find_words(finding, process);
  const bool was_seen = !finding.stack.empty();
  const auto begin = process == nullptr ? Nanoseconds{} : process->wall_ns - finding.longest;
  return fmt::format(
      "{} got the GIL after {}{} and has kept it since, for {}{}: {} waited {}{}; a deadlock, or a call in C "
      "that does not return",
      words.culprits, format_duration(std::max(begin, Nanoseconds{})), was_seen ? "" : words.at,
      format_duration(finding.longest), was_seen ? words.doing + words.at : "", words.victims,
      format_duration(finding.lost), words.share);
}

std::string describe_starved(const RunFinding& finding, const RunSummary& summary) {
  const auto whose = summary.processes.size() < 2 ? std::string("the process")
                     : finding.processes > 1
                         ? fmt::format("process {} and {} more", *finding.pid, finding.processes - 1)
                         : fmt::format("process {}", *finding.pid);
  const auto& throttled = summary.probe.losses.throttled;
  const auto quota = throttled > Nanoseconds{}
                         ? fmt::format(" (its cgroup was throttled for {})", format_duration(throttled))
                         : "";
  return fmt::format(
      "{} given a CPU for {} of the time {} wanted one{}: figures of waiting are those of the machine; "
      "measure on an idle one",
      whose + (finding.processes > 1 ? " were" : " was"), format_share(finding.cpu_share.value_or(0)),
      finding.processes > 1 ? "they" : "it", quota);
}

std::string describe_interval(const RunFinding& finding) {
  const auto gain = format_duration(finding.gain.value_or(Nanoseconds{}));
  const auto cost = format_duration(finding.cost.value_or(Nanoseconds{}));
  // As those who waited showed it: one digit of that is sure.
  const std::chrono::duration<double> interval(finding.interval.value_or(kSwitchInterval));
  const auto change = fmt::format("a switch interval of a tenth, sys.setswitchinterval({:.1g})",
                                  interval.count() / kShorterInterval);
  if (finding.gain <= finding.cost) {
    return fmt::format("leave the switch interval as it is: {}, would save up to {}, and cost up to {}",
                       change, gain, cost);
  }
  return fmt::format("{}, would save up to {} of the {} lost so, and cost up to {}", change, gain,
                     format_duration(finding.lost), cost);
}

std::string describe_whole(const RunFinding& finding, const RunSummary& summary) {
  const auto held =
      fmt::format("the GIL was held {} of the time", format_share(finding.hold_share.value_or(0)));
  switch (finding.kind) {
    case RunFinding::Kind::LittleToGain:
      return held +
             ", so threads have little to gain: use processes or sub-interpreters, or C code that releases "
             "it; `gilscope compare` says which pays";
    case RunFinding::Kind::HeldAsleep:
      return held +
             ", and a CPU was used for less than half of that: a call sleeps with the GIL; other threads "
             "could run meanwhile if it were released there";
    case RunFinding::Kind::IoBound:
      if (summary.processes.size() > 1) {
        return "no process held its GIL or used a CPU for half of its time: they wait for something else";
      }
      return held + ", and a CPU was busy for less than half of it: this waits for something else" +
             // Of a run that was ended from outside that may be what never came.
             (summary.ended_by.empty() ? ", and threads or asyncio are fine" : "");
    case RunFinding::Kind::ReleasedByC:
      return held + ", and most of the CPU time went by without it, in C: threads are fine";
    default:
      return fmt::format("leave the GIL as it is: all waits for it together took {}",
                         format_duration(finding.lost));
  }
}

}  // namespace

std::string_view name_of(RunFinding::Kind kind) noexcept {
  switch (kind) {
    case RunFinding::Kind::NeverReleased:
      return "never_released";
    case RunFinding::Kind::Deadlock:
      return "deadlock";
    case RunFinding::Kind::LackOfCpu:
      return "lack_of_cpu";
    case RunFinding::Kind::BusyPolling:
      return "busy_polling";
    case RunFinding::Kind::TinyTasks:
      return "tiny_tasks";
    case RunFinding::Kind::KeptByC:
      return "kept_by_c";
    case RunFinding::Kind::GarbageCollection:
      return "garbage_collection";
    case RunFinding::Kind::Convoy:
      return "convoy";
    case RunFinding::Kind::LockTurns:
      return "lock_turns";
    case RunFinding::Kind::SharedObject:
      return "shared_object";
    case RunFinding::Kind::StoppedWorld:
      return "stopped_world";
    case RunFinding::Kind::GilReturn:
      return "gil_return";
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
    case RunFinding::Kind::HeldAsleep:
      return "held_asleep";
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
  const auto* const process = process_of(finding, summary);
  switch (finding.kind) {
    case RunFinding::Kind::NeverReleased:
      return describe_open(finding, process);
    case RunFinding::Kind::Deadlock:
      return process == nullptr ? "a deadlock" : describe_deadlock(finding, *process);
    case RunFinding::Kind::KeptByC:
      return describe_kept(finding, process);
    case RunFinding::Kind::GarbageCollection:
      return describe_collection(finding, process);
    case RunFinding::Kind::StalledLoop:
      return describe_stall(finding, process);
    case RunFinding::Kind::ComputingThreads:
      return describe_computing(finding, process);
    case RunFinding::Kind::Convoy:
      return describe_convoy(finding, process);
    case RunFinding::Kind::LockTurns:
      return describe_turns(finding, process);
    case RunFinding::Kind::SharedObject:
      return describe_shared_object(finding, process);
    case RunFinding::Kind::StoppedWorld:
      return describe_world_stops(finding, process);
    case RunFinding::Kind::GilReturn:
      return describe_gil_import(finding, process);
    case RunFinding::Kind::BusyPolling:
      return describe_polling(finding, process);
    case RunFinding::Kind::TinyTasks:
      return describe_tasks(finding, process);
    case RunFinding::Kind::FrequentReleases:
      return describe_releases(finding, process);
    case RunFinding::Kind::LackOfCpu:
      return describe_starved(finding, summary);
    case RunFinding::Kind::SwitchInterval:
      return describe_interval(finding);
    default:
      return describe_whole(finding, summary);
  }
}

}  // namespace gilscope
