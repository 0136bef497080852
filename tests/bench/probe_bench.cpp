// What the probe adds to one release and acquire of an uncontended GIL, and what a reading of its clock
// costs.
#include <Python.h>

#include <optional>

#include <benchmark/benchmark.h>

#include "analysis/counters.h"
#include "probe/probe.h"
#include "run/interpreter.h"

namespace {

class NoRecorder : public gilscope::Recorder {
 public:
  void record(const gilscope::Event& event) noexcept override { benchmark::DoNotOptimize(&event); }
};

void release_and_acquire(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    PyThreadState* const thread = PyEval_SaveThread();
    PyEval_RestoreThread(thread);
  }
}

void bm_pair_bare(benchmark::State& state) { release_and_acquire(state); }

template <typename Recorder>
void bm_pair_probed(benchmark::State& state) {
  Recorder recorder;
  gilscope::Probe probe;
  probe.start(recorder);
  release_and_acquire(state);
  probe.stop();
}

void bm_clock_read(benchmark::State& state) {
  const auto clock = gilscope::ProbeClock::best();
  state.SetLabel(clock.kind() == gilscope::ClockKind::Tsc ? "tsc" : "monotonic");
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(clock.read());
}

void bm_start_and_stop(benchmark::State& state) {
  NoRecorder recorder;
  gilscope::Probe probe;
  for ([[maybe_unused]] auto _ : state) {
    probe.start(recorder);
    probe.stop();
  }
}

BENCHMARK(bm_clock_read);
BENCHMARK(bm_pair_bare);
BENCHMARK(bm_pair_probed<NoRecorder>);
BENCHMARK(bm_pair_probed<gilscope::Counters>);
BENCHMARK(bm_start_and_stop);

}  // namespace

int main(int argc, char** argv) {
  const gilscope::Interpreter interpreter;
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
