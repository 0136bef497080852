// What a process notes of itself and of its threads beside its counters, in memory that others may read. All
// zero bits: a process that has not begun to record.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "analysis/cell.h"
#include "analysis/gil_state.h"
#include "analysis/process_record.h"
#include "probe/event.h"
#include "probe/hook_times.h"
#include "probe/lock_table.h"
#include "probe/step_table.h"
#include "support/machine.h"
#include "support/time.h"

namespace gilscope {

inline constexpr std::size_t kNameBytes = 103;  // longer names are cut, between characters of UTF-8

using NoteName = std::array<char, kNameBytes + 1>;
// See analysis/name_family.h.
[[nodiscard]] NoteName name_family(const NoteName& name) noexcept;

// Who says what a process is called: a later one knows better.
enum class NamedBy : std::uint8_t {
  Command,
  Module,  // multiprocessing, or one that imitates it
  Title,   // what it calls itself
  Worker,  // what started it, for one of several that have one title
};

// Notes are written by who has the lock of the counters' queue, or by the one thread of a forked child.
struct ThreadNote {
  Cell thread;          // 0: nobody's; set last
  Cell cpu_begin;       // CPU time of the thread when the recording began, in ns
  Cell cpu_end;         // when it ended, or the recording did; 0: not known
  Cell cpu_wait_begin;  // likewise, for how long it had waited for a CPU (cpu_wait.h);
  Cell cpu_wait_end;    // 1 more than that; 0: not known
  Cell is_named;        // 1: by Python; else by the kernel, or nobody
  Cell has_outlived;    // 1: it lived when the recording ended
  NoteName name;
  // Of a family, in ticks: what its threads waited for locks of Python's; of others the lock table says it.
  Cell turn_ticks;
  Cell work_ticks;
  Cell world_ticks;  // likewise, that they stood in a stopped world
  // Of a thread that Python has named, in ticks: since when it is recorded; 0: not known,
  Cell begin_ticks;
  Cell end_ticks;  // and when it ended; 0: it has not told
  // Of readers in its own process: what the system last said of its waits, and its CPU time then, in ns.
  // While that is the same it has had no CPU, so no wait for one has ended; to ask is most of what a reading
  // takes.
  mutable Cell cpu_wait_told;  // 1 more than that; 0: nobody has asked
  mutable Cell cpu_when_told;  // set last

  // As of now, where it has worked before.
  void begin(std::optional<Nanoseconds> cpu, std::optional<Nanoseconds> cpu_wait) noexcept;
  // When it ended. Nothing is changed by what is not known.
  void end(std::optional<Nanoseconds> cpu, std::optional<Nanoseconds> cpu_wait) noexcept;
};
static_assert(sizeof(ThreadNote) == 216);

struct ProcessNote {
  static constexpr std::size_t kThreads = 958;
  static constexpr std::size_t kFamilies = 64;

  static constexpr std::uint64_t kRecording = 1;
  static constexpr std::uint64_t kStopped = 2;  // in order

  Cell state;  // 0: nothing recorded yet
  Cell pid;
  Cell parent_pid;
  Cell role;
  Cell started_ticks;
  Cell stopped_ticks;
  Cell cpu_begin;  // of the process, in ns
  Cell cpu_end;    // 0: not known
  Cell threads;
  NoteName name;    // "": nobody named it
  Cell exec_ticks;  // when it was about to become another program; 0: it was not
  HookTimes hooks;
  Cell folded;  // of how many processes that have ended this is the sum; 0: it is of one
  Cell named_by_plus_one;
  Cell is_without_gil;  // 1: its Python has its GIL off
  std::array<std::byte, 192> unused;
  std::array<ThreadNote, kThreads> notes;
  // Of threads that have ended and are one by their name. `cpu_end` is the sum of their times, and
  // `cpu_wait_end` of what they waited; where one of these is not known, its begin is kUnknownCpu.
  std::array<ThreadNote, kFamilies> families;
  StepTable steps;
  LockTable locks;
  static constexpr std::uint64_t kUnknownCpu = ~std::uint64_t{0};

  // The note of the thread, made where there is none; nullptr once there is no place.
  ThreadNote* find_or_add(ThreadId thread) noexcept;
  [[nodiscard]] const ThreadNote* find(ThreadId thread) const noexcept;

  // The family of a thread, by its name. Once half of the families are made, names that differ in any number
  // are of one; the last come all into the first, as threads do that have no name.
  [[nodiscard]] ThreadId family_of(ThreadId thread) noexcept;
  [[nodiscard]] ThreadId family_of_name(const NoteName& told) noexcept;
  // The thread has ended, and is one of that family: its CPU time and its waits, too.
  void forget(ThreadId thread, ThreadId family) noexcept;
  // Adds the CPU time and the waits of a thread or a family of those notes to those of the family here.
  void add_times(ThreadId family, const ProcessNote& of, ThreadId thread) noexcept;
  [[nodiscard]] const ThreadNote* find_family(ThreadId family) const noexcept;
  // Of either.
  [[nodiscard]] const ThreadNote* find_note(ThreadId thread) const noexcept {
    return is_family(thread) ? find_family(thread) : find(thread);
  }

  // Begins the notes of the calling process.
  void begin(ProcessRole process_role, std::uint64_t ticks) noexcept;
  void end(std::uint64_t ticks) noexcept;
  // Of a process that has ended, by another one: where it has not done so itself. Returns whether it had
  // become another program, of which nothing is recorded.
  bool end_of_other(std::uint64_t ticks) noexcept;

  // Those that were made so far, and places that were given back.
  [[nodiscard]] std::span<const ThreadNote> thread_notes() const noexcept {
    return std::span(notes).first(std::min<std::uint64_t>(threads.read(), kThreads));
  }

  // Returns whether that is its name by now.
  bool name_process(std::string_view new_name, NamedBy by) noexcept;
  // `now`: ticks, from which on a thread is recorded that was not known; 0: that is not told.
  void name_thread(ThreadId thread, std::string_view new_name, std::uint64_t now = 0) noexcept;
  // As the kernel calls it, where Python has not named it and it has a name of its own: native threads.
  void name_native(ThreadId thread) noexcept;
  // Likewise, of all threads of this process that live.
  void name_natives() noexcept;
};
static_assert(sizeof(ProcessNote) == std::size_t{98} * 4096, "whole pages, so that what follows is aligned");

// CPU time; empty where the thread is gone.
[[nodiscard]] std::optional<Nanoseconds> read_thread_cpu(ThreadId thread) noexcept;
[[nodiscard]] Nanoseconds read_process_cpu() noexcept;

}  // namespace gilscope
