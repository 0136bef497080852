#include "recording/dump.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/core.h>

#include "analysis/note_difference.h"
#include "capture/process_reader.h"
#include "recording/note_snapshots.h"
#include "support/error.h"

namespace gilscope {
namespace {

namespace fs = std::filesystem;

Nanoseconds time_of(std::uint64_t ticks, double tick_ns) {
  return round_to_nanoseconds(static_cast<double>(ticks) * tick_ns);
}

DumpNote note_of(const DumpReason& reason, std::uint64_t end, double tick_ns) {
  const Trigger& trigger = reason.trigger;
  return {.made_at = fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr))),
          .reason = std::string(name_of(trigger.kind)),
          .pid = trigger.pid,
          .thread = static_cast<std::uint32_t>(trigger.thread),
          .length = time_of(trigger.end - trigger.begin, tick_ns),
          .over_since = time_of(end - std::min(end, trigger.end), tick_ns),
          .further = reason.further};
}

// A folder that is being made, and gone unless it is put in place.
class PartFolder {
 public:
  explicit PartFolder(const fs::path& folder) : path_(fmt::format("{}.part-{}", folder.string(), getpid())) {}
  PartFolder(const PartFolder&) = delete;
  PartFolder& operator=(const PartFolder&) = delete;
  PartFolder(PartFolder&&) = delete;
  PartFolder& operator=(PartFolder&&) = delete;
  ~PartFolder() {
    if (!is_in_place_) remove_capture(path_);
  }

  [[nodiscard]] const fs::path& path() const noexcept { return path_; }
  // What is there goes only now.
  void put_in_place(const fs::path& folder, Existing existing) {
    std::error_code error;
    if (existing == Existing::Overwrite) remove_capture(folder);
    fs::rename(path_, folder, error);
    if (error) {
      throw Error(fmt::format("{} cannot be made: {}", folder.string(), error.message()),
                  "name a folder that is not there yet");
    }
    is_in_place_ = true;
  }

 private:
  fs::path path_;
  bool is_in_place_ = false;
};

void check_folder(const fs::path& folder, Existing existing) {
  std::error_code error;
  if (existing == Existing::Overwrite || !fs::exists(fs::symlink_status(folder, error))) return;
  throw Error(fmt::format("{} exists already", folder.string()), "--force overwrites it", ExitCode::Usage);
}

fs::path without_slash(const fs::path& folder) {
  return folder.has_filename() ? folder : folder.parent_path();
}

// What a process noted of all its life, where the dump has not all of it, and what it had noted before is not
// known.
void forget_beginning(ProcessNotes& process) {
  process.cpu.reset();
  process.hooks = {};
  for (auto& thread : process.threads) {
    thread = {.id = thread.id, .name = std::move(thread.name), .has_outlived = thread.has_outlived};
  }
  process.steps.clear();
  process.lock_waits.clear();
  process.stops.clear();
  process.further_steps = process.further_lock_waits = process.further_stops = 0;
  process.spins = process.spin_ticks = 0;
}

// What is known of the processes' beginnings.
class Beginnings {
 public:
  explicit Beginnings(const fs::path& rings) : snapshots_(rings) {}

  // Where the dump is to begin of a ring.
  [[nodiscard]] std::uint64_t find(const RingSpan& wanted, const RingHead& ring) const {
    if (ring.lost_until == 0 && ring.began >= wanted.begin) return wanted.begin;
    const auto happened = std::min(wanted.happened, wanted.end.ticks);
    return snapshots_.find_begin(wanted.begin, ring.lost_until, happened).value_or(wanted.begin);
  }

  // Takes from the notes what belongs to the time before the copy begins.
  void settle(ProcessNotes& process, const ProcessFacts& copy) {
    if (copy.begin.ticks == copy.began) return;
    const auto& times = snapshots_.times();
    const ProcessNotes* before = nullptr;
    if (std::ranges::find(times, copy.begin.ticks) != times.end()) {
      auto [notes, is_new] = read_.try_emplace(copy.begin.ticks);
      if (is_new) notes->second = snapshots_.read(copy.begin.ticks);
      const auto& processes = notes->second.processes;
      const auto found = std::ranges::find_if(processes, [&](const auto& older) {
        return older.pid == process.pid && older.begin == process.begin;
      });
      if (found != processes.end()) before = &*found;
    }
    if (before == nullptr) return forget_beginning(process);
    subtract_noted(process, *before, ThreadSuccessors(before->threads, process.threads));
  }

 private:
  NoteSnapshots snapshots_;
  std::map<std::uint64_t, RunNotes> read_;
};

using Copies = std::vector<ProcessFacts>;

// A process may end meanwhile, and its file be gone or have another name.
Copies copy_rings(const Capture& ring, const fs::path& folder, const RingSpan& span,
                  const Beginnings& beginnings) {
  Copies copies;
  for (const auto& file : ring.processes) {
    try {
      const auto copy = folder / file.filename();
      RingSpan own = span;
      own.begin = beginnings.find(span, read_ring_head(file));
      if (copy_ring(file, copy, own)) copies.push_back(ProcessReader(copy).facts());
    } catch (const Error&) {
      std::error_code error;
      if (fs::exists(file, error)) throw;
    }
  }
  return copies;
}

// Process ids come again: the one that began when the process did.
const ProcessFacts* find_copy(const Copies& copies, const ProcessNotes& process) {
  const auto distance = [&](const ProcessFacts& facts) {
    return std::max(facts.began, process.begin) - std::min(facts.began, process.begin);
  };
  const ProcessFacts* nearest = nullptr;
  for (const auto& facts : copies) {
    if (facts.pid != process.pid) continue;
    if (nearest == nullptr || distance(facts) < distance(*nearest)) nearest = &facts;
  }
  return nearest;
}

// Where there is no GIL there are no events either, and the notes are all that there is.
void settle_notes(RunNotes& notes, const Copies& copies, Beginnings& beginnings) {
  if (!notes.has_gil) return;
  for (auto& process : notes.processes) {
    const ProcessFacts* const copy = find_copy(copies, process);
    if (copy == nullptr) continue;
    beginnings.settle(process, *copy);
    if (&process != &notes.processes.front() || copy->begin.ticks == copy->began) continue;
    notes.losses.unseen_cpu_share.reset();
    notes.losses.throttled = notes.losses.suspended = {};
  }
}

}  // namespace

DumpReason on_request(const LiveRun& run) {
  const auto now = run.clock().read();
  return {.trigger = {.kind = TriggerKind::Request, .begin = now, .end = now}};
}

RingSpan span_before(const LiveRun& run, std::uint64_t ticks, Nanoseconds kept) {
  const ClockPoint end = run.clock().sample();
  const auto before = static_cast<std::uint64_t>(count_ns(kept) / run.tick_ns());
  const auto happened = std::min(ticks, end.ticks);
  return {.begin = happened - std::min(happened, before), .end = end, .happened = happened};
}

RingSpan span_before(const LiveRun& run, std::uint64_t ticks) {
  const auto keep = run.keep();
  if (!keep) {
    throw Error("that run keeps no ring of what was last",
                "gilscope run --keep 30s keeps one; gilscope report PID says what was recorded so far");
  }
  return span_before(run, ticks, *keep);
}

void write_dump(const fs::path& ring_folder, const std::optional<DumpNote>& dump, const RingSpan& span,
                RunNotes notes, const fs::path& folder, Existing existing) {
  const fs::path place = without_slash(folder);
  std::error_code error;
  if (!fs::exists(ring_folder / kMetadataFile, error)) {
    throw Error("what that run kept is gone: its first process has ended", "dump it while that one lives");
  }
  const Capture ring = read_capture(ring_folder);
  CaptureMetadata metadata = ring.metadata;
  metadata.dump = dump;
  check_folder(place, existing);
  PartFolder part(place);
  create_capture(part.path(), metadata, Existing::Keep);
  Beginnings beginnings(ring_folder);
  settle_notes(notes, copy_rings(ring, part.path(), span, beginnings), beginnings);
  write_run_notes(part.path(), notes);
  part.put_in_place(place, existing);
}

DumpNote write_dump(const LiveRun& run, const DumpReason& reason, const fs::path& folder, Existing existing) {
  const RingSpan span = span_before(run, reason.trigger.begin);
  DumpNote note = note_of(reason, span.end.ticks, run.tick_ns());
  write_dump(run.capture(), note, span, run.notes(), folder, existing);
  return note;
}

Capture read_live_capture(const LiveRun& run, std::optional<TemporaryFolder>& copy,
                          std::optional<Nanoseconds> last) {
  if (!run.keep()) return read_capture(run.capture(), run.notes());
  copy.emplace();
  const auto folder = copy->path() / "capture";
  const auto kept = std::min(*run.keep(), last.value_or(*run.keep()));
  write_dump(run.capture(), std::nullopt, span_before(run, run.clock().read(), kept), run.notes(), folder,
             Existing::Keep);
  return read_capture(folder);
}

}  // namespace gilscope
