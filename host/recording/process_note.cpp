#include "recording/process_note.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <unistd.h>

#include "analysis/name_family.h"
#include "probe/lock_waits.h"
#include "recording/cpu_wait.h"
#include "support/kernel_name.h"
#include "support/system_files.h"
#include "support/utf8.h"

namespace gilscope {
namespace {

std::uint64_t key_of(ThreadId thread) noexcept { return static_cast<std::uint32_t>(thread); }

void set(NoteName& name, std::string_view text) noexcept {
  const auto kept = first_bytes(text, kNameBytes);
  name.fill('\0');
  std::memcpy(name.data(), kept.data(), kept.size());
}

constexpr std::string_view kUnnamed = "(ended threads)";

// What `threading` calls a thread of whose start it does not know.
bool is_dummy(std::string_view name) noexcept {
  constexpr std::string_view kDummy = "Dummy-";
  return name.starts_with(kDummy) && std::ranges::all_of(name.substr(kDummy.size()), is_digit);
}

NoteName write_family(const NoteName& name, Numbers numbers) noexcept {
  NoteName family{};
  write_family({name.data(), strnlen(name.data(), kNameBytes)}, numbers, family);
  return family;
}

// Of a thread, or of a family, which has the plain sum. Empty where it is not known.
std::optional<std::uint64_t> cpu_wait_of(const ThreadNote& note) noexcept {
  const auto begin = note.cpu_wait_begin.get();
  const auto end = note.cpu_wait_end.get();
  if (note.thread.get() >= kFirstFamily) return end >= begin ? std::optional(end - begin) : std::nullopt;
  return end > begin ? std::optional(end - 1 - begin) : std::nullopt;
}

}  // namespace

NoteName name_family(const NoteName& name) noexcept { return write_family(name, Numbers::TheLast); }

void ThreadNote::begin(std::optional<Nanoseconds> cpu, std::optional<Nanoseconds> cpu_wait) noexcept {
  cpu_begin.set(static_cast<std::uint64_t>(cpu.value_or(Nanoseconds{}).count()));
  cpu_wait_begin.set(static_cast<std::uint64_t>(cpu_wait.value_or(Nanoseconds{}).count()));
}

void ThreadNote::end(std::optional<Nanoseconds> cpu, std::optional<Nanoseconds> cpu_wait) noexcept {
  if (cpu) cpu_end.set(static_cast<std::uint64_t>(cpu->count()));
  if (cpu_wait) cpu_wait_end.set(static_cast<std::uint64_t>(cpu_wait->count()) + 1);
}

const ThreadNote* ProcessNote::find(ThreadId thread) const noexcept {
  if (thread == ThreadId{}) return nullptr;
  for (const ThreadNote& note : thread_notes()) {
    if (note.thread.read() == key_of(thread)) return &note;
  }
  return nullptr;
}

ThreadNote* ProcessNote::find_or_add(ThreadId thread) noexcept {
  if (const ThreadNote* const known = find(thread)) return const_cast<ThreadNote*>(known);
  const auto count = std::min<std::uint64_t>(threads.read(), kThreads);
  const auto* const free = std::ranges::find(notes.begin(), notes.begin() + count, 0U,
                                             [](const ThreadNote& note) { return note.thread.read(); });
  const auto place = static_cast<std::uint64_t>(free - notes.begin());
  if (place == kThreads) return nullptr;
  ThreadNote& added = notes[place];
  added.cpu_begin.set(0);
  added.cpu_end.set(0);
  added.cpu_wait_begin.set(0);
  added.cpu_wait_end.set(0);
  added.is_named.set(0);
  added.has_outlived.set(0);
  added.begin_ticks.set(0);
  added.end_ticks.set(0);
  added.name.fill('\0');
  added.cpu_when_told.set(0);
  added.cpu_wait_told.set(0);
  added.thread.set(key_of(thread));
  if (place == count) threads.set(count + 1);
  return &added;
}

ThreadId ProcessNote::family_of(ThreadId thread) noexcept {
  const ThreadNote* const note = find(thread);
  const ThreadId family = family_of_name(note == nullptr ? NoteName{} : note->name);
  if (note == nullptr) families.front().cpu_begin.set(kUnknownCpu);
  return family;
}

ThreadId ProcessNote::family_of_name(const NoteName& told) noexcept {
  if (families.front().thread.get() == 0) {
    set(families.front().name, kUnnamed);
    families.front().thread.set(kFirstFamily);
  }
  if (told.front() == '\0') return ThreadId{kFirstFamily};
  for (const auto numbers : {Numbers::TheLast, Numbers::All}) {
    const NoteName shared = write_family(told, numbers);
    const std::size_t usable = numbers == Numbers::TheLast ? kFamilies / 2 : kFamilies;
    for (std::size_t i = 0; i < kFamilies; ++i) {
      ThreadNote& family = families[i];
      if (family.thread.get() == 0) {
        if (i >= usable) break;
        family.name = shared;
        family.thread.set(kFirstFamily + i);
      }
      if (family.name == shared) return ThreadId{static_cast<std::uint32_t>(family.thread.get())};
    }
  }
  return ThreadId{kFirstFamily};
}

const ThreadNote* ProcessNote::find_family(ThreadId family) const noexcept {
  const auto index = static_cast<std::uint32_t>(family) - kFirstFamily;
  return index < kFamilies ? &families[index] : nullptr;
}

void ProcessNote::forget(ThreadId thread, ThreadId family) noexcept {
  add_times(family, *this, thread);
  if (auto* const note = const_cast<ThreadNote*>(find(thread))) note->thread.set(0);
  forget_lock_thread(locks, static_cast<std::uint32_t>(thread));
}

void ProcessNote::add_times(ThreadId family, const ProcessNote& of, ThreadId thread) noexcept {
  ThreadNote& sum = families[(static_cast<std::uint32_t>(family) - kFirstFamily) % kFamilies];
  const ThreadNote* const note = of.find_note(thread);
  if (is_family(thread) && note != nullptr) {
    sum.turn_ticks.add(note->turn_ticks.get());
    sum.work_ticks.add(note->work_ticks.get());
    sum.world_ticks.add(note->world_ticks.get());
  } else if (const LockThread* const waits = of.locks.find(static_cast<std::uint32_t>(thread))) {
    sum.turn_ticks.add(waits->turn_ticks);
    sum.work_ticks.add(waits->work_ticks);
    sum.world_ticks.add(waits->world_ticks);
  }
  if (note != nullptr && note->cpu_end.get() >= note->cpu_begin.get() && note->cpu_end.get() != 0) {
    sum.cpu_end.add(note->cpu_end.get() - note->cpu_begin.get());
  } else {
    sum.cpu_begin.set(kUnknownCpu);
  }
  const auto cpu_wait = note == nullptr ? std::nullopt : cpu_wait_of(*note);
  if (cpu_wait) {
    sum.cpu_wait_end.add(*cpu_wait);
  } else {
    sum.cpu_wait_begin.set(kUnknownCpu);
  }
}

void ProcessNote::begin(ProcessRole process_role, std::uint64_t ticks) noexcept {
  pid.set(static_cast<std::uint64_t>(getpid()));
  parent_pid.set(static_cast<std::uint64_t>(getppid()));
  role.set(static_cast<std::uint64_t>(process_role));
  started_ticks.set(ticks);
  cpu_begin.set(static_cast<std::uint64_t>(read_process_cpu().count()));
  state.set(kRecording);
}

void ProcessNote::end(std::uint64_t ticks) noexcept {
  for (ThreadNote& note : std::span(notes).first(thread_notes().size())) {
    if (note.thread.get() == 0) continue;
    const ThreadId thread{static_cast<std::uint32_t>(note.thread.get())};
    const auto cpu = read_thread_cpu(thread);
    if (cpu && note.cpu_end.get() == 0) note.has_outlived.set(1);
    note.end(cpu, read_cpu_wait(thread));
  }
  cpu_end.set(static_cast<std::uint64_t>(read_process_cpu().count()));
  stopped_ticks.set(ticks);
  state.set(kStopped);
}

bool ProcessNote::end_of_other(std::uint64_t ticks) noexcept {
  const auto exec = exec_ticks.read();
  if (state.read() == kRecording) {
    stopped_ticks.set(exec != 0 ? exec : ticks);
    state.set(kStopped);
  }
  return exec != 0;
}

bool ProcessNote::name_process(std::string_view new_name, NamedBy by) noexcept {
  const auto by_plus_one = static_cast<std::uint64_t>(by) + 1;
  if (by_plus_one < named_by_plus_one.get()) return false;
  named_by_plus_one.set(by_plus_one);
  set(name, new_name);
  return true;
}

// One that names itself is just beginning; others have worked before.
void ProcessNote::name_thread(ThreadId thread, std::string_view new_name, std::uint64_t now) noexcept {
  const bool is_new = find(thread) == nullptr;
  ThreadNote* const note = find_or_add(thread);
  if (note == nullptr) return;
  const bool has_begun = is_dummy(new_name) || static_cast<pid_t>(thread) != gettid();
  if (is_new && has_begun) note->begin(read_thread_cpu(thread), read_cpu_wait(thread));
  if (note->begin_ticks.get() == 0) note->begin_ticks.set(now);
  if (is_dummy(new_name)) {
    name_native(thread);
    if (note->name.front() == '\0') set(note->name, new_name);
    return;
  }
  set(note->name, new_name);
  note->is_named.set(1);
}

void ProcessNote::name_native(ThreadId thread) noexcept {
  const auto own_name = read_own_name(static_cast<pid_t>(thread));
  if (own_name.front() == '\0') return;
  const bool is_new = find(thread) == nullptr;
  ThreadNote* const note = find_or_add(thread);
  if (note == nullptr || note->is_named.get() != 0) return;
  if (is_new) note->begin(read_thread_cpu(thread), read_cpu_wait(thread));
  set(note->name, view_of(own_name));
}

void ProcessNote::name_natives() noexcept {
  std::error_code error;
  for (std::filesystem::directory_iterator tasks("/proc/self/task", error);
       !error && tasks != std::filesystem::directory_iterator(); tasks.increment(error)) {
    const auto id = parse_unsigned(tasks->path().filename().native()).value_or(0);
    const ThreadNote* const known = find(ThreadId{static_cast<std::uint32_t>(id)});
    if (known == nullptr || known->is_named.get() == 0) name_native(ThreadId{static_cast<std::uint32_t>(id)});
  }
}

// The clock of a thread of this process by its system's id, as the kernel's CPUCLOCK_* macros build it
// (include/linux/posix-timers.h): per thread, of scheduled time.
std::optional<Nanoseconds> read_thread_cpu(ThreadId thread) noexcept {
  constexpr unsigned kPerThread = 4;
  constexpr unsigned kScheduled = 2;
  const auto clock =
      static_cast<clockid_t>((~static_cast<std::uint32_t>(thread) << 3U) | kPerThread | kScheduled);
  timespec time{};
  if (clock_gettime(clock, &time) != 0) return std::nullopt;
  return to_nanoseconds(time);
}

Nanoseconds read_process_cpu() noexcept {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return to_nanoseconds(time);
}

}  // namespace gilscope
