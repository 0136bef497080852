#include "recording/process_note.h"

#include <cstring>
#include <ctime>
#include <unistd.h>

namespace gilscope {
namespace {

std::uint64_t key_of(ThreadId thread) noexcept { return static_cast<std::uint32_t>(thread); }

// At most `limit` bytes, without a character's beginning at the end.
std::string_view cut(std::string_view text, std::size_t limit) noexcept {
  if (text.size() <= limit) return text;
  const auto is_continuation = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; };
  while (limit > 0 && is_continuation(text[limit])) --limit;
  return text.substr(0, limit);
}

void set(std::array<char, kNameBytes + 1>& name, std::string_view text) noexcept {
  const auto kept = cut(text, kNameBytes);
  name.fill('\0');
  std::memcpy(name.data(), kept.data(), kept.size());
}

}  // namespace

const ThreadNote* ProcessNote::find(ThreadId thread) const noexcept {
  for (const ThreadNote& note : thread_notes()) {
    if (note.thread.read() == key_of(thread)) return &note;
  }
  return nullptr;
}

ThreadNote* ProcessNote::find_or_add(ThreadId thread) noexcept {
  if (const ThreadNote* const known = find(thread)) return const_cast<ThreadNote*>(known);
  const auto count = threads.read();
  if (count >= kThreads) return nullptr;
  ThreadNote& added = notes[count];
  added.thread.set(key_of(thread));
  threads.set(count + 1);
  return &added;
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
    const auto cpu = read_thread_cpu(ThreadId{static_cast<std::uint32_t>(note.thread.get())});
    if (cpu) note.cpu_end.set(static_cast<std::uint64_t>(cpu->count()));
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

void ProcessNote::name_process(std::string_view new_name) noexcept { set(name, new_name); }

void ProcessNote::name_thread(ThreadId thread, std::string_view new_name) noexcept {
  if (ThreadNote* const note = find_or_add(thread)) set(note->name, new_name);
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
