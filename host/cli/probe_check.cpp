#include <Python.h>

#include "cli/probe_check.h"

#include "analysis/gil_summary.h"
#include "probe/probe.h"
#include "recording/blame_counters.h"
#include "recording/recording_cost.h"

namespace gilscope::cli {
namespace {

constexpr std::uint64_t kPairs = 20'000;

}  // namespace

ProbeCheck check_probe() {
  ProbeCheck check{.pairs = kPairs};
  try {
    BlameCounters counters;
    Probe probe;
    probe.start(counters);
    for (std::uint64_t i = 0; i < kPairs; ++i) {
      PyThreadState* const state = PyEval_SaveThread();
      PyEval_RestoreThread(state);
    }
    probe.stop();
    const auto figures = summarize(counters.view().figures(probe.clock().read()), {}, {});
    for (const auto& thread : figures.threads) {
      check.seen_releases += thread.forced + thread.voluntary;
      // The hold at the start was there before the first pair.
      check.seen_acquires += thread.holds - 1;
    }
    for (const auto& gil : figures.gils) check.violations += gil.violations;
    check.added_ns = measure_counting_cost().value_or(0);
  } catch (const Error& error) {
    check.refusal = error.what();
    check.refusal_hint = error.hint();
  }
  return check;
}

}  // namespace gilscope::cli
