// What recording costs beside the clock reads that it cannot do without, how many bytes an event takes, and
// how fast a capture is read. Pairs are release and acquire, as probe_bench has them.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "capture/capture_folder.h"
#include "capture/event_recorder.h"
#include "capture/process_reader.h"

namespace gilscope {
namespace {

class CaptureFolder {
 public:
  CaptureFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "gilscope-bench-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    root_ = pattern;
    create_capture(path(), {.gilscope = "bench"}, Existing::Keep);
  }
  CaptureFolder(const CaptureFolder&) = delete;
  CaptureFolder& operator=(const CaptureFolder&) = delete;
  CaptureFolder(CaptureFolder&&) = delete;
  CaptureFolder& operator=(CaptureFolder&&) = delete;
  ~CaptureFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  [[nodiscard]] std::filesystem::path path() const { return root_ / "capture"; }

 private:
  std::filesystem::path root_;
};

Event make_event(std::uint64_t ticks, unsigned thread, EventKind kind) {
  return {.ticks = ticks, .gil = GilId{0}, .thread = ThreadId{thread}, .kind = kind};
}

void two_clock_reads(benchmark::State& state) {
  const ProbeClock clock = ProbeClock::best();
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(clock.read());
    benchmark::DoNotOptimize(clock.read());
  }
}
BENCHMARK(two_clock_reads);

// Times are made up (0.1 to 5 us of hold, 30 ns free, at 2.5 GHz): no clock is read.
void record_pair(benchmark::State& state) {
  const CaptureFolder folder;
  EventRecorder events;
  events.start({.folder = folder.path(), .max_size = std::uint64_t{16} << 30U});
  Recorder* recorder = &events;
  benchmark::DoNotOptimize(recorder);
  std::uint64_t ticks = 1;
  while (state.KeepRunning()) {
    ticks += 250 + ticks * 2654435761U % 12'000;
    recorder->record(make_event(ticks, 1, EventKind::Release));
    ticks += 75;
    recorder->record(make_event(ticks, 1, EventKind::Acquire));
  }
  const auto counts = events.stop();
  if (counts.dropped_events != 0) state.SkipWithError("events were dropped");
  state.counters["bytes_per_event"] = static_cast<double>(counts.bytes) / static_cast<double>(counts.events);
}
BENCHMARK(record_pair);

// The same, with the two reads: what a release/acquire pair pays in the hooks.
void record_pair_with_clock(benchmark::State& state) {
  const CaptureFolder folder;
  const ProbeClock clock = ProbeClock::best();
  EventRecorder events;
  events.start({.folder = folder.path(), .clock = clock, .max_size = std::uint64_t{16} << 30U});
  Recorder* recorder = &events;
  benchmark::DoNotOptimize(recorder);
  while (state.KeepRunning()) {
    recorder->record(make_event(clock.read(), 1, EventKind::Release));
    recorder->record(make_event(clock.read(), 1, EventKind::Acquire));
  }
  const auto counts = events.stop();
  if (counts.dropped_events != 0) state.SkipWithError("events were dropped");
  state.counters["bytes_per_event"] = static_cast<double>(counts.bytes) / static_cast<double>(counts.events);
}
BENCHMARK(record_pair_with_clock);

class Nothing final : public Recorder {
 public:
  void record(const Event& event) noexcept override { benchmark::DoNotOptimize(&event); }
};
void empty_recorder_pair(benchmark::State& state) {
  Nothing nothing;
  Recorder* recorder = &nothing;
  benchmark::DoNotOptimize(recorder);
  std::uint64_t ticks = 1;
  while (state.KeepRunning()) {
    ticks += 250 + ticks * 2654435761U % 12'000;
    recorder->record(make_event(ticks, 1, EventKind::Release));
    ticks += 75;
    recorder->record(make_event(ticks, 1, EventKind::Acquire));
  }
}
BENCHMARK(empty_recorder_pair);

// `threads` that hold in turn, ten pairs each time: as many streams to merge.
void read_merged(benchmark::State& state) {
  constexpr unsigned kTurns = 200'000;
  const auto threads = static_cast<unsigned>(state.range(0));
  const CaptureFolder folder;
  EventRecorder recorder;
  recorder.start({.folder = folder.path()});
  std::vector<std::thread> running;
  std::atomic<unsigned> turn{0};
  std::uint64_t ticks = 1;
  for (unsigned id = 0; id < threads; ++id) {
    running.emplace_back([&, id] {
      std::mt19937 random(id);
      for (unsigned now = turn; now < kTurns; now = turn) {
        if (now % threads != id) {
          turn.wait(now);
          continue;
        }
        for (unsigned pair = 0; pair < 10; ++pair) {
          recorder.record(make_event(ticks += 75, id + 1, EventKind::Acquire));
          recorder.record(make_event(ticks += 250 + random() % 12'000, id + 1, EventKind::Release));
        }
        ++turn;
        turn.notify_all();
      }
    });
  }
  for (auto& thread : running) thread.join();
  recorder.stop();
  const ProcessReader reader(read_capture(folder.path()).processes.at(0));
  std::uint64_t count = 0;
  while (state.KeepRunning()) {
    auto sequence = reader.events();
    for (Event event{}; sequence.next(event); ++count) benchmark::DoNotOptimize(event);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(count));
}
BENCHMARK(read_merged)->Arg(1)->Arg(2)->Arg(16)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gilscope
