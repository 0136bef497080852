#include "recording/process_folder.h"

#include <algorithm>

#include "recording/blame_counters.h"
#include "recording/note_reading.h"

namespace gilscope {
namespace {

ProcessNote& note_of(std::byte* slot) noexcept { return *reinterpret_cast<ProcessNote*>(slot); }
std::byte* counters_of(std::byte* slot) noexcept { return slot + sizeof(ProcessNote); }

void add_cpu(ProcessNote& sum, const ProcessNote& part) noexcept {
  const auto end = part.cpu_end.get();
  if (end != 0 && end >= part.cpu_begin.get()) {
    sum.cpu_end.add(end - part.cpu_begin.get());
  } else {
    sum.cpu_begin.set(ProcessNote::kUnknownCpu);
  }
}

void add_hooks(HookTimes& sum, const HookTimes& part) noexcept {
  sum.timed += part.timed;
  sum.acquires += part.acquires;
  sum.ticks += part.ticks;
  sum.work_ticks += part.work_ticks;
}

// By the family that its thread is in there.
void add_steps(ProcessNote& sum, const ProcessNote& part) noexcept {
  sum.steps.others += part.steps.others;
  for (const StepRow& row : part.steps.rows) {
    if (row.thread == 0) continue;
    const ThreadId thread{static_cast<std::uint32_t>(row.thread)};
    const auto* const note = is_family(thread) ? part.find_family(thread) : part.find(thread);
    sum.steps.add(row, sum.family_of_name(note == nullptr ? NoteName{} : note->name));
  }
}

}  // namespace

std::optional<std::size_t> ProcessFolder::find_or_add(std::uint64_t role, const NoteName& name,
                                                      std::size_t end) noexcept {
  for (std::size_t i = 0; i < end; ++i) {
    ProcessKind& kind = kinds_.at(i);
    if (kind.role_plus_one.get() == 0) {
      kind.name = name;
      kind.role_plus_one.set(role + 1);
    }
    if (kind.role_plus_one.get() == role + 1 && kind.name == name) return i;
  }
  return std::nullopt;
}

// There is always room for those without a name: one for each role.
std::optional<std::size_t> ProcessFolder::kind_of(const ProcessNote& note) noexcept {
  const auto role = note.role.get();
  const auto named = find_or_add(role, name_family(note.name), SharedSpace::kSums / 2);
  return named ? named : find_or_add(role, NoteName{}, SharedSpace::kSums);
}

std::optional<std::size_t> ProcessFolder::sum_of(std::byte* slot) {
  const ProcessNote& note = note_of(slot);
  if (note.state.read() == 0) return kNothing;
  return read_note(note, 0) ? kind_of(note) : std::nullopt;
}

bool ProcessFolder::add(std::byte* sum, std::byte* part) {
  const ProcessNote& note = note_of(part);
  ProcessNote& whole = note_of(sum);
  const auto kind = kind_of(note);
  if (!kind) return false;
  BlameTables counters(kSharedBounds, counters_of(sum));
  if (whole.state.get() == 0) {
    counters.queue().begin();
    whole.pid.set(kFirstFamily + *kind);
    whole.parent_pid.set(note.parent_pid.get());
    whole.role.set(note.role.get());
    whole.name = kinds_.at(*kind).name;
    whole.state.set(ProcessNote::kStopped);
  }
  BlameCounters::View view(kSharedBounds, counters_of(part));
  if (!view.has_counted()) return true;  // it is nowhere told of
  const auto begin = note.started_ticks.get();
  const bool is_stopped = note.state.get() == ProcessNote::kStopped;
  const auto end = note.folded.get() != 0
                       ? note.stopped_ticks.get()
                       : view.end_all(std::max(begin, is_stopped ? note.stopped_ticks.get() : 0));
  view.add_to(counters, note, whole);
  whole.folded.add(note.folded.get() == 0 ? 1 : note.folded.get());
  whole.stopped_ticks.add(end - begin);
  add_cpu(whole, note);
  add_hooks(whole.hooks, note.hooks);
  add_steps(whole, note);
  whole.locks.add(note.locks);
  if (whole.parent_pid.get() != note.parent_pid.get()) whole.parent_pid.set(0);
  return true;
}

}  // namespace gilscope
