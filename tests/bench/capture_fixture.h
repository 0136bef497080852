// A capture in the temporary folder, and an EventRecorder that writes into it: both gone at the end of the
// benchmark.
#pragma once

#include <cstdint>
#include <filesystem>

#include <benchmark/benchmark.h>

#include "capture/capture_folder.h"
#include "capture/event_recorder.h"
#include "support/temporary_folder.h"

namespace gilscope::bench {

class CaptureFolder {
 public:
  CaptureFolder() { create_capture(path(), {.gilscope = "bench"}, Existing::Keep); }
  [[nodiscard]] std::filesystem::path path() const { return root_.path() / "capture"; }

 private:
  TemporaryFolder root_;
};

// 16 GiB: more than a benchmark writes in its time.
inline RecordingOptions recording_into(const CaptureFolder& folder, ProbeClock clock = ProbeClock::best()) {
  return {.folder = folder.path(), .clock = clock, .max_size = std::uint64_t{16} << 30U};
}

// Where events are dropped, the figure is of something else.
inline void finish(EventRecorder& recorder, benchmark::State& state) {
  const auto counts = recorder.stop();
  if (counts.dropped_events != 0) state.SkipWithError("events were dropped");
  state.counters["bytes_per_event"] = static_cast<double>(counts.bytes) / static_cast<double>(counts.events);
}

}  // namespace gilscope::bench
