// Runs for the tests of reports, written by hand.
#pragma once

#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

#include "analysis/process_records.h"
#include "report/summary_report.h"

namespace gilscope::test {

inline void name_threads(ProcessRecord& process, std::initializer_list<std::string> names) {
  std::uint32_t id = 1;
  for (const auto& name : names) {
    process.threads.push_back({.id = ThreadId{id}, .name = name, .cpu = Nanoseconds(40 * kMillisecondTicks)});
    ++id;
  }
}

// Threads that force each other, and further ones.
inline std::vector<RowSpec> two_that_compete(const std::vector<RowSpec>& others) {
  std::vector<RowSpec> rows{{.thread = 1,
                             .holds = 12,
                             .hold_ticks = 48'500'000,
                             .waits = 10,
                             .wait_ticks = 45'250'000,
                             .forced = 9},
                            {.thread = 2,
                             .holds = 10,
                             .hold_ticks = 45'000'000,
                             .waits = 10,
                             .wait_ticks = 50'000'000,
                             .forced = 9}};
  rows.insert(rows.end(), others.begin(), others.end());
  return rows;
}

// What the threads of busy_records() made each other wait, between lines.
inline BlameRecord make_blame() {
  BlameRecord blame;
  auto& stacks = blame.stacks;
  const auto main = stacks.add(CodePlace{"/srv/app.py", "main", 12});
  const auto parse = stacks.add(CodePlace{"/srv/app.py", "parse", 41});
  const auto match = stacks.add(CodePlace{"/usr/lib/python3.13/re/__init__.py", "match", 167});
  const StackId in_parse = stacks.add({parse, main});
  const StackId in_match = stacks.add({match, parse, main});
  const auto handle = stacks.add(CodePlace{"/usr/lib/python3.13/asyncio/events.py", "Handle._run", 89});
  const StackId in_task = stacks.add({parse, main, handle});
  const auto row = [&](unsigned thread, std::optional<StackId> from,
                       std::optional<StackId> to) -> SpanFigures& {
    return blame.spans[{.gil = GilId{0}, .thread = ThreadId{thread}, .from = from, .to = to}];
  };
  row(1, in_parse, in_match) = {.holds = 9,
                                .hold_ticks = 45 * kMillisecondTicks,
                                .max_hold_ticks = 6 * kMillisecondTicks,
                                .forced = 9,
                                .waits = {{ThreadId{2}, 49 * kMillisecondTicks}, {ThreadId{3}, 1'000}},
                                .max_wait_ticks = 6 * kMillisecondTicks};
  row(2, in_parse, in_parse) = {.holds = 8,
                                .hold_ticks = 40 * kMillisecondTicks,
                                .max_hold_ticks = 5 * kMillisecondTicks,
                                .forced = 8,
                                .waits = {{ThreadId{1}, 40 * kMillisecondTicks}},
                                .max_wait_ticks = 5 * kMillisecondTicks};
  row(2, {}, in_task) = {.holds = 1,
                         .hold_ticks = 4 * kMillisecondTicks,
                         .max_hold_ticks = 4 * kMillisecondTicks,
                         .forced = 1,
                         .waits = {{ThreadId{1}, 4 * kMillisecondTicks}},
                         .max_wait_ticks = 4 * kMillisecondTicks};
  row(3, in_match, {}) = {.holds = 1,
                          .hold_ticks = 234,
                          .max_hold_ticks = 234,
                          .waits = {{ThreadId{1}, 234}},
                          .max_wait_ticks = 234};
  blame.spans[{.gil = GilId{0}}].waits = {
      {ThreadId{1}, 1'249'766}, {ThreadId{2}, 1'000'000}, {ThreadId{3}, 234}};
  blame.long_waits[{GilId{0}, ThreadId{1}}] = {{4'530'000, in_task}, {4'000'000, in_parse}};
  return blame;
}

// Threads that force each other, one of a sub-interpreter with a GIL of its own, those that came too late for
// a row; and children of every start method, of which one was killed.
inline std::vector<ProcessRecord> busy_records() {
  auto first = make_process(
      4001, two_that_compete(
                {{.thread = 3, .holds = 210'000, .hold_ticks = 2'100'000, .waits = 3, .wait_ticks = 1'234},
                 {.thread = 1, .gil = 1, .holds = 5, .hold_ticks = 2'000'000},
                 {.thread = 4, .holds = 7, .hold_ticks = 70}}));
  name_threads(first, {"MainThread", "Thread-1 (work)", ""});
  first.figures.threads.back().thread.reset();
  first.figures.gils[0].handoffs = 19;
  first.figures.gils[0].timeouts = 18;
  first.cpu = Nanoseconds(95'600'000);
  first.figures.lost_events = 12;
  first.blame = make_blame();
  std::vector<ProcessRecord> records{first};
  for (const auto role :
       {ProcessRole::Fork, ProcessRole::Spawn, ProcessRole::Server, ProcessRole::Forkserver}) {
    auto child = make_process(
        4001 + static_cast<std::int64_t>(role),
        {{.thread = 1, .holds = 100, .hold_ticks = 9'000'000, .lifetime = 10 * kMillisecondTicks}});
    child.parent_pid = 4001;
    child.role = role;
    if (role == ProcessRole::Spawn) child.name = "parser\x1b[31m";
    child.wall = Nanoseconds(10 * kMillisecondTicks);
    child.cpu = Nanoseconds(9'100'000);
    name_threads(child, {"MainThread"});
    records.push_back(child);
  }
  records.front().figures.handoffs = {{.gil = GilId{0}, .from = ThreadId{1}, .to = ThreadId{2}, .count = 17},
                                      {.gil = GilId{0}, .to = ThreadId{1}, .count = 3}};
  records.back().parent_pid = 4004;
  records.back().cpu.reset();
  records.back().threads.front().cpu.reset();
  return records;
}

inline SummaryContext summary_context(const std::string& script = "app.py") {
  return {.python = {{"version", "3.13.0"},
                     {"implementation", "CPython"},
                     {"executable", "/usr/bin/python3"},
                     {"prefix", "/usr"},
                     {"linkage", "static"},
                     {"free_threaded", false},
                     {"config_args", nullptr}},
          .machine = {{"cpus", 8}, {"usable_cpus", 8.0}, {"model", "AMD EPYC 9654"}},
          .command = {"gilscope", "run", script}};
}

inline RecordedRun recorded(const std::vector<ProcessRecord>& records) {
  return {.processes = records, .clock = ClockKind::Tsc, .pair_cost_ns = 21.4, .exit_code = 0};
}

inline std::string report(const std::vector<ProcessRecord>& records, const TextStyle& style = {}) {
  return format_summary(summarize_run(recorded(records)), style);
}

}  // namespace gilscope::test
