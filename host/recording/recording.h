// One recording of this process, and of its children where asked: the probe with its counters, and what is
// known of processes and threads beside them. One runs in a process at a time (the probe refuses a second
// one).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/counters.h"
#include "analysis/process_record.h"
#include "probe/probe.h"
#include "recording/process_note.h"
#include "recording/shared_space.h"

namespace gilscope {

enum class Reach { ThisProcess, WithChildren };

// What a whole recording gave.
struct RecordedRun {
  std::vector<ProcessRecord> processes;    // this one first; those without an event are left out
  std::uint64_t unrecorded_processes = 0;  // had no place, or their memory cannot be read any more
  ProbeLosses losses;                      // of this process
  ClockKind clock = ClockKind::Monotonic;
};

class Recording {
 public:
  explicit Recording(Reach reach);  // throws Error where there is no memory

  // In a child that was started anew: joins what its ancestor records. nullptr where that is gone.
  static std::unique_ptr<Recording> join(const std::string& path, ProcessRole role);

  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  Recording(Recording&&) = delete;
  Recording& operator=(Recording&&) = delete;
  ~Recording();  // stops

  // Where children find it; "" where they are not recorded.
  [[nodiscard]] std::string path() const { return space_ ? space_->path() : ""; }

  // The calling thread holds a GIL. Once. Throws ProbeError.
  void start();
  // Any thread, and after the end of Python too. Afterwards the figures stand still.
  void stop() noexcept;
  [[nodiscard]] bool is_running() const noexcept { return probe_.is_running(); }

  // Called by the thread itself, with the main interpreter's GIL held.
  void name_thread(ThreadId thread, std::string_view name) noexcept { note_->name_thread(thread, name); }
  // Notes the CPU time of the thread, which is about to end.
  void end_thread(ThreadId thread) noexcept;

  // As of now, or as of the stop.
  [[nodiscard]] RecordedRun collect() const;

 private:
  Recording(std::optional<SharedSpace> space, ProcessRole role);
  static void begin_again_in_child() noexcept;

  // The recording that runs: the child of a fork goes on with it.
  static Recording* running;

  std::optional<SharedSpace> space_;
  std::unique_ptr<ProcessNote> own_note_;  // where there is no space
  ProcessNote* note_ = nullptr;
  ProcessRole role_;
  std::optional<Counters> counters_;
  Probe probe_;  // after counters_: it stops before they go
};

}  // namespace gilscope
