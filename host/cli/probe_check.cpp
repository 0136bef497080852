#include <Python.h>

#include "cli/probe_check.h"

#include <numeric>

#include "analysis/counters.h"
#include "probe/pair_cost.h"
#include "probe/probe.h"

namespace gilscope::cli {
namespace {

constexpr std::uint64_t kPairs = 20'000;

}  // namespace

ProbeCheck check_probe() {
  ProbeCheck check{.pairs = kPairs};
  try {
    Counters counters;
    Probe probe;
    probe.start(counters);
    for (std::uint64_t i = 0; i < kPairs; ++i) {
      PyThreadState* const state = PyEval_SaveThread();
      PyEval_RestoreThread(state);
    }
    probe.stop();
    const auto snapshot = counters.snapshot(probe.clock().read());
    for (const auto& thread : snapshot.threads) {
      check.seen_releases += thread.forced + thread.voluntary;
      // The hold at the start was there before the first pair.
      check.seen_acquires += thread.holds - 1;
    }
    for (const auto& gil : snapshot.gils) {
      check.violations += std::accumulate(gil.violations.begin(), gil.violations.end(), std::uint64_t{0});
    }
    counters.clear();
    check.added_ns = measure_pair_cost(counters).value_or(0);
  } catch (const Error& error) {
    check.refusal = error.what();
    check.refusal_hint = error.hint();
  }
  return check;
}

}  // namespace gilscope::cli
