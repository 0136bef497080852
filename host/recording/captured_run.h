// A capture as a whole: its processes on one clock, and what each of the analyses makes of their events.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "analysis/blame.h"
#include "analysis/gil_machine.h"
#include "analysis/process_record.h"
#include "analysis/truth_check.h"
#include "capture/capture_folder.h"
#include "capture/format.h"
#include "capture/process_reader.h"
#include "probe/clock.h"

namespace gilscope {

struct CapturedProcess {
  std::filesystem::path file;
  ProcessFacts facts;
  const ProcessNotes* notes = nullptr;  // of the capture; nullptr where the run left none of it
  std::optional<std::uint64_t> end;     // ticks; of one that was killed: unknown
  // Later events belong to no figure: the run was over, or goes on; or some are missing from there on.
  std::uint64_t cut = kMaxTicks;
};

struct BlamedInterval {
  const Interval& interval;
  const BlamedHold* blame = nullptr;     // nullptr: a wait, or a hold for which nobody waited
  const CapturedWait* waited = nullptr;  // nullptr: it was for no lock
  const CodeStacks& stacks;              // that both name
};

class CapturedRun {
 public:
  // Reads the headers of all files. Throws Error.
  explicit CapturedRun(Capture capture);
  CapturedRun(const CapturedRun&) = delete;
  CapturedRun& operator=(const CapturedRun&) = delete;
  CapturedRun(CapturedRun&&) = delete;
  CapturedRun& operator=(CapturedRun&&) = delete;
  ~CapturedRun() = default;

  [[nodiscard]] const Capture& capture() const noexcept { return capture_; }
  // The first one first, the others as they began.
  [[nodiscard]] const std::vector<CapturedProcess>& processes() const noexcept { return processes_; }
  [[nodiscard]] const TickConversion& clock() const noexcept { return clock_; }
  // When its first process began, in ticks; 0 where there is none.
  [[nodiscard]] std::uint64_t origin() const;
  // The wall clock is in no capture: its first file was made as the run began. Empty where there is none.
  [[nodiscard]] std::optional<std::filesystem::file_time_type> began_at() const;

  // Called now and then while events are read, which may take minutes; may throw.
  void watch(std::function<void()> poll) { poll_ = std::move(poll); }

  using TakeWait = std::function<void(const CapturedWait&, const CaptureNames&)>;
  // The events of a process, in their order; `take` is called with each, and with where its thread stood
  // where that was noted; if it takes a third, with what was said beside them so far (names, owners, stacks).
  // All of that is returned. `take_wait` is called with each wait for a lock in between. Throws Error.
  template <typename Take>
  [[nodiscard]] CaptureNames read(const CapturedProcess& process, Take take,
                                  const TakeWait& take_wait = {}) const {
    const ProcessReader reader(process.file);
    auto sequence = reader.events();
    std::uint64_t count = 0;
    if (take_wait) {
      sequence.take_lock_waits([&](const CapturedWait& wait) {
        if (++count % kPollEvery == 0) poll_();
        if (wait.end <= process.cut) take_wait(wait, sequence.names());
      });
    }
    for (Event event{}; sequence.next(event) && event.ticks <= process.cut; ++count) {
      if (count % kPollEvery == 0) poll_();
      if constexpr (std::is_invocable_v<Take&, Event&, std::optional<StackId>, const CaptureNames&>) {
        take(event, sequence.stands(), sequence.names());
      } else {
        take(event, sequence.stands());
      }
    }
    return sequence.take_names();
  }

  // The holds and waits of a process, those for locks, too, in the order of their ends, then those that have
  // not ended; `take` is called with each. What was said beside their events is returned. Throws Error.
  [[nodiscard]] CaptureNames read_intervals(const CapturedProcess& process,
                                            const std::function<void(const Interval&)>& take) const;

  // The same, with what each hold made others wait.
  [[nodiscard]] CaptureNames read_blamed_intervals(
      const CapturedProcess& process, const std::function<void(const BlamedInterval&)>& take) const;

 private:
  static constexpr std::uint64_t kPollEvery = std::uint64_t{1} << 16U;

  Capture capture_;
  std::function<void()> poll_ = [] {};
  std::vector<CapturedProcess> processes_;
  TickConversion clock_;
};

// What multiprocessing called it; "" of a process that it did not start.
[[nodiscard]] const std::string& name_of(const CapturedProcess& process, const CaptureNames& names);

// The threads that are known by name or by CPU time.
[[nodiscard]] std::vector<ThreadRecord> merge_threads(const CapturedProcess& process,
                                                      const CaptureNames& names);

// With as many rows as there may be memory for: the script may have left us little (RLIMIT_AS).
[[nodiscard]] std::unique_ptr<GilMachine> make_machine();

// What the recorder `counters` would have told of the same run. Throws Error.
[[nodiscard]] RecordedRun replay(const CapturedRun& captured);

// The truth check of each process, in their order. Throws Error.
[[nodiscard]] std::vector<ProcessTruth> check_truth(const CapturedRun& run);

}  // namespace gilscope
