// What recording costs beside the clock reads that it cannot do without, how many bytes an event takes, and
// how fast a capture is read. Pairs are release and acquire, as probe_bench has them.
#include <atomic>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "capture/process_reader.h"
#include "capture_fixture.h"
#include "recorders.h"

namespace gilscope::bench {
namespace {

void two_clock_reads(benchmark::State& state) {
  const ProbeClock clock = ProbeClock::best();
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(clock.read());
    benchmark::DoNotOptimize(clock.read());
  }
}
BENCHMARK(two_clock_reads);

void events_pair(benchmark::State& state) {
  const CaptureFolder folder;
  EventRecorder events;
  events.start(recording_into(folder));
  record_pairs(state, events);
  finish(events, state);
}
BENCHMARK(events_pair);

// The same, with the two reads: what a release/acquire pair pays in the hooks.
void events_pair_with_clock(benchmark::State& state) {
  const CaptureFolder folder;
  const ProbeClock clock = ProbeClock::best();
  EventRecorder events;
  events.start(recording_into(folder, clock));
  Recorder* recorder = &events;
  benchmark::DoNotOptimize(recorder);
  while (state.KeepRunning()) {
    recorder->record(make_event(clock.read(), 1, EventKind::Release));
    recorder->record(make_event(clock.read(), 1, EventKind::Acquire));
  }
  finish(events, state);
}
BENCHMARK(events_pair_with_clock);

void empty_recorder_pair(benchmark::State& state) {
  NoRecorder recorder;
  record_pairs(state, recorder);
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
}  // namespace gilscope::bench
