// What a process noted, as another one reads it: it may have been killed meanwhile, and anything may stand in
// memory that others write to. Each number is read once, then judged.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "capture/run_notes.h"
#include "recording/process_note.h"

namespace gilscope {

// Up to the first zero, or all.
[[nodiscard]] std::string text_of(std::span<const char> bytes);

// Of a process that records and has not ended: its id. Not of a fork server, which ends with who started it.
[[nodiscard]] std::optional<std::int64_t> running_id(const ProcessNote& note);

// Of a process that began to record, alive or not; `now` is the clock's. Empty where these cannot be notes.
[[nodiscard]] std::optional<ProcessNotes> read_note(const ProcessNote& note, std::uint64_t now);

}  // namespace gilscope
