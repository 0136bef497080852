// What the article's programs would have to do for every claim to hold, made by hand: for tests to
// contradict.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/article.h"
#include "analysis/judge_run.h"
#include "trials.h"

namespace gilscope::test {

// An interval of two hundredths to each side.
inline Estimate sure(double factor) { return {factor, factor - 0.02, factor + 0.02}; }

inline ModeSummary mode_result(Mode mode, double work_ms, const Estimate& speedup, double concurrency,
                               double parallelism, double hold_share, double wait_share = 0) {
  ModeSummary summary{.mode = mode};
  const double work_ns = work_ms * 1e6;
  if (mode == Mode::Processes || mode == Mode::Subinterpreters) summary.gil = GilKind::Own;
  if (mode == Mode::Processes) summary.start_method = "fork";
  summary.work_samples_ns = {0.9 * work_ns, work_ns, work_ns, work_ns, 1.1 * work_ns};
  summary.setup_samples_ns = {1e6, 1e6, 1e6, 1e6, 2e6};
  summary.work_ns = Estimate{work_ns, 0.9 * work_ns, 1.1 * work_ns};
  summary.setup_ns = Estimate{1e6, 1e6, 2e6};
  summary.speedup = mode == Mode::Sequential ? Estimate{1, 1, 1} : speedup;
  summary.concurrency = concurrency;
  summary.parallelism = parallelism;
  summary.cpu_ns = parallelism * work_ns;
  summary.max_rss_bytes = 20 * 0x1p20;
  summary.results_equal = true;
  summary.gil_figures = WorkGilFigures{.holds = 100,
                                       .hold_ns = hold_share * work_ns,
                                       .hold_share = hold_share,
                                       .waits = 50,
                                       .wait_ns = wait_share * concurrency * work_ns,
                                       .wait_share = wait_share,
                                       .forced = 40,
                                       .handoffs = 45,
                                       .handoffs_per_s = 45 * 1e3 / work_ms};
  return summary;
}

inline TaskRounds rounds_of(std::vector<std::string> tasks, std::vector<ModeSummary> modes) {
  TaskRounds rounds{.tasks = std::move(tasks), .workers = 2, .rounds_done = 5};
  rounds.comparison.modes = std::move(modes);
  rounds.comparison.verdict.kind = Verdict::Kind::NoneWins;
  return rounds;
}

inline NamedThread thread_of(std::uint32_t id, std::string name, std::uint64_t holds) {
  NamedThread thread{.name = std::move(name), .cpu_ns = 480 * kMillisecond};
  thread.figures = {.id = ThreadId{id},
                    .holds = holds,
                    .hold_ns = 300 * kMillisecond,
                    .voluntary = holds,
                    .lifetime_ns = 1000 * kMillisecond,
                    .hold_share = 0.3,
                    .wait_share = 0.0,
                    .hold = DurationFigures{kMillisecond, kMillisecond, kMillisecond, kMillisecond}};
  return thread;
}

// A run of one process, whose threads share one GIL.
inline ProgramRun program_run(std::string program, std::vector<std::string> lines,
                              std::vector<NamedThread> threads) {
  ProcessSummary process{
      .pid = 4001, .parent_pid = 4000, .wall_ns = 1000 * kMillisecond, .cpu_ns = 990 * kMillisecond};
  GilFigures gil{.interpreters = {0}, .hold_share = 0.3 * static_cast<double>(threads.size())};
  for (const auto& thread : threads) {
    gil.holds += thread.figures.holds;
    gil.voluntary += thread.figures.voluntary;
    gil.hold_ns += thread.figures.hold_ns;
  }
  if (threads.size() > 1) gil.handoffs = 190;
  process.gils = {gil};
  process.threads = std::move(threads);
  RunSummary summary{.exit_code = 0, .wall_ns = process.wall_ns, .cpu_ns = process.cpu_ns};
  summary.probe.events = 4 * gil.holds;
  summary.processes = {process};
  summary.verdict = judge(summary.processes);
  return {.command = {"/article/" + std::move(program) + ".py", "--scale", "0.05"},
          .wall = 1100 * kMillisecond,
          .lines = std::move(lines),
          .summary = std::move(summary)};
}

// Two rounds of taking turns.
inline std::vector<std::string> alternating_lines() {
  return {"Task 1 - Iteration 0", "Task 2 - Iteration 0", "Task 1 - Iteration 1", "Task 2 - Iteration 1"};
}

inline ForcedHolds holds_of(Nanoseconds interval, bool is_default, Nanoseconds hold, std::size_t count = 20) {
  return {.interval = interval, .is_default = is_default, .holds = std::vector<Nanoseconds>(count, hold)};
}

inline ExchangeRow exchange_row(std::string way, std::string between, std::uint64_t bytes,
                                Nanoseconds latency) {
  return {.way = std::move(way),
          .between = std::move(between),
          .bytes = bytes,
          .latency = latency,
          .bytes_per_s = 1e9 * static_cast<double>(bytes) / static_cast<double>(latency.count())};
}

inline FlavourRow flavour(std::string name, bool has_gil) {
  return {.name = std::move(name),
          .version = "3.10.14",
          .executable = "/usr/bin/python",
          .status = "ok",
          .sequential_s = 1.0,
          .threads_s = has_gil ? 1.02 : 0.52,
          .ratio = has_gil ? 1.02 : 0.52,
          .has_gil = has_gil};
}

inline FlavourRow missing_flavour(std::string name) {
  return {.name = std::move(name), .status = "missing", .reason = "`make flavours` installs it"};
}

inline ArticleMeasurements agreeing_measurements() {
  constexpr auto kMicrosecond = std::chrono::microseconds(1);
  ArticleMeasurements made{.has_gil = true, .usable_cpus = 2};
  const auto add_program = [&made](const std::string& name, std::vector<std::string> lines,
                                   std::vector<NamedThread> threads) {
    made.programs.push_back({name, {program_run(name, std::move(lines), std::move(threads)), ""}});
  };
  add_program("add_sub_sequential", {"Addition value:  55", "Subtraction Value:  -5"},
              {thread_of(1, "MainThread", 12)});
  add_program("count_threads", {"Time taken: 0.94 seconds"},
              {thread_of(1, "MainThread", 10), thread_of(2, "Thread-1", 100), thread_of(3, "Thread-2", 95)});
  add_program("interleave_asyncio", alternating_lines(), {thread_of(1, "MainThread", 40)});

  made.counting.value = rounds_of({"count_sequential.py:count_up", "count_sequential.py:count_down"},
                                  {mode_result(Mode::Sequential, 1000, sure(1), 1, 1, 0.99),
                                   mode_result(Mode::Threads, 1010, sure(0.99), 2, 1, 0.99, 0.49),
                                   mode_result(Mode::Subinterpreters, 530, sure(1.89), 2, 1.9, 0.99),
                                   mode_result(Mode::Processes, 520, sure(1.92), 2, 1.95, 0.99),
                                   mode_result(Mode::Asyncio, 1005, sure(0.995), 1, 1, 0.99)});
  made.counting.value->bound = 1.97;
  const auto two_modes = [](const char* task, double sequential_ms, double gain, double parallelism,
                            double hold_share) {
    return rounds_of(
        {task}, {mode_result(Mode::Sequential, sequential_ms, sure(1), 1, parallelism / 2, hold_share),
                 mode_result(Mode::Threads, sequential_ms / gain, sure(gain), 2, parallelism, hold_share)});
  };
  made.native_held.value = two_modes("count_native.py:count_held", 300, 0.99, 1, 0.999);
  made.native_released.value = two_modes("count_native.py:count_released", 300, 1.95, 1.95, 0.001);
  made.queries.value = two_modes("employees_projects.py:get_employees", 200, 1.98, 0.1, 0.01);
  made.waits.value = two_modes("add_sub_threads.py:add", 1500, 1.5, 0.01, 0.01);

  made.forced_holds = {{holds_of(kMillisecond, true, 1100 * kMicrosecond), ""},
                       {holds_of(2 * kMillisecond, false, 2200 * kMicrosecond), ""}};
  made.process_counts.value = std::vector<ProcessCount>{
      {.method = "fork", .is_default = true, .roles = {"program", "worker", "worker"}},
      {.method = "spawn", .roles = {"program", "worker", "worker", "resource tracker"}},
      {.method = "forkserver", .reason = "no socket could be made"}};
  made.exchange.value = std::vector<ExchangeRow>{
      exchange_row("multiprocessing.Queue", "processes", 1, 40 * kMicrosecond),
      exchange_row("multiprocessing.Queue", "processes", 1U << 26U, 90 * kMillisecond),
      exchange_row("queue.Queue", "threads", 1, 8 * kMicrosecond),
      exchange_row("queue.Queue", "threads", 1U << 26U, 8 * kMicrosecond),
      {.way = "interpreters.Queue",
       .between = "sub-interpreters",
       .bytes = 1,
       .reason = "needs Python 3.14"}};
  made.flavours.value = std::vector<FlavourRow>{flavour("CPython", true), flavour("Jython", false),
                                                missing_flavour("IronPython")};
  return made;
}

inline Claim claim_of(const ArticleMeasurements& measurements, int id) {
  for (const auto& claim : judge_article(measurements)) {
    if (claim.id == id) return claim;
  }
  throw std::out_of_range("nothing was measured for claim " + std::to_string(id));
}

inline std::optional<Figure> figure_of(const Claim& claim, std::string_view name) {
  const auto found = std::ranges::find(claim.measured, name, &Figure::name);
  return found == claim.measured.end() ? std::nullopt : std::optional(*found);
}

inline void expect_verdict(const ArticleMeasurements& measurements, int id, ClaimVerdict verdict,
                           const std::string& words) {
  const auto claim = claim_of(measurements, id);
  EXPECT_EQ(name_of(claim.verdict), name_of(verdict)) << id << ": " << claim.reason;
  EXPECT_THAT(claim.reason, testing::HasSubstr(words)) << id;
}

inline void expect_holds(const ArticleMeasurements& measurements, int id, const std::string& words) {
  expect_verdict(measurements, id, ClaimVerdict::Holds, words);
}

inline void expect_contradicted(const ArticleMeasurements& measurements, int id, const std::string& words) {
  expect_verdict(measurements, id, ClaimVerdict::DoesNotHold, words);
}

inline void expect_untestable(const ArticleMeasurements& measurements, int id, const std::string& words) {
  expect_verdict(measurements, id, ClaimVerdict::NotTestableHere, words);
}

inline ModeSummary& mode_of(Measured<TaskRounds>& rounds, Mode mode) {
  for (auto& summary : rounds.value->comparison.modes) {
    if (summary.mode == mode) return summary;
  }
  throw std::out_of_range("no such mode in the comparison");
}

inline ProgramRun& run_of(ArticleMeasurements& measurements, std::string_view program) {
  for (auto& [name, run] : measurements.programs) {
    if (name == program) return *run.value;
  }
  throw std::out_of_range("no such program was run");
}

// As a trial that failed leaves it.
inline void fail(ModeSummary& mode, const std::string& message) {
  mode.status = ModeStatus::Failed;
  mode.failure = TrialFailure{.kind = TrialFailure::Kind::Task, .message = message, .traceback = ""};
  mode.work_samples_ns.clear();
  mode.setup_samples_ns.clear();
  mode.work_ns.reset();
  mode.setup_ns.reset();
  mode.speedup.reset();
  mode.concurrency.reset();
  mode.parallelism.reset();
  mode.cpu_ns.reset();
  mode.max_rss_bytes.reset();
  mode.gil_figures.reset();
  mode.results_equal.reset();
}

}  // namespace gilscope::test
