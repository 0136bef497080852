// What programs that this process starts, or becomes, find of the recording: CPython's calls that start them
// are patched, and PYTHONPATH begins with what a Python reads first (see host/run/start_archive.h). And which
// of them are Pythons, so that those that did not join can be named.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/cell.h"
#include "capture/run_notes.h"
#include "probe/clock.h"
#include "recording/process_note.h"

namespace gilscope {

// A Python that was started by a recorded process.
struct StartedProgram {
  Cell pid;  // 0: it could not be started; set last
  Cell ticks;
  std::array<char, 112> command;  // cut; not all of it is there before `pid` is
};

// In memory that all processes share. All zero bits: nothing is passed on.
struct StartedPrograms {
  static constexpr std::size_t kPrograms = 256;

  std::array<char, 40> entry;  // of PYTHONPATH: a path below /proc; "": none
  Cell device;                 // of what is there
  Cell inode;
  Cell owner;   // the process whose descriptor that is
  Cell others;  // how many programs were started that are no Pythons, by atomic addition, relaxed
  Cell count;   // likewise: a number for each is all that matters
  std::array<StartedProgram, kPrograms> programs;
};

// By the first process: `entry` is the path of that file, a descriptor of its own.
void announce_start(StartedPrograms& started, const std::string& entry, int file) noexcept;

// From now on, for ever, in this process and in those that it forks, whose note `note` is. Both outlive them.
// Throws ProbeError where CPython's calls cannot be patched. Where nothing was announced, does nothing.
void watch_starts(StartedPrograms& started, ProcessNote& note, ProbeClock clock);

// Likewise the calls of the object that has that function: _posixsubprocess may be one of its own.
void watch_starts_of(const void* function);

// A process of the recording, for who asks which Pythons have joined.
struct JoinedProcess {
  std::uint64_t pid = 0;
  std::uint64_t begin = 0;  // ticks
};

// Those of them that did not join.
[[nodiscard]] std::vector<UnrecordedProgram> find_unrecorded(const StartedPrograms& started,
                                                             std::span<const JoinedProcess> joined);

// Takes that entry out of a value of PYTHONPATH.
[[nodiscard]] std::string without_start(const std::string& python_path);

}  // namespace gilscope
