// Holds and waits in the Trace Event Format (Google, "Trace Event Format", 2016), which Perfetto and
// chrome://tracing open: a slice for each, by process and thread, in microseconds of CLOCK_MONOTONIC.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "analysis/interval.h"
#include "support/time.h"

namespace gilscope {

class ChromeTrace {
 public:
  // Takes the text, part by part: it may be larger than memory.
  using Sink = std::function<void(std::string_view)>;

  explicit ChromeTrace(Sink sink);

  void name_process(std::int64_t pid, std::string_view name);
  void name_thread(std::int64_t pid, ThreadId thread, std::string_view name);
  void add(std::int64_t pid, const Interval& interval, Nanoseconds begin, Nanoseconds end);
  // After the last of these. `command` is that of the run.
  void finish(const std::vector<std::string>& command);

 private:
  void begin_event();
  void name(std::string_view what, std::int64_t pid, std::int64_t thread, std::string_view name);
  void flush();

  Sink sink_;
  fmt::memory_buffer text_;
  bool is_empty_ = true;
};

}  // namespace gilscope
