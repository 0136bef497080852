// Holds and waits, those for locks, too, in the Trace Event Format (Google, "Trace Event Format", 2016),
// which Perfetto and chrome://tracing open: a slice for each, by process and thread, in microseconds of
// CLOCK_MONOTONIC; and an arrow from each hold to each wait that it caused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/interval.h"
#include "analysis/run_summary.h"
#include "report/export_text.h"
#include "support/time.h"

namespace gilscope {

// What a hold made others wait.
struct HoldBlame {
  std::optional<CodePlace> from;  // where it began and ended, as far as that is known
  std::optional<CodePlace> to;
  std::vector<CausedWait> waits;  // that ended with the hold, or went on after it
};

// What is known of a wait for a lock.
struct LockDetails {
  std::optional<CodePlace> at;
  std::optional<ThreadId> ended_by;
};

class ChromeTrace {
 public:
  // The rows of the GIL have numbers of their own, beyond those of threads (Linux has less than 2^22):
  // another trace of the run, of its function calls, has the threads' rows, and a viewer drops slices of one
  // row that overlap.
  static constexpr std::int64_t kRows = 10'000'000;

  // `rows`: of what they are, beside those of another trace.
  explicit ChromeTrace(TextSink sink, std::string_view rows = "GIL");

  // In the order of their starts: viewers that ask the trace for an order show them in this one.
  void name_process(std::int64_t pid, std::string_view name);
  void name_thread(std::int64_t pid, ThreadId thread, std::string_view name);
  void add(std::int64_t pid, const Interval& interval, Nanoseconds begin, Nanoseconds end,
           const HoldBlame* blame = nullptr);
  // It is for no GIL.
  void add_lock_wait(std::int64_t pid, const Interval& interval, Nanoseconds begin, Nanoseconds end,
                     const LockDetails& details);
  // After the last of these. `command` is that of the run.
  void finish(const std::vector<std::string>& command);

 private:
  void begin_event();
  void begin_slice(std::int64_t pid, ThreadId thread, std::string_view name, std::string_view category,
                   Nanoseconds begin, Nanoseconds end);
  void describe(std::string_view what, std::int64_t pid, std::int64_t thread, std::string_view key,
                std::string_view json);
  void add_arrow(std::int64_t pid, ThreadId from, ThreadId to, Nanoseconds at);

  BufferedSink text_;
  std::string rows_;
  bool is_empty_ = true;
  std::uint64_t processes_ = 0;
  std::uint64_t arrows_ = 0;
};

}  // namespace gilscope
