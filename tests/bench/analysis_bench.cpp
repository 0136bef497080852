// What the state machine costs an event, from a list and in the counters recorder; pairs are release and
// acquire.
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "analysis/counters.h"
#include "recorders.h"

namespace gilscope::bench {
namespace {

constexpr std::uint64_t kSeed = 1;

// Two threads in turn, each waiting for the other: request, release, acquire; every tenth hold is forced.
std::vector<Event> contended_list() {
  std::mt19937_64 random(kSeed);  // NOLINT(bugprone-random-generator-seed): the same list every time
  std::vector<Event> events;
  std::uint64_t now = 1;
  const auto emit = [&](unsigned thread, EventKind kind) {
    events.push_back(make_event(now += random() % 20'000, thread, kind));
  };
  emit(1, EventKind::Acquire);
  for (unsigned turn = 1; turn <= 100'000; ++turn) {
    const unsigned holder = 1 + (turn + 1) % 2;
    const unsigned waiter = 1 + turn % 2;
    emit(waiter, EventKind::Request);
    if (turn % 10 == 0) emit(waiter, EventKind::Timeout);
    emit(holder, EventKind::Release);
    emit(waiter, EventKind::Acquire);
  }
  return events;
}

// `threads` in turn, never waiting: the first acquire after another's looks its row up.
std::vector<Event> alternating_list(unsigned threads) {
  std::mt19937_64 random(kSeed);  // NOLINT(bugprone-random-generator-seed): the same list every time
  std::vector<Event> events;
  std::uint64_t now = 1;
  for (unsigned turn = 0; turn < 200'000; ++turn) {
    for (const auto kind : {EventKind::Acquire, EventKind::Release}) {
      events.push_back(make_event(now += random() % 20'000, 1 + turn % threads, kind));
    }
  }
  return events;
}

void run_list(benchmark::State& state, const std::vector<Event>& events) {
  GilMachine machine;
  std::uint64_t shift = 0;
  while (state.KeepRunning()) {
    for (Event event : events) {
      event.ticks += shift;
      benchmark::DoNotOptimize(machine.apply(event));
    }
    state.PauseTiming();
    if (events.back().kind == EventKind::Acquire) {
      auto last = events.back();
      last.kind = EventKind::Release;
      last.ticks += shift;
      machine.apply(last);
    }
    shift += events.back().ticks;
    state.ResumeTiming();
  }
  const auto snapshot = machine.snapshot(shift);
  for (const auto count : snapshot.gils.at(0).violations) {
    if (count != 0) state.SkipWithError("the list is not legal");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(events.size()));
}

void machine_contended(benchmark::State& state) { run_list(state, contended_list()); }
BENCHMARK(machine_contended);

void machine_alternating(benchmark::State& state) {
  run_list(state, alternating_list(static_cast<unsigned>(state.range(0))));
}
BENCHMARK(machine_alternating)->Arg(1)->Arg(2)->Arg(1000);

void counters_pair(benchmark::State& state) {
  Counters counters;
  record_pairs(state, counters);
}
BENCHMARK(counters_pair);

void empty_recorder_pair(benchmark::State& state) {
  NoRecorder recorder;
  record_pairs(state, recorder);
}
BENCHMARK(empty_recorder_pair);

void snapshot_of_rows(benchmark::State& state) {
  Counters counters;
  for (const auto& event : alternating_list(static_cast<unsigned>(state.range(0)))) counters.record(event);
  while (state.KeepRunning()) benchmark::DoNotOptimize(counters.snapshot(1));
}
BENCHMARK(snapshot_of_rows)->Arg(1)->Arg(16)->Arg(1000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace gilscope::bench
