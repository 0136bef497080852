#include "recording/captured_run.h"

#include <algorithm>
#include <array>
#include <map>
#include <new>
#include <system_error>
#include <tuple>
#include <utility>

#include "support/system_files.h"

namespace gilscope {
namespace {

std::uint64_t distance(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; }

// Process ids come again: of those with this one, the notes of the process that began when the file did.
const ProcessNotes* find_notes(const Capture& capture, const ProcessFacts& facts) {
  if (!capture.notes) return nullptr;
  const ProcessNotes* nearest = nullptr;
  for (const auto& notes : capture.notes->processes) {
    if (notes.pid != facts.pid) continue;
    if (nearest == nullptr || distance(notes.begin, facts.began) < distance(nearest->begin, facts.began)) {
      nearest = &notes;
    }
  }
  return nearest;
}

CapturedProcess open_process(const Capture& capture, const std::filesystem::path& file) {
  CapturedProcess process{.file = file, .facts = ProcessReader(file).facts()};
  process.notes = find_notes(capture, process.facts);
  if (process.notes != nullptr && process.notes->end) {
    // It may have outlived the run: what it says again is what the run said.
    process.end = process.cut = std::max(*process.notes->end, process.facts.begin.ticks);
  } else if (process.facts.is_finished) {
    process.end = process.facts.latest.ticks;
  } else if (is_alive(process.facts.pid)) {
    // Streams are read one after the other: what comes from now on, one of them may have and another not.
    const auto clock = ProbeClock::of(process.facts.clock);
    const auto now = clock ? clock->read() : process.facts.latest.ticks;
    if (now > process.facts.begin.ticks)
      process.cut = now;  // else it was recorded before the machine started
  }
  // A thread whose release was dropped would hold the GIL for ever.
  if (const auto drop = process.facts.first_drop; drop && *drop <= process.cut) {
    process.cut = std::max(*drop, process.facts.begin.ticks + 1) - 1;
    process.end = process.cut;
  }
  return process;
}

std::vector<CapturedProcess> open_processes(const Capture& capture) {
  std::vector<CapturedProcess> processes;
  for (const auto& file : capture.processes) processes.push_back(open_process(capture, file));
  std::ranges::sort(processes, {}, [](const CapturedProcess& process) {
    return std::tuple(!process.facts.start_method.empty(), process.facts.begin.ticks, process.facts.pid);
  });
  return processes;
}

// All processes have one clock. Where the first one was killed: its line is the straighter the further apart
// its two points are.
TickConversion find_clock(const std::vector<CapturedProcess>& processes) {
  if (processes.empty()) return {{}, {}};
  const auto& first = processes.front().facts;
  if (first.is_finished) return {first.earliest, first.latest};
  ClockPoint earliest = processes.front().facts.earliest;
  ClockPoint latest = processes.front().facts.latest;
  for (const auto& process : processes) {
    if (process.facts.earliest.ticks < earliest.ticks) earliest = process.facts.earliest;
    if (process.facts.latest.ticks > latest.ticks) latest = process.facts.latest;
  }
  return {earliest, latest};
}

Interval interval_of(const CapturedWait& wait) {
  constexpr std::array kKinds{IntervalKind::LockWait, IntervalKind::WorkWait, IntervalKind::Stopped};
  return {.kind = kKinds.at(static_cast<std::size_t>(wait.wait_for)),
          .gil = wait.gil,
          .thread = wait.thread,
          .begin = wait.begin,
          .end = wait.end};
}

// Of a ring, whose beginning is lost: a thread may have lived for long before the first of its events that is
// there.
void widen_lives(MachineSnapshot& figures, const CapturedProcess& process, std::uint64_t end) {
  const auto begin = process.facts.begin.ticks;
  if (begin == process.facts.began || process.notes == nullptr) return;
  std::map<ThreadId, const ThreadRecord*> noted;
  for (const auto& thread : process.notes->threads) noted[thread.id] = &thread;
  for (auto& row : figures.threads) {
    const auto found = row.thread ? noted.find(*row.thread) : noted.end();
    if (found == noted.end() || !found->second->life_ticks) continue;
    const auto until = found->second->has_outlived ? end : row.last;
    const auto first = until - std::min(*found->second->life_ticks, until - std::min(begin, until));
    if (first >= row.first) continue;
    row.lifetime += row.first - first;
    row.first = first;
  }
}

ProcessRecord replay_process(const CapturedRun& run, const CapturedProcess& process) {
  const auto machine = make_machine();
  const auto begin = process.facts.begin.ticks;
  std::uint64_t last = begin;
  Blame blame;
  CaptureNames names = run.read(process, [&](const Event& event, std::optional<StackId> stands) {
    machine->apply(event);
    blame.apply(event, stands);
    last = event.ticks;
  });
  for (const auto& [gil, interpreter] : names.owners) machine->open(gil, interpreter);
  const auto end = std::max({process.end.value_or(last), last, begin});
  const TickLength tick{run.clock().tick_ns()};
  static const ProcessNotes no_notes;
  const ProcessNotes& notes = process.notes != nullptr ? *process.notes : no_notes;
  MachineSnapshot figures = machine->snapshot(end);
  widen_lives(figures, process, end);
  return {.pid = process.facts.pid,
          .parent_pid = process.facts.parent_pid,
          .role = role_of_start_method(process.facts.start_method),
          .name = name_of(process, names),
          .wall = tick.of(end - begin),
          .cpu = notes.cpu,
          .tick = tick,
          .figures = std::move(figures),
          .threads = merge_threads(process, names),
          .hooks = notes.hooks,
          .steps = since(begin, notes.steps),
          .further_steps = notes.further_steps,
          .lock_waits = since(begin, notes.lock_waits),
          .further_lock_waits = notes.further_lock_waits,
          .open_lock_waits = since(begin, notes.open_lock_waits),
          .stops = since(begin, notes.stops),
          .further_stops = notes.further_stops,
          .spins = notes.spins,
          .spin_ticks = notes.spin_ticks,
          .gil_return = since(begin, notes.gil_return),
          .blame = BlameRecord{.spans = blame.spans(end),
                               .long_waits = blame.long_waits(),
                               .stacks = std::move(names.stacks),
                               .switch_intervals = blame.switch_intervals()},
          .became_program = notes.became_program};
}

// Of a run without a GIL there are no events: all that is known was noted.
ProcessRecord record_of(const ProcessNotes& notes, TickLength tick) {
  const auto end = std::max(notes.end.value_or(notes.begin), notes.begin);
  return {.pid = notes.pid,
          .parent_pid = notes.parent_pid,
          .role = role_of_start_method(notes.start_method),
          .name = notes.name,
          .wall = tick.of(end - notes.begin),
          .cpu = notes.cpu,
          .tick = tick,
          .figures = {},
          .threads = notes.threads,
          .hooks = notes.hooks,
          .steps = {},
          .lock_waits = since(notes.begin, notes.lock_waits),
          .further_lock_waits = notes.further_lock_waits,
          .open_lock_waits = since(notes.begin, notes.open_lock_waits),
          .stops = since(notes.begin, notes.stops),
          .further_stops = notes.further_stops,
          .spins = notes.spins,
          .spin_ticks = notes.spin_ticks,
          .gil_return = since(notes.begin, notes.gil_return),
          .blame = {},
          .became_program = notes.became_program};
}

}  // namespace

CapturedRun::CapturedRun(Capture capture)
    : capture_(std::move(capture)), processes_(open_processes(capture_)), clock_(find_clock(processes_)) {}

std::uint64_t CapturedRun::origin() const {
  if (processes_.empty()) return 0;
  return std::ranges::min_element(processes_, {},
                                  [](const auto& process) { return process.facts.begin.ticks; })
      ->facts.begin.ticks;
}

std::optional<std::filesystem::file_time_type> CapturedRun::began_at() const {
  if (processes_.empty()) return std::nullopt;
  std::error_code error;
  const auto made =
      std::filesystem::last_write_time(processes_.front().file.parent_path() / kMetadataFile, error);
  return error ? std::nullopt : std::optional(made);
}

const std::string& name_of(const CapturedProcess& process, const CaptureNames& names) {
  return process.notes == nullptr || process.notes->name.empty() ? names.process : process.notes->name;
}

std::vector<ThreadRecord> merge_threads(const CapturedProcess& process, const CaptureNames& names) {
  std::map<ThreadId, ThreadRecord> threads;
  for (const auto& [id, name] : names.threads) threads[id] = {.id = id, .name = name};
  if (process.notes != nullptr) {
    for (const auto& noted : process.notes->threads) {
      ThreadRecord& thread = threads[noted.id];
      thread.id = noted.id;
      thread.cpu = noted.cpu;
      thread.cpu_wait = noted.cpu_wait;
      thread.has_outlived = noted.has_outlived;
      thread.turn_ticks = noted.turn_ticks;
      thread.work_ticks = noted.work_ticks;
      thread.world_ticks = noted.world_ticks;
      thread.life_ticks = noted.life_ticks;
      if (!noted.name.empty()) thread.name = noted.name;
    }
  }
  std::vector<ThreadRecord> list;
  for (auto& [id, thread] : threads) list.push_back(std::move(thread));
  return list;
}

std::unique_ptr<GilMachine> make_machine() {
  try {
    return std::make_unique<GilMachine>();
  } catch (const std::bad_alloc&) {
    return std::make_unique<GilMachine>(Bounds{.rows = 256, .gils = 64});
  }
}

CaptureNames CapturedRun::read_intervals(const CapturedProcess& process,
                                         const std::function<void(const Interval&)>& take) const {
  const auto machine = make_machine();
  std::uint64_t last = process.facts.begin.ticks;
  CaptureNames names = read(
      process,
      [&](const Event& event, std::optional<StackId> /*stands*/) {
        if (const auto interval = machine->ending(event)) take(*interval);
        machine->apply(event);
        last = event.ticks;
      },
      [&](const CapturedWait& wait, const CaptureNames& /*said*/) { take(interval_of(wait)); });
  for (const auto& interval : machine->open_intervals(process.end.value_or(last))) take(interval);
  return names;
}

CaptureNames CapturedRun::read_blamed_intervals(
    const CapturedProcess& process, const std::function<void(const BlamedInterval&)>& take) const {
  const auto machine = make_machine();
  Blame blame;
  std::uint64_t last = process.facts.begin.ticks;
  CaptureNames names = read(
      process,
      [&](const Event& event, std::optional<StackId> stands, const CaptureNames& said) {
        const auto hold = blame.apply(event, stands);
        if (const auto interval = machine->ending(event)) {
          const bool is_blamed = hold && interval->kind == IntervalKind::Hold;
          take({.interval = *interval, .blame = is_blamed ? &*hold : nullptr, .stacks = said.stacks});
        }
        machine->apply(event);
        last = event.ticks;
      },
      [&](const CapturedWait& wait, const CaptureNames& said) {
        take({.interval = interval_of(wait), .waited = &wait, .stacks = said.stacks});
      });
  const auto end = process.end.value_or(last);
  const auto holds = blame.open_holds(end);
  for (const auto& interval : machine->open_intervals(end)) {
    const auto hold =
        std::ranges::find(holds, interval.gil, [](const BlamedHold& open) { return open.span.gil; });
    const bool is_blamed = interval.kind == IntervalKind::Hold && hold != holds.end();
    take({.interval = interval, .blame = is_blamed ? &*hold : nullptr, .stacks = names.stacks});
  }
  return names;
}

RecordedRun replay(const CapturedRun& captured) {
  const Capture& capture = captured.capture();
  RecordedRun run{.has_gil = !capture.notes || capture.notes->has_gil,
                  .dropped_events = capture.unfiled_drops,
                  .capture_bytes = capture.bytes};
  if (capture.notes) {
    run.exit_code = capture.notes->exit_code;
    run.ended_by = capture.notes->ended_by;
    run.running = capture.notes->running;
    run.pair_cost_ns = capture.notes->pair_cost_ns;
    run.losses = capture.notes->losses;
  }
  if (!run.has_gil) {
    const TickLength tick{captured.clock().tick_ns()};
    for (const auto& notes : capture.notes->processes) run.processes.push_back(record_of(notes, tick));
    if (!captured.processes().empty()) run.clock = captured.processes().front().facts.clock;
    return run;
  }
  for (const auto& process : captured.processes()) {
    run.clock = process.facts.clock;
    run.dropped_events += process.facts.dropped_events;
    auto record = replay_process(captured, process);
    if (record.figures.threads.empty()) continue;
    run.processes.push_back(std::move(record));
    // The notes had no place for it, but it is here.
    if (process.notes == nullptr && run.losses.unrecorded_processes > 0) --run.losses.unrecorded_processes;
  }
  return run;
}

std::vector<ProcessTruth> check_truth(const CapturedRun& run) {
  std::vector<ProcessTruth> truths;
  for (CapturedProcess process : run.processes()) {
    // All that is there can be checked, whenever the run was over, but for what is being written yet.
    const auto drop = process.facts.first_drop;
    if (process.facts.is_finished && !drop) process.end = process.facts.latest.ticks;
    if (process.facts.is_finished || drop) process.cut = kMaxTicks;
    TruthCheck check(process.facts.begin.ticks, process.end.value_or(kMaxTicks));
    ProcessTruth truth{.pid = process.facts.pid};
    static_cast<void>(run.read(process, [&](const Event& event, std::optional<StackId> /*stands*/) {
      if (event.ticks < drop.value_or(kNoTicks)) {
        check.add(event);
      } else {
        ++truth.events_after_drop;
      }
    }));
    truth.report = check.report();
    truths.push_back(std::move(truth));
  }
  return truths;
}

}  // namespace gilscope
