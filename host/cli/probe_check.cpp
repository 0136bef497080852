#include <Python.h>

#include "cli/probe_check.h"

#include <numeric>

#include "analysis/counters.h"
#include "probe/probe.h"

namespace gilscope::cli {
namespace {

constexpr std::uint64_t kPairs = 20'000;

// The time of kPairs releases, each followed by an acquire.
double time_pairs() {
  const auto begin = ProbeClock::read_monotonic();
  for (std::uint64_t i = 0; i < kPairs; ++i) {
    PyThreadState* const state = PyEval_SaveThread();
    PyEval_RestoreThread(state);
  }
  return static_cast<double>((ProbeClock::read_monotonic() - begin).count());
}

}  // namespace

ProbeCheck check_probe() {
  ProbeCheck check{.pairs = kPairs};
  try {
    Counters counters;
    Probe probe;
    const double bare_ns = time_pairs();
    probe.start(counters);
    const double traced_ns = time_pairs();
    probe.stop();
    check.added_ns = (traced_ns - bare_ns) / static_cast<double>(kPairs);
    const auto snapshot = counters.snapshot(probe.clock().read());
    for (const auto& thread : snapshot.threads) {
      check.seen_releases += thread.forced + thread.voluntary;
      // The hold at the start was there before the first pair.
      check.seen_acquires += thread.holds - 1;
    }
    for (const auto& gil : snapshot.gils) {
      check.violations += std::accumulate(gil.violations.begin(), gil.violations.end(), std::uint64_t{0});
    }
  } catch (const Error& error) {
    check.refusal = error.what();
    check.refusal_hint = error.hint();
  }
  return check;
}

}  // namespace gilscope::cli
