// The folder of a capture: what the run was, and one file a process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "capture/run_notes.h"
#include "support/file.h"
#include "support/time.h"

namespace gilscope {

// Of a capture that is a dump: what a flight recorder had kept when something happened.
struct DumpNote {
  std::string made_at;  // UTC, as 2026-12-01T04:36:57Z
  std::string reason;   // "hold", "wait", "lock", "loop"; "signal"; "request"
  // Of what lasted: whose it was, how long, and how long before the dump's end it was over.
  std::int64_t pid = 0;
  std::uint32_t thread = 0;
  Nanoseconds length{};
  Nanoseconds over_since{};
  std::uint64_t further = 0;  // of what was waited for, until the dump was made
};

struct CaptureMetadata {
  std::string gilscope;              // version
  std::vector<std::string> command;  // the program's, with its arguments
  nlohmann::json python;             // opaque here, both
  nlohmann::json machine;
  std::optional<DumpNote> dump;
};

struct Capture {
  CaptureMetadata metadata;
  std::vector<std::filesystem::path> processes;  // for ProcessReader, in the order of their names
  std::uint64_t unfiled_drops = 0;               // events of processes that could not make a file
  std::uint64_t bytes = 0;                       // of all its files
  std::optional<RunNotes> notes;                 // of a run that came to its end
};

// Makes the folder, ready for an EventRecorder of each process. One that exists is refused, but for
// Existing::Overwrite of an empty folder or of a capture, which is emptied first; a folder with anything else
// in it is never touched. Throws Error.
void create_capture(const std::filesystem::path& folder, const CaptureMetadata& metadata, Existing existing);

// Deletes it, with all that is in it; does nothing where there is anything else in it.
void remove_capture(const std::filesystem::path& folder) noexcept;

// Gives the files of processes that are gone, killed ones as well, the names that they would have given them.
void settle_capture(const std::filesystem::path& folder) noexcept;

// Whose events file that is, which it writes to or has finished; empty: it is none.
[[nodiscard]] std::optional<std::int64_t> process_of(const std::filesystem::path& file);

// Throws Error where it is no capture; its processes' files are not opened.
[[nodiscard]] Capture read_capture(const std::filesystem::path& folder);
// Of a run that has just ended: with these notes, whether they could be written or not.
[[nodiscard]] Capture read_capture(const std::filesystem::path& folder, RunNotes notes);

}  // namespace gilscope
