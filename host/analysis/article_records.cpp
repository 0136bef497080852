// The claims of the article that recordings of its programs decide, and what programs found out.
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <utility>

#include <fmt/ranges.h>

#include "analysis/article_rules.h"

namespace gilscope::article_rules {
namespace {

// What "about every millisecond" may still mean.
constexpr double kAboutAMillisecond = 0.002;
constexpr std::size_t kEnoughHolds = 10;
constexpr double kFollows = 0.5;
constexpr std::size_t kProcessesOfTheArticle = 3;
constexpr std::array<std::string_view, 3> kArticleFlavours{"PyPy", "Jython", "IronPython"};

double middle(const std::vector<Nanoseconds>& holds) {
  std::vector<double> values;
  for (const auto hold : holds) values.push_back(to_seconds(hold));
  return median(values);
}

// A size that went both ways, and how long a message took.
struct Passed {
  std::uint64_t bytes = 0;
  double processes_s = 0;
  double threads_s = 0;
};

std::vector<Passed> passed_both_ways(const std::vector<ExchangeRow>& rows) {
  std::vector<Passed> passed;
  for (const auto& row : rows) {
    if (row.way != "multiprocessing.Queue" || !row.latency) continue;
    const auto threads = std::ranges::find_if(rows, [&](const auto& other) {
      return other.way == "queue.Queue" && other.bytes == row.bytes && other.latency;
    });
    if (threads != rows.end())
      passed.push_back({row.bytes, to_seconds(*row.latency), to_seconds(*threads->latency)});
  }
  std::ranges::sort(passed, {}, &Passed::bytes);
  return passed;
}

// "Task 1" of "Task 1 - Iteration 0".
std::string task_of(const std::string& line) { return line.substr(0, line.find(" - ")); }

std::string key_of(std::string_view name) {
  std::string key;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!key.empty() && key.back() != '_') {
      key += '_';
    }
  }
  return key;
}

}  // namespace

void judge_one_at_a_time(Claim& claim, const ArticleMeasurements& measurements) {
  if (!measurements.has_gil) {
    const auto parallelism = thread_parallelism(measurements);
    if (!parallelism || measurements.usable_cpus < 2) return give_up(claim, kNoGil);
    claim.measured.push_back({"parallelism", Unit::None, *parallelism});
    if (*parallelism <= kMostOfOneCpu)
      return give_up(claim, "no two threads ran at once, and no GIL kept them from it");
    return decide(claim, false, "this Python has no GIL, and two threads of bytecode ran at once");
  }
  const auto& run = *measurements.find_program("count_threads");
  if (!run.value) return give_up(claim, run.reason);
  if (!run.value->summary || run.value->summary->processes.empty())
    return give_up(claim, "nothing was recorded");
  std::uint64_t holds = 0;
  std::uint64_t overlaps = 0;
  std::uint64_t handoffs = 0;
  for (const auto& gil : run.value->summary->processes.front().gils) {
    holds += gil.holds;
    overlaps += gil.overlaps;
    handoffs += gil.handoffs;
  }
  claim.measured = {{"holds", Unit::None, holds},
                    {"overlaps", Unit::None, overlaps},
                    {"handoffs", Unit::None, handoffs},
                    {"dropped_events", Unit::None, run.value->summary->probe.dropped}};
  if (overlaps > 0) return decide(claim, false, "a thread acquired a GIL that another one held");
  if (run.value->summary->probe.dropped > 0) return give_up(claim, "events are missing from the recording");
  if (!run.value->can_be_true) return give_up(claim, "no real GIL can have done what was recorded");
  if (handoffs == 0) return give_up(claim, "no thread took the GIL over from another one");
  decide(claim, true, "the threads handed one GIL to each other, and no two holds of it overlap");
}

void judge_switches(Claim& claim, const ArticleMeasurements& measurements) {
  if (!measurements.has_gil) return give_up(claim, kNoGil);
  std::optional<std::pair<double, double>> normal;  // interval, median hold
  std::optional<std::pair<double, double>> other;
  for (const auto& measured : measurements.forced_holds) {
    if (!measured.value) return give_up(claim, measured.reason);
    const auto& run = *measured.value;
    const std::string prefix = run.is_default ? "" : "other_";
    claim.measured.push_back({prefix + "switch_interval", Unit::Seconds, to_seconds(run.interval)});
    claim.measured.push_back({prefix + "forced_holds", Unit::None, std::uint64_t{run.holds.size()}});
    if (run.holds.size() < kEnoughHolds)
      return give_up(claim, "too few holds ended in a forced release: more --iterations");
    claim.measured.push_back({prefix + "median_forced_hold", Unit::Seconds, middle(run.holds)});
    (run.is_default ? normal : other) = std::pair(to_seconds(run.interval), middle(run.holds));
  }
  if (!normal) return give_up(claim, "not run with this Python's own switch interval");
  std::string reason = "a thread that is asked for the GIL kept it for about as long as measured above";
  if (other) {
    const double intervals = other->first / normal->first;
    const bool follows = std::abs(other->second / normal->second / intervals - 1) <= kFollows;
    reason = follows
                 ? fmt::format(
                       "the switch interval decides, not the processor: {:.3g} times the interval made the "
                       "holds {:.3g} times as long",
                       intervals, other->second / normal->second)
                 : "the length of the holds did not follow the switch interval";
  }
  decide(claim, normal->second <= kAboutAMillisecond, std::move(reason));
}

void judge_process_count(Claim& claim, const ArticleMeasurements& measurements) {
  if (!measurements.process_counts.value) return give_up(claim, measurements.process_counts.reason);
  const ProcessCount* ours = nullptr;
  std::vector<std::string> helpers;
  for (const auto& count : *measurements.process_counts.value) {
    if (count.is_default) ours = &count;
    if (count.roles.empty()) continue;
    claim.measured.push_back({count.method + "_processes", Unit::None, std::uint64_t{count.roles.size()}});
    std::vector<std::string> roles;
    for (const auto& role : count.roles)
      if (role != "program" && role != "worker") roles.push_back("a " + role);
    if (!roles.empty()) helpers.push_back(fmt::format("{} adds {}", count.method, fmt::join(roles, " and ")));
  }
  if (ours == nullptr || ours->roles.empty()) {
    return give_up(claim, ours == nullptr ? "this Python has no start method" : ours->reason);
  }
  const bool holds = ours->roles.size() == kProcessesOfTheArticle;
  decide(
      claim, holds,
      fmt::format("by {}, this Python's own start method, there are {}{}", ours->method, ours->roles.size(),
                  helpers.empty() ? "" : fmt::format("; {}", fmt::join(helpers, ", "))));
}

void judge_exchange(Claim& claim, const ArticleMeasurements& measurements) {
  if (!measurements.exchange.value) return give_up(claim, measurements.exchange.reason);
  const auto passed = passed_both_ways(*measurements.exchange.value);
  if (passed.empty()) return give_up(claim, "no message went both between processes and between threads");
  const auto add = [&claim](const std::string& prefix, const Passed& one) {
    claim.measured.push_back({prefix + "message_bytes", Unit::Bytes, one.bytes});
    claim.measured.push_back({prefix + "between_processes", Unit::Seconds, one.processes_s});
    claim.measured.push_back({prefix + "between_threads", Unit::Seconds, one.threads_s});
  };
  add("least_", passed.front());
  if (passed.size() > 1) add("greatest_", passed.back());
  const bool costs =
      std::ranges::all_of(passed, [](const Passed& one) { return one.processes_s > one.threads_s; });
  decide(claim, costs,
         costs ? "at every size a queue between processes took longer than one between threads, which passes "
                 "a reference"
               : "a queue between threads took as long as one between processes, at some size");
}

void judge_interleaving(Claim& claim, const ArticleMeasurements& measurements) {
  const auto& run = *measurements.find_program("interleave_asyncio");
  if (!run.value) return give_up(claim, run.reason);
  const auto& lines = run.value->lines;
  std::size_t turns = 0;
  for (std::size_t i = 1; i < lines.size(); ++i)
    if (task_of(lines[i - 1]) != task_of(lines[i])) ++turns;
  claim.measured = {{"lines", Unit::None, std::uint64_t{lines.size()}},
                    {"turns", Unit::None, std::uint64_t{turns}}};
  if (lines.size() < 2) return give_up(claim, "the program printed too little");
  if (turns + 1 < lines.size()) return decide(claim, false, "the tasks did not take turns at every line");
  if (!measurements.has_gil) return give_up(claim, kNoGil);
  if (!run.value->summary || run.value->summary->processes.empty())
    return give_up(claim, "nothing was recorded");
  const auto threads = run.value->summary->processes.front().threads.size();
  claim.measured.push_back({"threads", Unit::None, std::uint64_t{threads}});
  decide(claim, threads == 1,
         threads == 1 ? "the lines alternate, and one thread held the GIL in all of the run"
                      : "the lines alternate, and more than one thread held the GIL");
}

void judge_flavours(Claim& claim, const ArticleMeasurements& measurements) {
  if (!measurements.flavours.value) return give_up(claim, measurements.flavours.reason);
  std::vector<std::string> with;
  std::vector<std::string> without;
  std::vector<std::string> unknown;
  for (const auto& row : *measurements.flavours.value) {
    if (row.ratio)
      claim.measured.push_back({key_of(row.name) + "_threads_by_sequential", Unit::Factor, *row.ratio});
    if (std::ranges::find(kArticleFlavours, row.name) == kArticleFlavours.end()) continue;
    if (!row.has_gil) {
      unknown.push_back(fmt::format("{} ({})", row.name, row.reason));
    } else {
      (*row.has_gil ? with : without).push_back(row.name);
    }
  }
  std::string reason;
  const auto add = [&](const char* what, const std::vector<std::string>& names) {
    if (!names.empty())
      reason += fmt::format("{}{}{}", reason.empty() ? "" : "; ", what, fmt::join(names, ", "));
  };
  add("with a GIL, by measurement: ", with);
  add("without one, by measurement: ", without);
  add("not known: ", unknown);
  if (reason.empty()) reason = "none of the three was looked for";
  if (with.empty() && without.empty()) return give_up(claim, reason);
  decide(claim, with.empty(), reason);
}

void judge_main_thread(Claim& claim, const ArticleMeasurements& measurements) {
  if (!measurements.has_gil) return give_up(claim, kNoGil);
  const auto& run = *measurements.find_program("add_sub_sequential");
  if (!run.value) return give_up(claim, run.reason);
  if (!run.value->summary || run.value->summary->processes.empty())
    return give_up(claim, "nothing was recorded");
  const auto& threads = run.value->summary->processes.front().threads;
  claim.measured = {{"threads", Unit::None, std::uint64_t{threads.size()}}};
  const bool holds = std::ranges::find(threads, "MainThread", &NamedThread::name) != threads.end();
  decide(claim, holds,
         holds ? "the program makes no thread, and MainThread held its GIL" : "no MainThread held its GIL");
}

}  // namespace gilscope::article_rules
