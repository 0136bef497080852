// The summary of a recording as text: the verdict, then a table a process.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <span>
#include <utility>

#include <fmt/ranges.h>

#include "analysis/judge_run.h"
#include "report/blame_text.h"
#include "report/export_text.h"
#include "report/finding_text.h"
#include "report/handoff_text.h"
#include "report/lock_text.h"
#include "report/loop_text.h"
#include "report/summary_report.h"
#include "report/table.h"
#include "report/thread_families.h"
#include "report/time_text.h"
#include "report/world_text.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

// With one blank between them: 96 columns.
constexpr std::array kThreadTable{Column{"thread", 20, Align::Left}, Column{"GIL", 4, Align::Right},
                                  Column{"holds", 10, Align::Right}, Column{"held", 7, Align::Right},
                                  Column{"waits", 9, Align::Right},  Column{"waited", 7, Align::Right},
                                  Column{"p50", 7, Align::Right},    Column{"p99", 7, Align::Right},
                                  Column{"max", 7, Align::Right},    Column{"forced", 8, Align::Right}};

using SummaryRow = std::array<std::string, kThreadTable.size()>;

// The busiest come first; --json has all.
constexpr std::size_t kMaxGils = 10;
constexpr std::size_t kMaxThreads = 20;

constexpr std::size_t kProcessNameColumns = 32;  // of a process, in a line with more
constexpr std::size_t kNameInVerdict = 28;       // of a thread

std::string name_of(const NamedThread& thread) {
  if (!thread.figures.id) return std::string(kMergedThreads);
  return replace_controls(describe_thread(*thread.figures.id, thread.name));
}

std::string optional_share(const std::optional<double>& share) { return share ? format_share(*share) : "-"; }

SummaryRow row_of(const ThreadTableRow& shown) {
  const NamedThread& thread = shown.thread;
  const auto& figures = thread.figures;
  SummaryRow row{
      shorten(name_of(thread), kThreadTable[0].columns),
      figures.gil == kEndedGils ? "past" : fmt::format("{}", static_cast<std::uint32_t>(figures.gil)),
      fmt::format("{}", figures.holds),
      optional_share(figures.hold_share),
      fmt::format("{}", figures.waits),
      optional_share(figures.wait_share),
      "-",
      "-",
      "-",
      fmt::format("{}", figures.forced)};
  if (figures.wait) {
    row[6] = format_duration(figures.wait->p50_ns);
    row[7] = format_duration(figures.wait->p99_ns);
  }
  if (shown.max_wait) row[8] = format_duration(*shown.max_wait);
  return row;
}

std::string describe_gil(const GilFigures& gil) {
  std::string name = fmt::format("GIL {}", static_cast<std::uint32_t>(gil.id));
  if (gil.id == kEndedGils) {
    name = fmt::format("past: {} of interpreters that have ended", count_of(gil.folded, "GIL"));
  }
  std::string of;
  if (!gil.interpreters.empty()) {
    of = gil.interpreters.front() == 0 ? " (main interpreter)"
                                       : fmt::format(" (interpreter {})", gil.interpreters.front());
  }
  return fmt::format("{}{}: held {} of the time, {}, {} forced, {}", name, of, optional_share(gil.hold_share),
                     count_of(gil.holds, "hold"), gil.forced, count_of(gil.handoffs, "hand-off"));
}

// Of processes that have no table.
std::string describe_helpers(std::span<const ProcessSummary* const> helpers) {
  std::vector<std::string> words;
  std::uint64_t programs = 0;
  for (const auto* process : helpers) {
    if (process->role == ProcessRole::Server) {
      words.push_back(fmt::format("process {}, the fork server", process->pid));
    } else {
      programs += std::max<std::uint64_t>(process->folded, 1);
    }
  }
  if (programs != 0)
    words.push_back(fmt::format("{} that became {}", count_of(programs, "fork"),
                                programs == 1 ? "another program" : "other programs"));
  return fmt::format("(Without a table, as they only help: {}; --json has them)", fmt::join(words, ", "));
}

// Which rows are of many threads, and of how many; the largest come first.
std::string describe_folded(std::span<const ThreadTableRow> rows) {
  constexpr std::size_t kMaxFamilies = 4;
  std::map<std::string, std::uint64_t> families;
  for (const auto& row : rows) {
    if (row.thread.figures.folded != 0) families[name_of(row.thread)] += row.thread.figures.folded;
  }
  if (families.empty()) return "";
  std::vector<std::pair<std::uint64_t, std::string>> sorted;
  for (const auto& [name, count] : families) sorted.emplace_back(count, name);
  std::ranges::sort(sorted, std::ranges::greater());
  std::vector<std::string> words;
  for (const auto& [count, name] : std::span(sorted).first(std::min(sorted.size(), kMaxFamilies))) {
    words.push_back(fmt::format("{} {}", count, name));
  }
  if (sorted.size() > kMaxFamilies)
    words.push_back(fmt::format("{} more names", sorted.size() - kMaxFamilies));
  return fmt::format("(Threads share a row by their name: {})", fmt::join(words, ", "));
}

std::string name_process(const ProcessSummary& process) {
  if (process.folded == 0) return fmt::format("process {}{}", process.pid, describe_name(process.name));
  const auto* const words = process.folded == 1 ? "process that has ended" : "processes that have ended";
  return fmt::format("{} {}{}", process.folded, words, describe_name(process.name));
}

std::string describe_shares(const ProcessSummary& process) {
  std::string text = fmt::format("{}{}: {}", name_process(process), describe_role(process.role),
                                 format_duration(process.wall_ns));
  if (process.folded != 0) text += " together";
  if (process.cpu_ns) text += fmt::format(", {} of CPU time", format_duration(*process.cpu_ns));
  return text;
}

std::string format_process_without_gil(const ProcessSummary& process, const TextStyle& style) {
  std::string text = format_thread_times(process, style);
  for (const auto& part :
       {format_lock_waits(process, style), format_open_waits(process, style), format_stops(process, style)}) {
    if (!part.empty()) text += '\n' + part;
  }
  return text;
}

std::string format_process(const ProcessSummary& process, const TextStyle& style) {
  if (process.gils.empty() && process.threads.empty()) return format_process_without_gil(process, style);
  std::string text = format_thread_times(process, style);
  if (!text.empty()) text += '\n';
  auto gils = process.gils;
  std::ranges::sort(gils, [](const GilFigures& left, const GilFigures& right) {
    return std::pair(right.hold_ns, left.id) < std::pair(left.hold_ns, right.id);
  });
  for (std::size_t i = 0; i < std::min(gils.size(), kMaxGils); ++i) {
    append_wrapped(text, describe_gil(gils[i]), style);
  }
  if (gils.size() > kMaxGils) {
    text += fmt::format("({} more GILs, less busy: --json has them)\n", gils.size() - kMaxGils);
  }
  text += '\n' + paint(format_titles(kThreadTable), "1", style.colour) + '\n';
  const auto rows = arrange_threads(process, kMaxThreads);
  for (const auto& row : std::span(rows).first(std::min(rows.size(), kMaxThreads))) {
    text += format_row(kThreadTable, row_of(row)) + '\n';
  }
  if (rows.size() > kMaxThreads) {
    text += fmt::format("({} more threads, less busy: --json has them)\n", rows.size() - kMaxThreads);
  }
  if (const auto folded = describe_folded(rows); !folded.empty()) append_wrapped(text, folded, style);
  for (const auto& part :
       {format_blame(process, style), format_lock_waits(process, style), format_open_waits(process, style),
        format_loop_stalls(process, style), format_handoffs(process, style)}) {
    if (!part.empty()) text += '\n' + part;
  }
  return text;
}

// The GIL that the verdict is about, with those of its threads that did most.
struct Judged {
  const ProcessSummary* process = nullptr;
  const NamedThread* holder = nullptr;  // held it longest
  const NamedThread* waiter = nullptr;  // waited for it longest
};

Judged find_judged(const RunSummary& summary) {
  Judged judged;
  for (const auto& process : summary.processes) {
    if (process.pid != summary.verdict.pid) continue;
    judged.process = &process;
    for (const auto& thread : process.threads) {
      const auto& figures = thread.figures;
      if (figures.gil != summary.verdict.gil) continue;
      if (judged.holder == nullptr || figures.hold_ns > judged.holder->figures.hold_ns)
        judged.holder = &thread;
      if (judged.waiter == nullptr || figures.wait_ns > judged.waiter->figures.wait_ns)
        judged.waiter = &thread;
    }
  }
  return judged;
}

// Which of several.
std::string name_gil(const RunSummary& summary, const Judged& judged) {
  std::string name = "the GIL";
  if (judged.process == nullptr) return name;
  if (judged.process->gils.size() > 1)
    name = fmt::format("GIL {}", static_cast<std::uint32_t>(*summary.verdict.gil));
  if (summary.processes.size() > 1) {
    name += " of " + name_process(*judged.process);
  }
  return name;
}

std::string describe_bottleneck(const RunSummary& summary) {
  const auto& verdict = summary.verdict;
  const auto judged = find_judged(summary);
  const auto waiters = fmt::format("{:.2g}", verdict.waiters.value_or(0));
  std::string text =
      fmt::format("{} was held {} of the time while {} {} waited, on average", name_gil(summary, judged),
                  optional_share(verdict.hold_share), waiters, waiters == "1" ? "thread" : "threads");
  if (judged.waiter != nullptr && judged.waiter->figures.wait_share) {
    text += fmt::format("; {} waited most, {} of its time", shorten(name_of(*judged.waiter), kNameInVerdict),
                        format_share(*judged.waiter->figures.wait_share));
  }
  if (judged.holder != nullptr) {
    text += fmt::format("; {} held it longest, {}", shorten(name_of(*judged.holder), kNameInVerdict),
                        optional_share(judged.holder->figures.hold_share));
  }
  if (verdict.explained.value_or(0) > 0) {
    text += fmt::format("; {} of the waiting is explained below", format_share(*verdict.explained));
  }
  return text;
}

}  // namespace

std::string describe_name(const std::string& name) {
  return name.empty() ? std::string()
                      : fmt::format(" ({})", shorten(replace_controls(name), kProcessNameColumns));
}

std::string describe_role(ProcessRole role) {
  if (role == ProcessRole::Server) return ", the fork server";
  const auto method = start_method_of(role);
  return method ? ", by " + *method : std::string();
}

namespace {

// "" where it did not.
std::string describe_gil_return(const std::vector<ProcessSummary>& processes) {
  for (const auto& process : processes) {
    if (!process.gil_return) continue;
    const auto& gil = *process.gil_return;
    const auto place = gil.place ? " at " + describe_line(gil.place, {*gil.place}) : std::string();
    return fmt::format(
        "; but it came back for good after {}{}, by the import of {}{}: what threads waited for it since is "
        "not "
        "in this report (PYTHON_GIL=1 records it)",
        format_duration(gil.since_ns), processes.size() > 1 ? " in " + name_process(process) : "",
        gil.module.empty() ? "a module" : replace_controls(gil.module), place);
  }
  return "";
}

std::string describe_without_gil(const std::vector<ProcessSummary>& processes) {
  std::string text = "this Python is free-threaded, and its GIL is off: ";
  if (processes.empty()) return text + "there was nothing to trace";
  Nanoseconds turns{};
  Nanoseconds stopped{};
  for (const auto& process : processes) {
    turns = add(turns, process.spun_ns);
    for (const auto& row : process.lock_waits) {
      if (row.is_for_turn()) turns = add(turns, row.total_ns);
      if (row.is_for_world()) stopped = add(stopped, row.total_ns);
    }
  }
  text += turns == Nanoseconds{}
              ? "nobody waited for it, nor for a turn at one of Python's locks"
              : fmt::format("nobody waited for it, and threads for {} for a turn at one of Python's locks",
                            format_duration(turns));
  text += describe_gil_return(processes);
  if (stopped != Nanoseconds{})
    text += fmt::format("; they stood for {} in a stopped world", format_duration(stopped));
  return text;
}

std::string describe_gils(const RunSummary& summary) {
  const auto& verdict = summary.verdict;
  switch (verdict.kind) {
    case RunVerdict::Kind::NoGil:
      return describe_without_gil(summary.processes);
    case RunVerdict::Kind::NothingRecorded:
      return "nothing was recorded of the GIL";
    case RunVerdict::Kind::Bottleneck:
      return describe_bottleneck(summary);
    case RunVerdict::Kind::NoBottleneck: {
      const bool are_several = summary.processes.size() > 1 || summary.processes.front().gils.size() > 1;
      return fmt::format("{} held {} of the time, and threads waited {} for {} in all",
                         are_several ? "no GIL is a bottleneck here: the one held most was"
                                     : "the GIL is no bottleneck here: it was",
                         optional_share(verdict.hold_share), format_duration(waits_of(summary.processes)),
                         are_several ? "them" : "it");
    }
    case RunVerdict::Kind::OneThread:
      break;
  }
  std::string text = fmt::format("one thread used the GIL, and had it to itself, for {} of the time",
                                 optional_share(verdict.hold_share));
  if (!verdict.ceiling) return text;
  return text + fmt::format("; threads could make this at most {:.{}f} × faster", *verdict.ceiling,
                            *verdict.ceiling < 9.995 ? 2 : 0);
}

// Below it is what starts and ends of processes take.
constexpr double kToldUnseenShare = 0.1;

}  // namespace

std::string describe_verdict(const RunSummary& summary) {
  std::string text = describe_gils(summary);
  const auto unseen = summary.probe.losses.unseen_cpu_share;
  if (summary.verdict.kind != RunVerdict::Kind::NoGil && unseen.value_or(0) >= kToldUnseenShare) {
    text += fmt::format("; {} of the CPU time was in processes that are not in this report",
                        format_share(*unseen));
  }
  return text;
}

std::vector<std::string> advise(const RunSummary& summary) {
  std::vector<std::string> advice;
  for (const auto& finding : summary.findings) advice.push_back(describe_finding(finding, summary));
  return advice;
}

namespace {

std::string describe_unrecorded(const std::vector<UnrecordedProgram>& programs) {
  constexpr std::size_t kMaxPrograms = 3;
  constexpr std::size_t kCommandColumns = 60;
  std::uint64_t count = 0;
  for (const auto& program : programs) count += program.count;
  std::vector<std::string> words;
  for (const auto& program : std::span(programs).first(std::min(programs.size(), kMaxPrograms))) {
    words.push_back(shorten(replace_controls(program.command), kCommandColumns));
    if (program.count > 1) words.back() += fmt::format(" ({} ×)", program.count);
  }
  if (programs.size() > kMaxPrograms) words.push_back(fmt::format("{} more", programs.size() - kMaxPrograms));
  return fmt::format(" {} Python {} not recorded: {}.", count, count == 1 ? "process was" : "processes were",
                     fmt::join(words, ", "));
}

std::string describe_probe_cost(const ProbeFigures& probe) {
  const double share = std::max(*probe.cost_share, 0.0);
  if (!probe.is_contended || !probe.hooks_ns || !probe.elsewhere_ns) {
    return fmt::format(", and cost {} a release and acquire: {} of the time",
                       format_duration(std::max(*probe.pair_cost_ns, 0.0)), format_share(share));
  }
  const auto hooks = static_cast<double>(probe.hooks_ns->count());
  const auto all = hooks + static_cast<double>(probe.elsewhere_ns->count());
  const double in_hooks = all > 0 ? share * hooks / all : 0;
  return fmt::format(", and cost {} of the time: {} with the GIL's mutex held, {} without",
                     format_share(share), format_share(in_hooks), format_share(share - in_hooks));
}

// "" where nothing is missing.
std::string describe_losses(const RecordingLosses& losses) {
  std::string text;
  if (losses.unrecorded_processes > 0) {
    text += fmt::format(" {} {} could not be recorded.", losses.unrecorded_processes,
                        losses.unrecorded_processes == 1 ? "process" : "processes");
  }
  if (!losses.unrecorded_programs.empty()) text += describe_unrecorded(losses.unrecorded_programs);
  if (losses.overlooked_gils > 0) {
    text += fmt::format(" {} could not be followed: too many lived at once.",
                        count_of(losses.overlooked_gils, "GIL"));
  }
  if (losses.were_slots_overwritten) {
    text += " Somebody else changed CPython's calls while it ran: events are missing.";
  }
  if (losses.are_stacks_unreadable) {
    text += " Lines are missing: the frames of this build of CPython are not known.";
  }
  if (losses.suspended > Nanoseconds{}) {
    text += fmt::format(" The machine was suspended for {} while it ran: times across that are not reliable.",
                        format_duration(losses.suspended));
  }
  return text.empty() ? text : text.substr(1);
}

}  // namespace

std::string describe_probe(const ProbeFigures& probe) {
  std::string text = fmt::format("The probe saw {}, ", count_of(probe.events, "event"));
  if (probe.dropped == 0) {
    text += "dropped none";
  } else if (probe.ends_at_drop) {
    text += fmt::format("DROPPED {}: figures and time line end where the first was dropped", probe.dropped);
  } else {
    text += fmt::format("DROPPED {}: figures are too low", probe.dropped);
  }
  if (probe.pair_cost_ns && probe.cost_share) text += describe_probe_cost(probe);
  text += '.';
  if (probe.cost_share && probe.is_contended) {
    text +=
        " Threads waited for the GIL so often that the program may have lost several times that: gilscope "
        "run --cost measures it.";
  }
  const auto losses = describe_losses(probe.losses);
  return losses.empty() ? text : text + ' ' + losses;
}

// "" where Python ended it.
std::string describe_end(const std::string& ended_by) {
  if (ended_by.empty()) return "";
  if (ended_by == "exit") return "It ended without the end of Python (as by os._exit).";
  if (ended_by == "exec") return "It became another program (exec), of which nothing was recorded.";
  if (ended_by == "unknown") return "It ended without the end of Python; nobody knows how.";
  return "It was ended by " + ended_by + ".";
}

// "" where none does.
std::string describe_running(const std::vector<std::int64_t>& running) {
  constexpr std::size_t kShown = 8;
  if (running.empty()) return "";
  const auto shown = std::span(running).first(std::min(running.size(), kShown));
  const auto more =
      running.size() > kShown ? fmt::format(" and {} more", running.size() - kShown) : std::string();
  return fmt::format("Still running: {} (pid {}{}). What comes after this report is not in it.",
                     running.size() == 1 ? "1 process" : fmt::format("{} processes", running.size()),
                     fmt::join(shown, ", "), more);
}

std::string format_summary(const RunSummary& summary, const TextStyle& style) {
  std::string text;
  const bool is_bad = summary.verdict.kind == RunVerdict::Kind::Bottleneck;
  append_wrapped(text, "gilscope: " + describe_verdict(summary), style, is_bad ? "33" : "32");
  for (const auto& advice : advise(summary)) append_wrapped(text, "-> " + advice, style);
  for (const auto& words : {describe_end(summary.ended_by), describe_running(summary.running)}) {
    if (!words.empty()) append_wrapped(text, words, style);
  }
  const bool has_gil = summary.verdict.kind != RunVerdict::Kind::NoGil;
  if (!has_gil && summary.processes.empty()) return text;
  std::vector<const ProcessSummary*> processes;
  std::vector<const ProcessSummary*> helpers;
  for (const auto& process : summary.processes) {
    const bool is_shown = !is_helper(process) || process.pid == summary.verdict.pid;
    (is_shown ? processes : helpers).push_back(&process);
  }
  // What stands for many comes next to the one that began it all.
  const auto place = [first = processes.empty() ? nullptr : processes.front()](const auto* process) {
    if (process == first) return 0;
    return process->folded != 0 ? 1 : 2;
  };
  sort_stably(processes, [&](const auto* left, const auto* right) { return place(left) < place(right); });
  for (std::size_t i = 0; i < std::min(processes.size(), kShownProcesses); ++i) {
    text += '\n' + describe_shares(*processes[i]) + '\n' + format_process(*processes[i], style);
  }
  if (processes.size() > kShownProcesses) {
    text += fmt::format("\n({} more processes: --json has them)\n", processes.size() - kShownProcesses);
  }
  text += '\n';
  if (!helpers.empty()) append_wrapped(text, describe_helpers(helpers), style);
  const auto words = has_gil ? describe_probe(summary.probe) : describe_losses(summary.probe.losses);
  if (!words.empty()) append_wrapped(text, words, style);
  return text;
}

}  // namespace gilscope
