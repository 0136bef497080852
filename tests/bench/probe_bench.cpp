// What the probe adds to one release and acquire of an uncontended GIL, what a reading of its clock costs,
// and what it takes to note where a thread stands, as is done where others wait.
#include <Python.h>

#include <string>

#include <benchmark/benchmark.h>

#include "capture_fixture.h"
#include "embed/interpreter.h"
#include "probe/probe.h"
#include "probe/python_stack.h"
#include "recorders.h"
#include "recording/blame_counters.h"

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

benchmark::State* noting = nullptr;

// As at a release for which somebody waits.
void note_stacks_in(Recorder& recorder) {
  const auto clock = ProbeClock::best();
  const void* const state = PyThreadState_Get();
  std::uint32_t sequence = 0;
  for ([[maybe_unused]] auto _ : *noting) {
    FrameBuffer frames;
    const auto stack = read_stack(state, frames);
    recorder.record_at({.ticks = clock.read(), .kind = EventKind::Release, .sequence = sequence++}, stack,
                       python_code());
  }
}

template <typename Into>
void note_stacks() {
  Into recorder;
  note_stacks_in(recorder);
}

template <>
void note_stacks<EventRecorder>() {
  const CaptureFolder folder;
  EventRecorder recorder;
  recorder.start(recording_into(folder));
  note_stacks_in(recorder);
  finish(recorder, *noting);
}

// Called by Python code: its own stack, read and recorded.
template <typename Into>
PyObject* call_note_stacks(PyObject* /*self*/, PyObject* /*unused*/) {
  note_stacks<Into>();
  Py_RETURN_NONE;
}
template <typename Into>
PyMethodDef note_stacks_method{"note_stacks", call_note_stacks<Into>, METH_NOARGS, nullptr};

template <typename Into>
void bm_note_stack(benchmark::State& state) {
  noting = &state;
  PyObject* const function = PyCFunction_New(&note_stacks_method<Into>, nullptr);
  PyObject_SetAttrString(PyImport_AddModule("__main__"), "note_stacks", function);
  Py_DECREF(function);
  const std::string depth = std::to_string(state.range(0) - 1);
  PyRun_SimpleString(
      ("def dive(left): return dive(left - 1) if left > 1 else note_stacks()\ndive(" + depth + ")").c_str());
}

BENCHMARK(bm_clock_read);
BENCHMARK(bm_pair_bare);
BENCHMARK(bm_pair_probed<NoRecorder>);
BENCHMARK(bm_pair_probed<BlameCounters>);
BENCHMARK(bm_pair_probed<EventRecorder>);
BENCHMARK(bm_start_and_stop);
BENCHMARK(bm_note_stack<BlameCounters>)->ArgName("frames")->Arg(2)->Arg(8)->Arg(32)->Arg(200);
BENCHMARK(bm_note_stack<EventRecorder>)->ArgName("frames")->Arg(2)->Arg(8)->Arg(32)->Arg(200);

}  // namespace
}  // namespace gilscope::bench

int main(int argc, char** argv) {
  const gilscope::Interpreter interpreter;
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
