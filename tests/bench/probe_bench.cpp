// What the probe adds to one release and acquire of an uncontended GIL, and what a reading of its clock
// costs.
#include <Python.h>

#include <benchmark/benchmark.h>

#include "analysis/counters.h"
#include "capture_fixture.h"
#include "embed/interpreter.h"
#include "probe/probe.h"
#include "recorders.h"

namespace gilscope::bench {
namespace {

void release_and_acquire(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    PyThreadState* const thread = PyEval_SaveThread();
    PyEval_RestoreThread(thread);
  }
}

void bm_pair_bare(benchmark::State& state) { release_and_acquire(state); }

void release_and_acquire_probed(benchmark::State& state, Recorder& recorder) {
  Probe probe;
  probe.start(recorder);
  release_and_acquire(state);
  probe.stop();
}

template <typename Into>
void bm_pair_probed(benchmark::State& state) {
  Into recorder;
  release_and_acquire_probed(state, recorder);
}

template <>
void bm_pair_probed<EventRecorder>(benchmark::State& state) {
  const CaptureFolder folder;
  EventRecorder recorder;
  recorder.start(recording_into(folder));
  release_and_acquire_probed(state, recorder);
  finish(recorder, state);
}

void bm_clock_read(benchmark::State& state) {
  const auto clock = ProbeClock::best();
  state.SetLabel(clock.kind() == ClockKind::Tsc ? "tsc" : "monotonic");
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(clock.read());
}

void bm_start_and_stop(benchmark::State& state) {
  NoRecorder recorder;
  Probe probe;
  for ([[maybe_unused]] auto _ : state) {
    probe.start(recorder);
    probe.stop();
  }
}

BENCHMARK(bm_clock_read);
BENCHMARK(bm_pair_bare);
BENCHMARK(bm_pair_probed<NoRecorder>);
BENCHMARK(bm_pair_probed<Counters>);
BENCHMARK(bm_pair_probed<EventRecorder>);
BENCHMARK(bm_start_and_stop);

}  // namespace
}  // namespace gilscope::bench

int main(int argc, char** argv) {
  const gilscope::Interpreter interpreter;
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
