// What is to be said of a run as a whole.
#include <algorithm>

#include "analysis/gil_summary.h"
#include "analysis/run_findings.h"

namespace gilscope {
namespace {

using Kind = RunFinding::Kind;

constexpr double kBusyHalf = 0.5;

struct Totals {
  double hold_share = 0;  // of the GIL that was held most
  std::uint64_t forced = 0;
  std::uint64_t handoffs = 0;
  Nanoseconds waited{};
};

Totals sum_up(const RunSummary& run) {
  Totals totals;
  for (const auto& process : run.processes) {
    for (const auto& gil : process.gils) {
      totals.hold_share = std::max(totals.hold_share, gil.hold_share.value_or(0));
      totals.forced += gil.forced;
      totals.handoffs += gil.handoffs;
      totals.waited = add(totals.waited, gil.wait_ns);
    }
  }
  return totals;
}

// Where the time goes of a run whose GIL is no bottleneck.
Kind find_kind(const RunSummary& run, const Totals& totals) {
  if (totals.hold_share < kBusyHalf) {
    const auto cpu = run.cpu_ns ? share_of(*run.cpu_ns, *run.wall_ns) : std::nullopt;
    return cpu.value_or(0) < kBusyHalf ? Kind::IoBound : Kind::ReleasedByC;
  }
  return run.verdict.kind == RunVerdict::Kind::OneThread ? Kind::LittleToGain : Kind::NoBottleneck;
}

}  // namespace

std::optional<RunFinding> judge_run(const RunSummary& run, bool is_explained) {
  const Totals totals = sum_up(run);
  RunFinding finding{.count = totals.handoffs, .lost = totals.waited, .hold_share = totals.hold_share};
  if (totals.hold_share > 0) finding.at_most = std::max(1.0, 1 / totals.hold_share);
  switch (run.verdict.kind) {
    case RunVerdict::Kind::Bottleneck:
      if (is_explained) return std::nullopt;
      finding.kind = 2 * totals.forced >= totals.handoffs ? Kind::ComputingThreads : Kind::FrequentReleases;
      return finding;
    case RunVerdict::Kind::NoBottleneck:
    case RunVerdict::Kind::OneThread:
      if (run.wall_ns.value_or(Nanoseconds{}) < kLeastRun) return std::nullopt;
      finding.kind = find_kind(run, totals);
      return finding;
    case RunVerdict::Kind::NothingRecorded:
    case RunVerdict::Kind::NoGil:
      break;
  }
  return std::nullopt;
}

}  // namespace gilscope
