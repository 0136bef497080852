// What the state machine costs an event, from a list and in the counters recorder; pairs are release and
// acquire. And what memory it takes, which may not grow with events.
#include <algorithm>
#include <array>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "recorders.h"
#include "recording/blame_counters.h"

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

bool is_legal(const MachineSnapshot& snapshot) {
  return std::ranges::all_of(snapshot.gils, [](const GilSnapshot& gil) {
    return std::ranges::all_of(gil.violations, [](std::uint64_t count) { return count == 0; });
  });
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
  if (!is_legal(machine.snapshot(shift))) state.SkipWithError("the list is not legal");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(events.size()));
}

void machine_contended(benchmark::State& state) { run_list(state, contended_list()); }
BENCHMARK(machine_contended);

void machine_alternating(benchmark::State& state) {
  run_list(state, alternating_list(static_cast<unsigned>(state.range(0))));
}
BENCHMARK(machine_alternating)->Arg(1)->Arg(2)->Arg(1000);

// Legal events without end, made as they are asked for: on each of two GILs two threads in turn, each waiting
// for the other, every tenth hold forced. Holds and waits spread over the octaves 2^8 to 2^22, all of them
// frequent: a rare one would take its page of the histogram late, and look like growth.
class EndlessEvents {
 public:
  template <typename Machine>
  std::uint64_t apply_turn(Machine& machine) {
    const unsigned gil = turn_ % 2;
    const unsigned holder = 1 + 2 * gil + turn_ / 2 % 2;
    const unsigned waiter = 1 + 2 * gil + (turn_ / 2 + 1) % 2;
    std::uint64_t events = 0;
    const auto emit = [&](std::uint64_t after, unsigned thread, EventKind kind) {
      machine.apply(
          {.ticks = now_[gil] += after, .gil = GilId{gil}, .thread = ThreadId{thread}, .kind = kind});
      ++events;
    };
    if (turn_ < 2) emit(0, holder, EventKind::Acquire);
    emit(kStep, waiter, EventKind::Request);
    if (turn_ % 20 < 2) emit(kStep, waiter, EventKind::Timeout);
    emit(next_length(), holder, EventKind::Release);
    emit(kStep, waiter, EventKind::Acquire);
    ++turn_;
    return events;
  }
  [[nodiscard]] std::uint64_t now() const { return std::max(now_[0], now_[1]); }

 private:
  static constexpr std::uint64_t kStep = 64;

  // xorshift64 (Marsaglia, "Xorshift RNGs"): a good generator would take longer than the machine.
  std::uint64_t next_length() {
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 7U;
    random_ ^= random_ << 17U;
    constexpr std::uint64_t kMost = (1U << 23U) - 4 * kStep;
    return 2 * kStep + std::min((random_ >> 41U) >> (random_ % 16), kMost - 2 * kStep);
  }

  std::uint64_t random_ = 0x9E3779B97F4A7C15U;  // small seeds begin with small numbers
  std::array<std::uint64_t, 2> now_{1, 1};
  unsigned turn_ = 0;
};

// The most memory that this process ever had since reset_peak(), in KiB (VmHWM, proc(5)).
double peak_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmHWM:") {
      status >> word;
      return std::stod(word);
    }
  }
  return 0;
}
bool reset_peak() { return static_cast<bool>(std::ofstream("/proc/self/clear_refs") << "5" << std::flush); }

// Memory that a million events take, and what 999 million more add to it.
void machine_memory(benchmark::State& state) {
  constexpr std::uint64_t kFew = 1'000'000;
  constexpr std::uint64_t kMany = 1'000'000'000;
  while (state.KeepRunning()) {
    if (!reset_peak()) state.SkipWithError("the kernel does not reset the peak");
    const double before = peak_kib();
    GilMachine machine;
    EndlessEvents events;
    std::uint64_t count = 0;
    while (count < kFew) count += events.apply_turn(machine);
    const double after_few = peak_kib();
    while (count < kMany) count += events.apply_turn(machine);
    state.counters["kib_1e6"] = after_few - before;
    state.counters["kib_1e9_more"] = peak_kib() - after_few;
    if (!is_legal(machine.snapshot(events.now()))) state.SkipWithError("the events are not legal");
    state.SetItemsProcessed(static_cast<std::int64_t>(count));
  }
}
BENCHMARK(machine_memory)->Iterations(1)->Repetitions(1)->Unit(benchmark::kSecond);

void counters_pair(benchmark::State& state) {
  BlameCounters counters;
  record_pairs(state, counters);
}
BENCHMARK(counters_pair);

void empty_recorder_pair(benchmark::State& state) {
  NoRecorder recorder;
  record_pairs(state, recorder);
}
BENCHMARK(empty_recorder_pair);

void snapshot_of_rows(benchmark::State& state) {
  BlameCounters counters;
  std::uint32_t sequence = 0;
  for (auto event : alternating_list(static_cast<unsigned>(state.range(0)))) {
    event.sequence = sequence++;
    counters.record(event);
  }
  while (state.KeepRunning()) benchmark::DoNotOptimize(counters.view().figures(1));
}
BENCHMARK(snapshot_of_rows)->Arg(1)->Arg(16)->Arg(1000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace gilscope::bench
