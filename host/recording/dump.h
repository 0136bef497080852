// A dump: what the processes of a run keep in their rings, as a capture of its own, while they go on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "capture/capture_folder.h"
#include "capture/ring_copy.h"
#include "capture/run_notes.h"
#include "capture/trigger_board.h"
#include "recording/live_run.h"
#include "support/temporary_folder.h"

namespace gilscope {

struct DumpReason {
  Trigger trigger;
  std::uint64_t further = 0;  // triggers since then
};
// Somebody asks for it, now.
[[nodiscard]] DumpReason on_request(const LiveRun& run);

// Up to now, from so long before that time on, which is in ticks.
[[nodiscard]] RingSpan span_before(const LiveRun& run, std::uint64_t ticks, Nanoseconds kept);
// Likewise, as long as it keeps. Throws Error where the run keeps no ring.
[[nodiscard]] RingSpan span_before(const LiveRun& run, std::uint64_t ticks);

// A capture of what the rings in that folder have of that span, and of what `notes` say of it: of a
// process whose beginning is not there, CPU times and sums of waits since its beginning say nothing, and are
// left out. It is there whole or not at all. Throws Error: it exists, there is no space, the ring is gone, …
void write_dump(const std::filesystem::path& ring_folder, const std::optional<DumpNote>& dump,
                const RingSpan& span, RunNotes notes, const std::filesystem::path& folder, Existing existing);

// The same of a run that goes on. Returns what the capture says of itself.
DumpNote write_dump(const LiveRun& run, const DumpReason& reason, const std::filesystem::path& folder,
                    Existing existing);

// The capture of a run that goes on, as of now. Of rings, which are written over meanwhile, it is a copy,
// which is good as long as `copy`; of the last while, or of all that is kept. Throws Error.
[[nodiscard]] Capture read_live_capture(const LiveRun& run, std::optional<TemporaryFolder>& copy,
                                        std::optional<Nanoseconds> last = {});

}  // namespace gilscope
