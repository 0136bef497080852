// What takes the probe's events. Called on the hot path, by the thread that the event is of, with the GIL's
// mutex held: events of one GIL come one after the other, in their true order; those of different GILs come
// at once. The ticks of a GIL's events grow, and so do those of a thread's.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

#include "probe/code_point.h"
#include "probe/event.h"
#include "probe/hook_times.h"
#include "probe/lock_table.h"
#include "probe/step_table.h"

namespace gilscope {

// Where a thread waits, as its recorder knows it. All zero bits: nowhere that is known.
struct Stand {
  std::uint64_t owner = 0;
  std::uint32_t stack = 0;
};

class Recorder {
 public:
  Recorder() = default;
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  Recorder(Recorder&&) = delete;
  Recorder& operator=(Recorder&&) = delete;
  virtual ~Recorder() = default;

  // Comes before the first event of a GIL: the id of the interpreter that owns it (others may share it). In
  // the child of a fork it comes again. Bound by the rules of record().
  virtual void open(GilId /*gil*/, std::int64_t /*interpreter*/) noexcept {}

  // The interpreter that owned the GIL has ended, after so many events that came to record() or record_at().
  // With no mutex of a GIL held.
  virtual void close(GilId /*gil*/, std::uint32_t /*events*/) noexcept {}

  // Comes before record(), of an event that concerns the thread alone: it takes the GIL again that it had
  // last, or gives it up, and nobody waits for it. True where the recorder has counted it: then record() does
  // not come, and the event has no sequence. By the rules of record().
  virtual bool absorb(const Event& /*event*/) noexcept { return false; }

  // May not lock, allocate, log, throw, touch a Python object, change errno, or call what may take a GIL.
  virtual void record(const Event& event) noexcept = 0;

  // A release for which somebody waits, or an acquire after a wait (with Stacks::Every any of them), and
  // where the thread stands; or a timeout after a very long wait, and where the holder was seen: the
  // innermost frame first; nothing where stacks are not read, or no Python code runs. The points are good
  // during the call only.
  virtual void record_at(const Event& event, std::span<const CodePoint> /*stack*/,
                         const CodeReader& /*reader*/) noexcept {
    record(event);
  }

  // Instead of record_at(), of an acquire after a wait: the thread stands where its latest release stood,
  // which is its latest event but for the wait, and came to record_at().
  virtual void record_again(const Event& event) noexcept { record(event); }

  // The calling thread is about to wait for one of Python's locks, and stands there; the points are good
  // during the call only. Without a GIL, and nothing of Python's is locked; else by the rules of record(), as
  // is the next one.
  virtual Stand stand_at(std::uint64_t /*ticks*/, std::span<const CodePoint> /*stack*/,
                         const CodeReader& /*reader*/) noexcept {
    return {};
  }
  // That wait is over.
  virtual void record_wait(const LockWait& /*wait*/, WaitFor /*wait_for*/, const Stand& /*stand*/) noexcept {}

  // A step of an event loop that took long is over (and is in steps() already), by its thread.
  virtual void see_step(const LongStep& /*step*/) noexcept {}

  // What there is to do off the GIL's mutex: while has_work() is true, a thread that is about to wait for a
  // GIL calls work(), with nothing locked. It may take some ten microseconds.
  [[nodiscard]] bool has_work() const noexcept { return has_work_.load(std::memory_order_relaxed); }
  virtual void work() noexcept {}

  // As many may be in use at once, each on a level of its own (hook_level.h): before the probe starts.
  static constexpr std::size_t kLevels = 5;
  void note_level(std::size_t level) noexcept { level_ = level; }
  [[nodiscard]] std::size_t level() const noexcept { return level_; }

  // Where the hooks that call this one note what that takes; nullptr: nowhere. Before the probe starts.
  void note_times(HookTimes* times) noexcept { times_ = times; }
  [[nodiscard]] HookTimes* times() const noexcept { return times_; }

  // Where waits for locks are noted; nullptr: nowhere. Likewise.
  void note_locks(LockTable* locks) noexcept { locks_ = locks; }
  [[nodiscard]] LockTable* locks() const noexcept { return locks_; }

  // Where steps of event loops that took long are noted; nullptr: nowhere. Likewise.
  void note_steps(StepTable* steps) noexcept { steps_ = steps; }
  [[nodiscard]] StepTable* steps() const noexcept { return steps_; }

 protected:
  void set_has_work(bool has_work) noexcept { has_work_.store(has_work, std::memory_order_relaxed); }

 private:
  // Relaxed: a hint; what there is to do is published by itself.
  std::atomic<bool> has_work_{false};
  HookTimes* times_ = nullptr;
  LockTable* locks_ = nullptr;
  StepTable* steps_ = nullptr;
  std::size_t level_ = 0;  // below kLevels
};

}  // namespace gilscope
