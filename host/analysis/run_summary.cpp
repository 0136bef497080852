#include "analysis/run_summary.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "analysis/judge_run.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

std::vector<LongestWait> name_long_waits(const BlameRecord& blame, GilId gil, ThreadId thread,
                                         TickLength tick) {
  std::vector<LongestWait> waits;
  const auto longest = blame.long_waits.find({gil, thread});
  if (longest == blame.long_waits.end()) return waits;
  for (const auto& [ticks, stack] : longest->second) {
    waits.push_back({.wait_ns = tick.of(ticks), .stack = blame.stacks.places_of(stack)});
  }
  return waits;
}

std::vector<LoopStall> rank_stalls(const ProcessRecord& record) {
  std::vector<LoopStall> stalls;
  for (const auto& steps : record.steps) {
    stalls.push_back({.thread = steps.thread,
                      .place = steps.place,
                      .count = steps.count,
                      .alone = steps.alone,
                      .total_ns = record.tick.of(steps.ticks),
                      .max_ns = record.tick.of(steps.longest),
                      .max_begin_ns = record.tick.of(steps.longest_begin)});
  }
  sort_stably(stalls,
              [](const LoopStall& left, const LoopStall& right) { return left.total_ns > right.total_ns; });
  return stalls;
}

std::vector<LockWaitRow> rank_lock_waits(const ProcessRecord& record) {
  std::vector<LockWaitRow> rows;
  for (const auto& waits : record.lock_waits) {
    rows.push_back({.place = waits.place,
                    .within = waits.within,
                    .is_for_work = waits.is_for_work,
                    .ended_at = waits.ended_at,
                    .ended_within = waits.ended_within,
                    .threads = waits.threads,
                    .count = waits.count,
                    .total_ns = record.tick.of(waits.ticks),
                    .by_peers_ns = record.tick.of(waits.by_peers),
                    .max_ns = record.tick.of(waits.longest),
                    .max_begin_ns = record.tick.of(waits.longest_begin),
                    .max_thread = waits.longest_thread,
                    .max_ender = waits.longest_ender,
                    .lock = waits.lock,
                    .lock_type = waits.lock_type});
  }
  sort_stably(rows, [](const LockWaitRow& left, const LockWaitRow& right) {
    const auto rank = [](const LockWaitRow& row) {
      return std::tuple(row.is_for_work, row.is_for_world(), -row.total_ns);
    };
    return rank(left) < rank(right);
  });
  return rows;
}

std::vector<OpenLockWait> convert_open_waits(const ProcessRecord& record) {
  std::vector<OpenLockWait> waits;
  for (const auto& wait : record.open_lock_waits) {
    waits.push_back({.thread = wait.thread,
                     .place = wait.place,
                     .within = wait.within,
                     .is_for_work = wait.is_for_work,
                     .since_ns = record.tick.of(wait.since),
                     .holder = wait.holder});
  }
  return waits;
}

std::vector<WorldStopRow> rank_stops(const ProcessRecord& record) {
  std::vector<WorldStopRow> rows;
  for (const auto& stops : record.stops) {
    rows.push_back({.place = stops.place,
                    .call = stops.call,
                    .is_collection = stops.is_collection,
                    .count = stops.count,
                    .total_ns = record.tick.of(stops.ticks),
                    .until_stood_ns = record.tick.of(stops.until_stood),
                    .lost_ns = record.tick.of(stops.lost),
                    .max_ns = record.tick.of(stops.longest),
                    .max_begin_ns = record.tick.of(stops.longest_begin),
                    .max_thread = stops.longest_thread});
  }
  sort_stably(rows, [](const WorldStopRow& left, const WorldStopRow& right) {
    return left.total_ns > right.total_ns;
  });
  return rows;
}

std::vector<OtherThread> find_others(const ProcessRecord& record) {
  std::vector<OtherThread> others;
  if (!record.figures.threads.empty()) return others;
  for (const auto& thread : record.threads) {
    others.push_back(
        {.id = thread.id, .name = thread.name, .cpu_ns = thread.cpu, .cpu_wait_ns = thread.cpu_wait});
  }
  sort_stably(others, [](const OtherThread& left, const OtherThread& right) {
    return left.cpu_ns.value_or(Nanoseconds{}) > right.cpu_ns.value_or(Nanoseconds{});
  });
  return others;
}

// Without a GIL nobody knows which threads are Python's: all that are known.
std::size_t count_living(const ProcessRecord& record) {
  return static_cast<std::size_t>(std::ranges::count_if(record.threads, &ThreadRecord::has_outlived));
}

ProcessSummary summarize_process(const ProcessRecord& record, bool has_gil) {
  const GilSummary figures = summarize(record.figures, record.tick, record.wall);
  ProcessSummary summary{.pid = record.pid,
                         .parent_pid = record.parent_pid,
                         .folded = record.folded,
                         .role = record.role,
                         .name = record.name,
                         .wall_ns = record.wall,
                         .cpu_ns = record.cpu,
                         .gils = figures.gils,
                         .handoffs = record.figures.handoffs,
                         .became_program = record.became_program};
  std::set<ThreadId> living;
  std::map<ThreadId, const ThreadRecord*> known_threads;
  for (const auto& thread : record.threads) {
    known_threads[thread.id] = &thread;
    if (thread.cpu_wait)
      summary.cpu_wait_ns = add(summary.cpu_wait_ns.value_or(Nanoseconds{}), *thread.cpu_wait);
  }
  for (const auto& row : figures.threads) {
    NamedThread thread{.figures = row};
    const auto known = row.id ? known_threads.find(*row.id) : known_threads.end();
    if (known != known_threads.end()) {
      thread.name = known->second->name;
      thread.cpu_ns = known->second->cpu;
      thread.cpu_wait_ns = known->second->cpu_wait;
      if (known->second->has_outlived) living.insert(*row.id);
    }
    if (row.id && record.blame)
      thread.longest_waits = name_long_waits(*record.blame, row.gil, *row.id, record.tick);
    summary.threads.push_back(std::move(thread));
  }
  const bool has_rows = has_gil || !record.figures.threads.empty();
  summary.thread_times = has_rows ? find_thread_times(record) : find_thread_times_without_gil(record);
  summary.loop_stalls = rank_stalls(record);
  summary.further_stalls = record.further_steps;
  summary.lock_waits = rank_lock_waits(record);
  summary.further_lock_waits = record.further_lock_waits;
  summary.open_lock_waits = convert_open_waits(record);
  summary.living_threads = has_rows ? living.size() : count_living(record);
  summary.stops = rank_stops(record);
  summary.further_stops = record.further_stops;
  summary.spun_waits = record.spins;
  summary.spun_ns = record.tick.of(record.spin_ticks);
  if (const auto& gil = record.gil_return) {
    summary.gil_return = {.since_ns = record.tick.of(gil->since), .place = gil->place, .module = gil->module};
  }
  summary.other_threads = find_others(record);
  if (!record.blame) return summary;
  summary.blame = rank_blame(*record.blame, record.tick);
  for (auto& gil : summary.gils) {
    const auto interval = record.blame->switch_intervals.find(gil.id);
    if (interval != record.blame->switch_intervals.end())
      gil.switch_interval = record.tick.of(interval->second);
  }
  return summary;
}

// An acquire for each hold, a release for each that ended, a request for each wait, and the timeouts.
std::uint64_t count_events(const MachineSnapshot& figures) {
  std::uint64_t events = 0;
  for (const auto& row : figures.threads) {
    events += 2 * row.holds + row.waits - (row.open == OpenInterval::Hold ? 1 : 0);
  }
  for (const auto& gil : figures.gils) events += gil.timeouts;
  return events;
}

// Each event that was timed stands for HookTimes::kOneOf of its kind; all other pairs concern nobody else.
double time_in_hooks(const ProcessRecord& record, double pair_cost_ns) {
  constexpr auto kOneOf = static_cast<double>(HookTimes::kOneOf);
  double pairs = 0;
  for (const auto& row : record.figures.threads) pairs += static_cast<double>(row.holds);
  const double quiet = std::max(pairs - kOneOf * static_cast<double>(record.hooks.acquires), 0.0);
  return quiet * pair_cost_ns + kOneOf * static_cast<double>(record.hooks.ticks) * record.tick.ns;
}

bool is_process_contended(const ProcessRecord& record) {
  double waits = 0;
  for (const auto& row : record.figures.threads) waits += static_cast<double>(row.waits);
  return waits > kContendedWaits * to_seconds(record.wall);
}

ProbeFigures sum_figures(const RecordedRun& run) {
  ProbeFigures figures{.clock = run.clock,
                       .dropped = run.dropped_events,
                       .ends_at_drop = run.dropped_events > 0,
                       .losses = run.losses,
                       .pair_cost_ns = run.pair_cost_ns,
                       .capture_bytes = run.capture_bytes};
  double wall_ns = 0;
  double hooks_ns = 0;
  auto elsewhere = run.readings;
  for (const auto& record : run.processes) {
    figures.events += count_events(record.figures);
    figures.dropped += record.figures.lost_events;
    wall_ns += static_cast<double>(record.wall.count());
    hooks_ns += time_in_hooks(record, run.pair_cost_ns.value_or(0));
    elsewhere = add(elsewhere, record.tick.of(record.hooks.work_ticks));
    if (is_process_contended(record)) figures.is_contended = true;
  }
  if (run.pair_cost_ns && wall_ns > 0) {
    figures.hooks_ns = round_to_nanoseconds(hooks_ns);
    figures.elsewhere_ns = elsewhere;
    figures.cost_share = (hooks_ns + static_cast<double>(elsewhere.count())) / wall_ns;
  }
  return figures;
}

}  // namespace

bool is_helper(const ProcessSummary& process) noexcept {
  const bool is_fork = process.role == ProcessRole::Fork || process.role == ProcessRole::Forkserver;
  return process.role == ProcessRole::Server || (is_fork && process.became_program);
}

bool is_busy(const NamedThread& thread, Nanoseconds wall) noexcept {
  const auto used = share_of(add(thread.figures.hold_ns, thread.figures.wait_ns), wall);
  return used.value_or(1) >= kBusyShare;
}

RunSummary summarize_run(const RecordedRun& run) {
  RunSummary summary{.exit_code = run.exit_code,
                     .ended_by = run.ended_by,
                     .running = run.running,
                     .probe = sum_figures(run)};
  const auto& records = run.processes;
  for (const auto& record : records) summary.processes.push_back(summarize_process(record, run.has_gil));
  if (!records.empty()) {
    summary.wall_ns = records.front().wall;
    summary.cpu_ns = Nanoseconds{};
  }
  for (const auto& record : records) {
    if (!record.cpu) summary.cpu_ns.reset();
    if (summary.cpu_ns) *summary.cpu_ns = add(*summary.cpu_ns, *record.cpu);
  }
  summary.verdict = run.has_gil ? judge(summary.processes) : RunVerdict{};
  summary.findings = find_in_run(summary);
  return summary;
}

}  // namespace gilscope
