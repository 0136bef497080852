// The probe: hooks CPython's GILs and hands each event to a recorder. Cold. Some may run in a process at
// once, and stop in any order: each knows nothing of the others, and records all.
#pragma once

#include <cstddef>
#include <cstdint>

#include "probe/clock.h"
#include "probe/event.h"
#include "probe/probe_error.h"
#include "probe/recorder.h"

namespace gilscope {

struct ProbeLosses {
  std::uint64_t overlooked_gils = 0;    // more were alive at once than the table takes
  bool were_slots_overwritten = false;  // somebody else changed them while the probe ran: events are missing
};

// Where the recorder is told where threads stand (see Recorder::record_at).
enum class Stacks : std::uint8_t {
  Off,
  OfLocks,  // where they wait for Python's locks, and of the GIL nothing
  On,       // and where others wait for them
  Every,    // and at every acquire and release
};

class Probe {
 public:
  Probe() = default;
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  Probe(Probe&&) = delete;
  Probe& operator=(Probe&&) = delete;
  ~Probe();  // stops

  // Where a free-threaded Python has its GIL off there is none to hook: what else is noted of this process
  // (waits for locks) is, where stacks can be read, and the recorder hears of no event; or else this throws.
  //
  // The calling thread holds a GIL, and gives it up once for a moment. Its hold is recorded as an acquire at
  // the start; the holds of other GILs, from their next acquire. After fork() the probe goes on in the child
  // with the same recorder, which learns of it by a pthread_atfork handler of its own. Throws ProbeError,
  // with all as it was. Unless stacks are Off some Python code of its own is run first.
  void start(Recorder& recorder, Stacks stacks = Stacks::Off, ProbeClock clock = ProbeClock::best());

  // Any thread, with a GIL or without. No event comes after it; holds and waits that are on stay open.
  void stop() noexcept;

  [[nodiscard]] bool is_running() const noexcept { return is_running_; }

  // False since a start without a GIL.
  [[nodiscard]] bool has_gil() const noexcept { return has_gil_; }

  // While it runs, by a thread of Python, with its GIL or without: what has happened to that GIL before the
  // call has been recorded when it returns.
  void settle() const noexcept;

  // Off, too, where they were asked for and cannot be read: a build of CPython with frames that are not
  // known.
  [[nodiscard]] Stacks stacks() const noexcept { return stacks_; }

  // Whether waits for Python's locks are noted.
  [[nodiscard]] bool watches_locks() const noexcept { return locks_ != nullptr; }

  [[nodiscard]] ProbeClock clock() const noexcept { return clock_; }
  [[nodiscard]] const ClockPoint& started() const noexcept { return started_; }
  [[nodiscard]] const ClockPoint& stopped() const noexcept { return stopped_; }
  [[nodiscard]] const ProbeLosses& losses() const noexcept { return losses_; }

 private:
  void install(Recorder& recorder, Stacks stacks, ProbeClock clock);
  void install_without_gil(Recorder& recorder, Stacks stacks, ProbeClock clock);
  void end_with_gil() noexcept;
  void end_hooks() noexcept;

  void stop_watching() noexcept;

  bool is_running_ = false;
  bool has_gil_ = true;
  bool watches_collections_ = false;
  StepTable* steps_ = nullptr;  // where those of event loops are noted that took long
  LockTable* locks_ = nullptr;  // where waits for locks are noted
  Stacks stacks_ = Stacks::Off;
  ProbeClock clock_;
  ClockPoint started_;
  ClockPoint stopped_;
  ProbeLosses losses_;
  std::size_t level_ = 0;  // of its hooks
};

}  // namespace gilscope
