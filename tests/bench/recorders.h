// What the benchmarks of recorders share: the loop of release/acquire pairs, a recorder that does nothing,
// and a capture that goes when it is done with.
#pragma once

#include <cstdint>

#include <benchmark/benchmark.h>

#include "probe/recorder.h"

namespace gilscope::bench {

// What the calls alone cost.
class NoRecorder final : public Recorder {
 public:
  void record(const Event& event) noexcept override { benchmark::DoNotOptimize(&event); }
};

inline Event make_event(std::uint64_t ticks, unsigned thread, EventKind kind) {
  return {.ticks = ticks, .gil = GilId{0}, .thread = ThreadId{thread}, .kind = kind};
}

// As the hooks call it: through the interface, one event at a time, by one thread that holds the GIL before
// the first release. Times are made up (0.1 to 5 us of hold, 30 ns free, at 2.5 GHz): no clock is read.
inline void record_pairs(benchmark::State& state, Recorder& recorder) {
  Recorder* called = &recorder;
  benchmark::DoNotOptimize(called);
  std::uint32_t sequence = 0;
  std::uint64_t ticks = 1;
  const auto give = [&](EventKind kind) {
    Event event = make_event(ticks, 1, kind);
    event.sequence = sequence;
    if (sequence != 0 && called->absorb(event)) return;
    ++sequence;
    called->record(event);
  };
  give(EventKind::Acquire);
  for ([[maybe_unused]] auto _ : state) {
    ticks += 250 + ticks * 2654435761U % 12'000;
    give(EventKind::Release);
    ticks += 75;
    give(EventKind::Acquire);
  }
}

}  // namespace gilscope::bench
