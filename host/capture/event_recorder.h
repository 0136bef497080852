// The recorder `events`: every event of the process goes to its file in a capture folder, in about two bytes.
// record() and open() come from the hooks (recorder.h says what they may not do); the rest is cold.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "capture/capture_system.h"
#include "capture/lanes.h"
#include "capture/process_file.h"
#include "capture/size_budget.h"
#include "capture/trigger_board.h"
#include "capture/trigger_watch.h"
#include "probe/clock.h"
#include "probe/recorder.h"

namespace gilscope {

struct RecordingOptions {
  std::filesystem::path folder;  // of a capture: see create_capture
  ProbeClock clock = ProbeClock::best();
  std::optional<ClockPoint> begin;                   // at or before the first event; default: now
  std::uint64_t max_size = std::uint64_t{1} << 30U;  // bytes of the whole folder, of all its processes
  bool is_ring = false;  // instead, bytes of each process's file, of which the oldest are written over
  std::optional<Nanoseconds> process_begin;    // CLOCK_MONOTONIC
  std::string start_method;                    // how the process was started: "spawn", …; or none
  std::string start_method_of_forks = "fork";  // and the children that it will fork
  std::string metadata;                        // JSON about the process; or none
  const CaptureSystem* system = &real_system();
  // Memory that all processes of the capture share, zeros at first, which outlives the recorder; nullptr:
  // only the children of fork() count together with this process.
  SharedCounts* counts = nullptr;
  TriggerBoard* triggers = nullptr;  // where what is wanted there is posted; likewise, or nullptr
};

struct RecordingCounts {
  std::uint64_t events = 0;
  std::uint64_t dropped_events = 0;
  std::uint64_t bytes = 0;  // of the process's file
};

// A full disk, a limit, or a folder that went away drops events and counts them; nothing else happens.
//
// After fork() the child goes on by itself, with a file of its own that it makes at its first event, as if
// start() had been called there; the parent's is let go, untouched. (By a pthread_atfork handler, which takes
// no lock and may run before or after the probe's.) A child that ends without stop() leaves its file
// unfinished, and readable.
class EventRecorder final : public Recorder {
 public:
  EventRecorder() = default;
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;
  EventRecorder(EventRecorder&&) = delete;
  EventRecorder& operator=(EventRecorder&&) = delete;
  ~EventRecorder() override;  // stops

  // Before the probe starts. One runs in a process at a time. Throws Error.
  void start(RecordingOptions options);
  // After the probe stopped: nobody may record meanwhile. `end`: at or after the last event; default: now.
  RecordingCounts stop(std::optional<ClockPoint> end = {}) noexcept;
  [[nodiscard]] bool is_running() const noexcept;
  // In a process that was forked without the handlers: records nothing; what its parent writes is untouched.
  void abandon() noexcept;

  void open(GilId gil, std::int64_t interpreter) noexcept override { note_gil(gil, interpreter); }
  void record(const Event& event) noexcept override;
  void record_at(const Event& event, std::span<const CodePoint> stack,
                 const CodeReader& reader) noexcept override;
  void record_again(const Event& event) noexcept override;
  Stand stand_at(std::uint64_t ticks, std::span<const CodePoint> stack,
                 const CodeReader& reader) noexcept override;
  // What finds no space is lost: the process's sums have it (lock_table.h).
  void record_wait(const LockWait& wait, WaitFor wait_for, const Stand& stand) noexcept override;
  void see_step(const LongStep& step) noexcept override;

  // At any time between start and stop, from any thread. What finds no space is lost; a name is cut at 255
  // bytes.
  void name_thread(ThreadId thread, std::string_view name) noexcept;
  void name_process(std::string_view name) noexcept;
  void note_gil(GilId gil, std::int64_t interpreter) noexcept;

  // From any thread, while it runs; counts of other threads may lag.
  [[nodiscard]] RecordingCounts counts() const noexcept;

 private:
  enum class State : std::uint8_t { Stopped, Open, Forked, Opening, Failed };

  int create_file() noexcept;
  bool is_ready() noexcept;
  void append(const Event& event) noexcept;
  void record_slowly(const Event& event) noexcept;
  void write_event(Lane& lane, const Event& event) noexcept;
  void tell_own_name(Lane& lane, const Event& event) noexcept;
  static void write_name(Lane& lane, ThreadId thread, std::string_view name) noexcept;
  Lane* own_stream(const Event& event, std::uint64_t ticks) noexcept;
  void begin_stream(Lane& lane, const Event& event) noexcept;
  void note_point(Lane& lane) const noexcept;
  void note_point_after(Lane& lane) const noexcept;
  [[nodiscard]] bool has_stacks() const noexcept;
  void record_there(const Event& event, std::optional<std::uint32_t> stack) noexcept;
  void make_room_for_stack() noexcept;
  [[nodiscard]] std::uint64_t owner_of_numbers() const noexcept;
  [[nodiscard]] bool make_room_unnoticed(Lane& lane, std::uint32_t size) noexcept;
  [[nodiscard]] std::optional<std::uint32_t> find_new(const Event& event, std::span<const CodePoint> stack,
                                                      const CodeReader& reader, std::uint64_t key) noexcept;
  void drop(const Event& event) noexcept;
  static void watch_process();
  static void after_fork_in_child() noexcept;

  RecordingOptions options_;
  std::string folder_;  // absolute
  std::uint32_t pid_ = 0;
  std::uint32_t parent_pid_ = 0;
  ClockPoint begin_;
  ClockPoint reference_;
  Nanoseconds process_begin_{};
  std::string_view start_method_;
  TriggerWatch watch_;
  SizeBudget budget_;
  ProcessFile file_;
  // Acquire by whoever sees Open pairs with the release of the one that made the file.
  std::atomic<State> state_{State::Stopped};
  // Of this recording in this process. Changes only while nobody records.
  std::uint64_t session_ = 0;
  std::uint32_t ring_parts_ = 0;                 // as ProcessFile has it
  std::atomic<std::uint64_t> unfiled_drops_{0};  // relaxed: where there is no file to count them in
};

}  // namespace gilscope
