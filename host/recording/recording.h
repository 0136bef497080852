// One recording of this process, and of its children where asked: the probe with one of its two recorders,
// and what is known of processes and threads beside the events. Several may run in a process at once, as
// probes may; of captures one.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/process_record.h"
#include "capture/event_recorder.h"
#include "capture/run_notes.h"
#include "probe/probe.h"
#include "recording/blame_counters.h"
#include "recording/process_note.h"
#include "recording/shared_space.h"
#include "recording/started_programs.h"
#include "recording/suspension.h"
#include "support/process_title.h"

namespace gilscope {

enum class Reach { ThisProcess, WithChildren };

// Where every event goes, instead of being counted.
struct CapturePlan {
  std::string folder;                                // absolute; of a capture: see create_capture
  std::uint64_t max_size = std::uint64_t{1} << 30U;  // bytes
  // Each process keeps so much of what was last, in a ring of at most `max_size` bytes; empty: all is kept.
  std::optional<Nanoseconds> keep;
  // Where its size is not said: holds of some ten thousand a second, half a minute long.
  static constexpr std::uint64_t kRingBytes = std::uint64_t{16} << 20U;
  static constexpr Nanoseconds kForEver = std::chrono::hours(24 * 3650);  // as long as there is space
  std::array<Nanoseconds, kLimitedKinds> limits{};  // of what is posted on the run's TriggerBoard; 0: nothing
};

class Recording {
 public:
  // Throws Error where there is no memory.
  explicit Recording(Reach reach, const std::optional<CapturePlan>& capture = {}, Stacks stacks = Stacks::On);

  // In a child that was started anew: joins what its ancestor records. nullptr where that is gone, or times
  // by a clock that this process may not read, or this one has too few addresses: then it is counted.
  static std::unique_ptr<Recording> join(const std::string& path, ProcessRole role);

  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  Recording(Recording&&) = delete;
  Recording& operator=(Recording&&) = delete;
  ~Recording();  // stops

  // Where children find it; "" where they are not recorded.
  [[nodiscard]] std::string path() const { return space_ ? space_->path() : ""; }

  // The calling thread holds a GIL. Once. Throws ProbeError, or Error where the capture cannot be written.
  // Where a free-threaded Python has its GIL off, of each process is recorded what it notes.
  void start();
  // Any thread, and after the end of Python too. Afterwards the figures stand still.
  void stop() noexcept;
  [[nodiscard]] bool is_running() const noexcept { return probe_.is_running(); }
  // Since the start.
  [[nodiscard]] bool has_gil() const noexcept { return probe_.has_gil(); }

  // Has the Pythons that this process and its children start read first what is at `entry`, a path to the
  // descriptor `file` of this process: see host/run/start_archive.h. Throws ProbeError.
  void pass_on(const std::string& entry, int file);
  // Likewise, in a process that has joined: what the first one passes on.
  void watch_starts();

  // Before start(): those that this process will fork do not belong to the recording.
  void exclude_children() noexcept { takes_children_ = false; }

  // In a process that was forked without the handlers of fork(), and outlives the one that records: it
  // records nothing, and collect() and notes() are to be called once that one has ended. Where it has a
  // path().
  void outlive() noexcept;
  // Then: it has ended just now. Returns whether as another program (exec).
  bool note_death() noexcept;
  // The descriptor by which it reads of others; -1: none.
  [[nodiscard]] int file() const noexcept { return space_ ? space_->file() : -1; }

  // Where what happens is posted, for a flight recorder; nullptr: nowhere.
  [[nodiscard]] TriggerBoard* triggers() noexcept;
  [[nodiscard]] const ProbeClock& clock() const noexcept { return clock_; }

  // For those who look on, before start(): gilscope's whole command line.
  void note_command(const std::vector<std::string>& command) noexcept;
  // Called by the thread itself, with the main interpreter's GIL held.
  void name_thread(ThreadId thread, std::string_view name) noexcept;
  // Likewise, by any thread.
  void name_process(std::string_view name, NamedBy by) noexcept;
  // By the calling thread: this process is about to become another program, or could not.
  void note_exec(bool is_near) noexcept;
  // Notes the CPU time of the thread, which is about to end.
  void end_thread(ThreadId thread) noexcept;

  // What was counted, as of now or as of the stop: from call to call, no count and no sum of times gets less.
  // Nothing of a recording that goes to a capture. Any thread, and no GIL is needed.
  [[nodiscard]] RecordedRun collect();

  // What is known beside the events, likewise; a capture needs it at its end.
  [[nodiscard]] RunNotes notes() const;

 private:
  Recording(std::optional<SharedSpace> space, ProcessRole role, const std::optional<CapturePlan>& capture,
            Stacks stacks, ProbeClock clock);
  static void begin_again_in_child() noexcept;
  void start_capture();
  bool fold_ended_processes() noexcept;
  // What is known of all processes together.
  struct Others {
    std::uint64_t unreadable = 0;  // processes
    std::vector<JoinedProcess> joined;
    std::optional<Nanoseconds> cpu =
        Nanoseconds{};  // of those that have ended, but the first; empty: not known of one
  };
  template <typename Visit>
  Others for_each_process(Visit visit) const;
  [[nodiscard]] RecordingLosses losses(const Others& others) const;
  [[nodiscard]] std::optional<double> find_unseen_share(const Others& others, bool are_all_recorded) const;
  // While the recording runs, the least that a tick can be: the longer it runs the better that is known, and
  // as it never shrinks, time that was counted stays counted.
  TickLength measure_tick(const ClockPoint& now) noexcept;
  [[nodiscard]] ClockPoint now() const { return is_open() ? probe_.clock().sample() : probe_.stopped(); }
  // Whether it goes on up to now: by this process, or by the one that it outlives.
  [[nodiscard]] bool is_open() const noexcept { return probe_.is_running() || outlives_; }

  void begin_again() noexcept;
  void note_title(const ProcessTitle::Text& title) noexcept;

  std::optional<SharedSpace> space_;
  std::unique_ptr<ProcessNote> own_note_;  // where there is no space
  ProcessNote* note_ = nullptr;
  ProcessRole role_;
  std::optional<CapturePlan> capture_;
  Stacks stacks_;
  bool takes_children_ = true;
  bool outlives_ = false;
  ProbeClock clock_;    // of all processes: their ticks are compared
  std::mutex reading_;  // of who collects, or stops meanwhile
  double least_tick_ns_ = 0;
  Nanoseconds readings_{};  // what collect() took so far while it ran
  ProcessTitle title_;
  BootOffset boot_began_;
  BootOffset boot_ended_;
  Nanoseconds throttled_before_{};
  Nanoseconds throttled_after_{};
  std::optional<BlameCounters> counters_;
  EventRecorder events_;  // where there is a capture
  Probe probe_;           // after counters_: it stops before they go
};

}  // namespace gilscope
