// What recording costs beside the clock reads that it cannot do without, how many bytes an event takes, and
// how fast a capture is read. Pairs are release and acquire, as probe_bench has them.
#include <atomic>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "analysis/gil_machine.h"
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

// A capture of `threads` that hold in turn, ten pairs each time: as many streams to merge.
void capture_turns(const CaptureFolder& folder, unsigned threads) {
  constexpr unsigned kTurns = 200'000;
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
}

// `read` goes through a sequence and returns how many events it had.
template <typename Read>
void read_turns(benchmark::State& state, Read read) {
  const CaptureFolder folder;
  capture_turns(folder, static_cast<unsigned>(state.range(0)));
  const ProcessReader reader(read_capture(folder.path()).processes.at(0));
  std::int64_t count = 0;
  while (state.KeepRunning()) count += read(reader.events());
  state.SetItemsProcessed(count);
}

void read_merged(benchmark::State& state) {
  read_turns(state, [](EventSequence sequence) {
    std::int64_t count = 0;
    for (Event event{}; sequence.next(event); ++count) benchmark::DoNotOptimize(event);
    return count;
  });
}
BENCHMARK(read_merged)->Arg(1)->Arg(2)->Arg(16)->Unit(benchmark::kMillisecond);

// As an analysis reads: from the file to holds and waits.
void read_and_analyse(benchmark::State& state) {
  read_turns(state, [](EventSequence sequence) {
    GilMachine machine;
    std::int64_t count = 0;
    for (Event event{}; sequence.next(event); ++count) machine.apply(event);
    benchmark::DoNotOptimize(machine.table().rows().size());
    return count;
  });
}
BENCHMARK(read_and_analyse)->Arg(1)->Arg(2)->Arg(16)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gilscope::bench
