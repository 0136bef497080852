// A recorder, and what it should tell: Blame and GilMachine, which are given the same events.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "analysis/blame.h"
#include "analysis/gil_machine.h"
#include "capture/fake_code.h"
#include "recording/as_hooks.h"
#include "recording/blame_counters.h"

namespace gilscope::test {

inline std::vector<CodePlace> make_places(std::size_t count) {
  std::vector<CodePlace> places;
  for (unsigned i = 0; i < count; ++i) {
    places.push_back({.file = "file" + std::to_string(i / 7) + ".py",
                      .function = "function" + std::to_string(i / 3),
                      .line = i + 1});
  }
  return places;
}

class Twins {
 public:
  explicit Twins(Bounds bounds = {.rows = 256, .gils = 16}, std::byte* memory = nullptr,
                 ProcessNote* names = nullptr, std::size_t gils = 16)
      : counters(bounds, memory, names), hooks(counters, gils) {}

  // As the probe does.
  void apply(const Event& event, std::span<const CodePoint> stack) {
    const bool is_noted = hooks.give(event, stack, code);
    expect(event, is_noted ? add(stack) : std::nullopt);
  }
  // An acquire after a wait, of a thread whose latest release was there.
  void apply_again(const Event& event, std::span<const CodePoint> stack) {
    hooks.give_again(event);
    expect(event, add(stack));
  }

  // What is to be blamed.
  const BlameRecord& expected(std::uint64_t now) {
    expected_.spans = blame_.spans(now);
    expected_.long_waits = blame_.long_waits();
    expected_.switch_intervals = blame_.switch_intervals();
    return expected_;
  }
  [[nodiscard]] MachineSnapshot expected_figures(std::uint64_t now) const { return machine_.snapshot(now); }

  FakeCode code{make_places(40)};
  BlameCounters counters;
  AsHooks hooks;

 private:
  std::optional<StackId> add(std::span<const CodePoint> stack) {
    std::vector<PlaceId> places;
    for (const auto& point : stack)
      places.push_back(expected_.stacks.add(*static_cast<const CodePlace*>(point.code)));
    return places.empty() ? std::nullopt : std::optional(expected_.stacks.add(std::move(places)));
  }
  void expect(const Event& event, std::optional<StackId> stands) {
    blame_.apply(event, stands);
    machine_.apply(event);
  }

  BlameRecord expected_;
  Blame blame_;
  GilMachine machine_;
};

// Holds and their ticks, the longest one's, how many were forced, and what all waited: of spans that the two
// name alike, together. `gil_of` says what a GIL is known as, `thread_of` a thread.
using SpanSum = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>;
using SpanSums =
    std::map<std::tuple<GilId, std::string, std::vector<CodePlace>, std::vector<CodePlace>>, SpanSum>;

template <typename GilOf, typename ThreadOf>
SpanSums sum_spans(const BlameRecord& blame, GilOf gil_of, ThreadOf thread_of) {
  SpanSums sums;
  for (const auto& [key, span] : blame.spans) {
    std::uint64_t waited = 0;
    for (const auto& [waiter, wait] : span.waits) waited += wait;
    if (span.holds == 0 && waited == 0) continue;
    auto& [holds, hold_ticks, max_hold, forced, waits] =
        sums[{gil_of(key.gil), key.thread ? thread_of(*key.thread) : "nobody",
              places_of(blame.stacks, key.from), places_of(blame.stacks, key.to)}];
    holds += span.holds;
    hold_ticks += span.hold_ticks;
    max_hold = std::max(max_hold, span.max_hold_ticks);
    forced += span.forced;
    waits += waited;
  }
  return sums;
}

}  // namespace gilscope::test
