#include "recording/note_reading.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <ctime>
#include <limits>
#include <unistd.h>
#include <utility>
#include <vector>

#include "capture/format.h"
#include "recording/cpu_wait.h"
#include "support/system_files.h"

namespace gilscope {
namespace {

constexpr std::uint64_t kMaxNotedPid = std::numeric_limits<std::int32_t>::max();
// Of the sum of processes of a kind that have ended.
constexpr std::uint64_t kMaxSum = std::numeric_limits<std::uint32_t>::max();

// Between two readings of a clock; empty where the second is no later one.
std::optional<Nanoseconds> cpu_between(std::uint64_t begin, std::uint64_t end) {
  if (end < begin || end > kMaxTicks) return std::nullopt;
  return Nanoseconds(static_cast<std::int64_t>(end - begin));
}

// Of a process that goes on. It has no CPU clock where it is another one's zombie.
std::optional<std::uint64_t> read_cpu_of(std::int64_t pid) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(static_cast<pid_t>(pid), &clock) != 0 || clock_gettime(clock, &time) != 0) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(to_nanoseconds(time).count());
}

// For how long the thread, of this process, has waited for a CPU, and 1; 0: that cannot be told. `cpu`: its
// CPU time.
std::uint64_t ask_for_cpu_wait(const ThreadNote& thread, ThreadId id, std::uint64_t cpu) {
  if (cpu != 0 && thread.cpu_when_told.read() == cpu) return thread.cpu_wait_told.read();
  const auto wait = read_cpu_wait(id);
  if (!wait) return 0;
  thread.cpu_wait_told.set(static_cast<std::uint64_t>(wait->count()) + 1);
  thread.cpu_when_told.set(cpu);
  return thread.cpu_wait_told.read();
}

std::uint64_t read_sum(const std::uint64_t& sum) {
  const auto value = std::atomic_ref(const_cast<std::uint64_t&>(sum)).load(std::memory_order_relaxed);
  return std::min(value, kMaxTicks);  // another process's memory may hold any
}

bool is_for_world(const LockPlace& place) {
  return read_sum(place.lock_kind) == static_cast<std::uint64_t>(LockKind::World);
}

// What the thread has waited for locks of Python's, and stood in a stopped world. A wait that was on at the
// end is counted up to there.
void add_lock_waits(const LockTable& table, std::uint64_t end, ThreadRecord& record) {
  if (read_sum(table.is_watched) == 0) return;
  record.turn_ticks = record.work_ticks = record.world_ticks = 0;
  const LockThread* const waits = table.find(static_cast<std::uint32_t>(record.id));
  if (waits == nullptr) return;
  record.turn_ticks = read_sum(waits->turn_ticks);
  record.work_ticks = read_sum(waits->work_ticks);
  record.world_ticks = read_sum(waits->world_ticks);
  const auto since = read_sum(waits->since);
  const auto place = read_sum(waits->place);
  if (since == 0 || since >= end || place >= table.places.size()) return;
  const LockPlace& where = table.places.at(place);
  const bool is_for_work = read_sum(where.work) == LockPlace::kWaitsForWork;
  *(is_for_world(where) ? record.world_ticks
    : is_for_work       ? record.work_ticks
                        : record.turn_ticks) += end - since;
}

// Up to its end, or else that of the recording.
std::optional<std::uint64_t> life_of(const ThreadNote& thread, std::uint64_t end) {
  const auto began = thread.begin_ticks.read();
  if (const auto ended = thread.end_ticks.read(); ended != 0) end = std::min(end, ended);
  return began == 0 || began > end || end > kMaxTicks ? std::nullopt : std::optional(end - began);
}

// `goes_on`: another process, that lives.
std::vector<ThreadRecord> read_threads(const ProcessNote& note, bool is_this_process,
                                       std::optional<std::int64_t> goes_on, std::uint64_t end_ticks) {
  std::vector<ThreadRecord> threads;
  for (const ThreadNote& thread : note.thread_notes()) {
    const auto id = thread.thread.read();
    if (id == 0 || id > std::numeric_limits<std::uint32_t>::max()) continue;
    ThreadRecord record{.id = ThreadId{static_cast<std::uint32_t>(id)}, .name = text_of(thread.name)};
    auto end = thread.cpu_end.read();
    record.has_outlived = end == 0 || thread.has_outlived.read() != 0;
    if (end == 0 && is_this_process) {
      end = static_cast<std::uint64_t>(read_thread_cpu(record.id).value_or(Nanoseconds{}).count());
    }
    const bool is_to_ask = goes_on && (end == 0 || thread.cpu_wait_end.read() == 0);
    const auto times = is_to_ask ? read_thread_times(*goes_on, record.id) : std::nullopt;
    if (end == 0 && times) end = static_cast<std::uint64_t>(times->cpu.count());
    if (end != 0) record.cpu = cpu_between(thread.cpu_begin.read(), end);
    auto wait_end = thread.cpu_wait_end.read();
    if (wait_end == 0 && is_this_process) wait_end = ask_for_cpu_wait(thread, record.id, end);
    if (wait_end == 0 && times) wait_end = static_cast<std::uint64_t>(times->cpu_wait.count()) + 1;
    if (wait_end != 0) record.cpu_wait = cpu_between(thread.cpu_wait_begin.read(), wait_end - 1);
    add_lock_waits(note.locks, end_ticks, record);
    if (record.cpu) record.life_ticks = life_of(thread, end_ticks);
    threads.push_back(std::move(record));
  }
  for (std::size_t i = 0; i < note.families.size(); ++i) {
    const ThreadNote& family = note.families[i];
    if (family.thread.read() != kFirstFamily + i) continue;
    threads.push_back({.id = ThreadId{kFirstFamily + static_cast<std::uint32_t>(i)},
                       .name = text_of(family.name),
                       .cpu = cpu_between(family.cpu_begin.read(), family.cpu_end.read()),
                       .cpu_wait = cpu_between(family.cpu_wait_begin.read(), family.cpu_wait_end.read())});
    if (read_sum(note.locks.is_watched) == 0) continue;
    threads.back().turn_ticks = std::min(family.turn_ticks.read(), kMaxTicks);
    threads.back().work_ticks = std::min(family.work_ticks.read(), kMaxTicks);
    threads.back().world_ticks = std::min(family.world_ticks.read(), kMaxTicks);
  }
  return threads;
}

HookTimes read_hooks(const HookTimes& hooks) {
  return {.timed = read_sum(hooks.timed),
          .acquires = read_sum(hooks.acquires),
          .ticks = read_sum(hooks.ticks),
          .work_ticks = read_sum(hooks.work_ticks)};
}

std::vector<LoopSteps> read_steps(const StepTable& table) {
  std::vector<LoopSteps> steps;
  for (const StepRow& row : table.rows) {
    const auto thread = read_sum(row.thread);
    if (thread == 0 || thread > std::numeric_limits<std::uint32_t>::max()) continue;
    const auto line = std::min<std::uint64_t>(read_sum(row.line), std::numeric_limits<std::int32_t>::max());
    LoopSteps read{.thread = ThreadId{static_cast<std::uint32_t>(thread)},
                   .place = {.file = text_of(row.file),
                             .function = text_of(row.function),
                             .line = static_cast<std::uint32_t>(line)},
                   .count = read_sum(row.count),
                   .ticks = read_sum(row.ticks),
                   .longest_begin = read_sum(row.longest_begin)};
    read.alone = std::min(read_sum(row.alone), read.count);
    read.longest = std::min(read_sum(row.longest), read.ticks);
    if (read.count != 0) steps.push_back(std::move(read));
  }
  return steps;
}

// Empty where no Python code ran.
std::optional<CodePlace> place_of(const LockPlace& place) {
  const auto line = std::min<std::uint64_t>(read_sum(place.line), std::numeric_limits<std::int32_t>::max());
  CodePlace read{.file = text_of(place.file),
                 .function = text_of(place.function),
                 .line = static_cast<std::uint32_t>(line)};
  return read.file.empty() && read.function.empty() ? std::nullopt : std::optional(std::move(read));
}

// Another process's memory may hold anything.
std::optional<LockWaits> read_waits(const LockTable& table, const LockRow& row) {
  const auto place = read_sum(row.place);
  const auto ended_at = read_sum(row.ended_at_plus_one);
  const auto longest_thread = read_sum(row.longest_thread);
  const auto longest_ender = read_sum(row.longest_ender);
  constexpr auto kMaxId = std::numeric_limits<std::uint32_t>::max();
  if (place >= table.places.size() || ended_at > table.places.size() || longest_thread > kMaxId ||
      longest_ender > kMaxId) {
    return std::nullopt;
  }
  const LockPlace& where = table.places.at(place);
  LockWaits waits{.place = place_of(where),
                  .within = text_of(where.within),
                  .is_for_work = read_sum(where.work) == LockPlace::kWaitsForWork,
                  .count = read_sum(row.count),
                  .ticks = read_sum(row.ticks),
                  .longest_begin = read_sum(row.longest_begin),
                  .longest_thread = ThreadId{static_cast<std::uint32_t>(longest_thread)}};
  const auto kind = read_sum(where.lock_kind);
  if (kind < kLockKinds.size()) waits.lock = static_cast<LockKind>(kind);
  waits.lock_type = text_of(where.lock_type);
  waits.longest = std::min(read_sum(row.longest), waits.ticks);
  waits.by_peers = std::min(read_sum(row.by_peers), waits.ticks);
  for (const auto& bits : row.threads)
    waits.threads += static_cast<std::uint64_t>(
        std::popcount(std::atomic_ref(const_cast<std::uint64_t&>(bits)).load(std::memory_order_relaxed)));
  if (longest_ender != 0) waits.longest_ender = ThreadId{static_cast<std::uint32_t>(longest_ender)};
  if (ended_at != 0) {
    const LockPlace& end = table.places.at(ended_at - 1);
    waits.ended_at = place_of(end);
    waits.ended_within = text_of(end.within);
    waits.is_for_work = is_for_work(read_sum(where.work), read_sum(end.work));
  }
  return waits.count != 0 ? std::optional(std::move(waits)) : std::nullopt;
}

// Who has the lock that the thread waits for: one that waits as well, and so has had it ever since.
const LockThread* holder_of(const LockTable& table, const LockThread& waiter) {
  const auto lock = read_sum(waiter.lock);
  const auto owner = waiter.owner;
  const auto has_it = [&](const LockThread& other) {
    if (read_sum(other.thread) == 0 || read_sum(other.since) == 0) return false;
    const bool was_seen_to =
        read_sum(other.looked) != 0 && std::ranges::find(other.held, lock) != other.held.end();
    return was_seen_to ||
           (owner != 0 && other.identity == owner && read_sum(other.since) <= read_sum(waiter.looked));
  };
  const auto* const found = std::ranges::find_if(table.threads, has_it);
  return found == table.threads.end() ? nullptr : found;
}

std::vector<OpenLockWaits> read_open_waits(const LockTable& table, std::uint64_t end) {
  constexpr auto kMaxId = std::numeric_limits<std::uint32_t>::max();
  std::vector<OpenLockWaits> waits;
  for (const LockThread& waiter : table.threads) {
    const auto thread = read_sum(waiter.thread);
    const auto place = read_sum(waiter.place);
    const auto since = read_sum(waiter.since);
    if (thread == 0 || thread > kMaxId || place >= table.places.size() || since == 0 || since > end ||
        read_sum(waiter.looked) == 0) {
      continue;
    }
    const LockPlace& where = table.places.at(place);
    if (is_for_world(where)) continue;  // that no lock ends
    OpenLockWaits wait{.thread = ThreadId{static_cast<std::uint32_t>(thread)},
                       .place = place_of(where),
                       .within = text_of(where.within),
                       .is_for_work = read_sum(where.work) == LockPlace::kWaitsForWork,
                       .since = since};
    if (const LockThread* const holder = wait.is_for_work ? nullptr : holder_of(table, waiter))
      wait.holder = ThreadId{static_cast<std::uint32_t>(read_sum(holder->thread))};
    waits.push_back(std::move(wait));
  }
  std::ranges::sort(waits, {}, [](const OpenLockWaits& wait) { return std::pair(wait.since, wait.thread); });
  return waits;
}

std::vector<LockWaits> read_lock_waits(const LockTable& table) {
  std::vector<LockWaits> all;
  for (const LockRow& row : table.rows) {
    if (read_sum(row.count) == 0) break;
    if (auto waits = read_waits(table, row)) all.push_back(std::move(*waits));
  }
  return all;
}

std::optional<GilReturn> read_gil_return(const LockTable& table) {
  const auto since = read_sum(table.gil_since);
  const auto place = read_sum(table.gil_place_plus_one);
  if (since == 0) return std::nullopt;
  GilReturn gil{.since = since, .place = {}, .module = text_of(table.gil_module)};
  if (place != 0 && place <= table.places.size()) gil.place = place_of(table.places.at(place - 1));
  return gil;
}

std::vector<WorldStops> read_stops(const LockTable& table) {
  std::vector<WorldStops> all;
  for (const StopRow& row : table.stops) {
    const auto count = read_sum(row.count);
    const auto place = read_sum(row.place_plus_one);
    const auto thread = read_sum(row.longest_thread);
    if (count == 0) break;
    if (place > table.places.size() || thread > std::numeric_limits<std::uint32_t>::max()) continue;
    WorldStops stops{.call = text_of(row.call),
                     .is_collection = read_sum(row.why) == StopRow::kCollection,
                     .count = count,
                     .ticks = read_sum(row.ticks),
                     .lost = read_sum(row.lost),
                     .longest_begin = read_sum(row.longest_begin),
                     .longest_thread = ThreadId{static_cast<std::uint32_t>(thread)}};
    stops.until_stood = std::min(read_sum(row.until_stood), stops.ticks);
    stops.longest = std::min(read_sum(row.longest), stops.ticks);
    if (place != 0) stops.place = place_of(table.places.at(place - 1));
    all.push_back(std::move(stops));
  }
  return all;
}

}  // namespace

std::string text_of(std::span<const char> bytes) {
  return {bytes.data(), strnlen(bytes.data(), bytes.size())};
}

std::optional<std::int64_t> running_id(const ProcessNote& note) {
  const auto pid = note.pid.read();
  const bool is_one = note.state.read() == ProcessNote::kRecording && pid > 0 && pid <= kMaxNotedPid &&
                      note.exec_ticks.read() == 0 &&
                      note.role.read() != static_cast<std::uint64_t>(ProcessRole::Server);
  if (!is_one || !is_alive(static_cast<std::int64_t>(pid))) return std::nullopt;
  return static_cast<std::int64_t>(pid);
}

std::optional<ProcessNotes> read_note(const ProcessNote& note, std::uint64_t now) {
  const auto state = note.state.read();
  const auto pid = note.pid.read();
  const auto parent_pid = note.parent_pid.read();
  const auto role = note.role.read();
  const auto begin = note.started_ticks.read();
  const auto stopped =
      state == ProcessNote::kStopped ? std::optional(note.stopped_ticks.read()) : std::nullopt;
  const auto folded = note.folded.read();
  const bool is_pid = folded == 0 ? pid > 0 && pid <= kMaxNotedPid
                                  : pid >= kFirstFamily && pid <= kMaxSum && folded <= kMaxTicks;
  const bool is_one = (stopped || state == ProcessNote::kRecording) && is_pid && parent_pid <= kMaxNotedPid &&
                      role <= static_cast<std::uint64_t>(ProcessRole::Started) && begin <= kMaxTicks &&
                      (!stopped || (*stopped >= begin && *stopped <= kMaxTicks));
  if (!is_one) return std::nullopt;
  const bool is_this_process = pid == static_cast<std::uint64_t>(getpid());
  ProcessNotes notes{.pid = static_cast<std::int64_t>(pid),
                     .parent_pid = static_cast<std::int64_t>(parent_pid),
                     .folded = folded,
                     .start_method = std::string(start_method_of_role(static_cast<ProcessRole>(role))),
                     .name = text_of(note.name),
                     .begin = begin,
                     .end = stopped};
  const auto exec = note.exec_ticks.read();
  notes.became_program = exec != 0;
  if (!stopped && exec >= begin && exec <= now) {
    notes.end = exec;  // who has this id now is another one
  } else if (!stopped && begin <= now && (is_this_process || is_alive(notes.pid))) {
    notes.end = now;
  }
  auto cpu = note.cpu_end.read();
  if (cpu == 0 && is_this_process) cpu = static_cast<std::uint64_t>(read_process_cpu().count());
  const bool goes_on = !stopped && !is_this_process && notes.end == now;
  const auto other = goes_on ? std::optional(notes.pid) : std::nullopt;
  if (cpu == 0 && other) cpu = read_cpu_of(*other).value_or(0);
  if (cpu != 0) notes.cpu = cpu_between(note.cpu_begin.read(), cpu);
  notes.threads = read_threads(note, is_this_process, other, notes.end.value_or(now));
  notes.hooks = read_hooks(note.hooks);
  notes.steps = read_steps(note.steps);
  notes.further_steps = read_sum(note.steps.others);
  notes.lock_waits = read_lock_waits(note.locks);
  notes.further_lock_waits = read_sum(note.locks.others);
  notes.open_lock_waits = read_open_waits(note.locks, notes.end.value_or(now));
  notes.stops = read_stops(note.locks);
  notes.further_stops = read_sum(note.locks.further_stops);
  notes.spins = read_sum(note.locks.spins);
  notes.spin_ticks = read_sum(note.locks.spin_ticks);
  notes.gil_return = read_gil_return(note.locks);
  return notes;
}

}  // namespace gilscope
