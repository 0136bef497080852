#include "analysis/comparison.h"

#include <algorithm>
#include <numeric>

#include "analysis/gil_summary.h"
#include "analysis/memory_cost.h"
#include "analysis/run_summary.h"
#include "analysis/work_figures.h"

namespace gilscope {
namespace {

std::optional<double> share(double part, double whole) {
  return whole > 0 ? std::optional(part / whole) : std::nullopt;
}

// A sub-interpreter may use the main interpreter's GIL for a moment, to import an extension: that one says
// nothing of how busy the workers' are.
double mean_hold_share(const std::vector<GilWork>& gils) {
  std::vector<double> all;
  std::vector<double> busy;
  for (const auto& gil : gils) {
    all.push_back(share_of(gil.hold, gil.wall).value_or(0));
    if (all.back() >= kBusyShare) busy.push_back(all.back());
  }
  const auto& counted = busy.empty() ? all : busy;
  return std::accumulate(counted.begin(), counted.end(), 0.0) / static_cast<double>(counted.size());
}

std::optional<WorkGilFigures> compute_gil_figures(const TrialRecord& record, const WorkFigures& work) {
  if (!record.waits || record.waits->gils.empty()) return std::nullopt;
  WorkGilFigures figures;
  for (const auto& gil : record.waits->gils) {
    figures.holds += static_cast<double>(gil.holds);
    figures.hold_ns += count_ns(gil.hold);
    figures.waits += static_cast<double>(gil.waits);
    figures.wait_ns += count_ns(gil.wait);
    figures.forced += static_cast<double>(gil.forced);
    figures.handoffs += static_cast<double>(gil.handoffs);
  }
  figures.hold_share = mean_hold_share(record.waits->gils);
  figures.wait_share = share(figures.wait_ns, work.wall_ns * work.concurrency).value_or(0);
  figures.handoffs_per_s = share(figures.handoffs, work.wall_ns).value_or(0) * 1e9;
  return figures;
}

std::optional<WorkGilFigures> median_of(const std::vector<WorkGilFigures>& rounds) {
  if (rounds.empty()) return std::nullopt;
  const auto middle = [&](double WorkGilFigures::* figure) {
    std::vector<double> values;
    for (const auto& round : rounds) values.push_back(round.*figure);
    return median(values);
  };
  return WorkGilFigures{.holds = middle(&WorkGilFigures::holds),
                        .hold_ns = middle(&WorkGilFigures::hold_ns),
                        .hold_share = middle(&WorkGilFigures::hold_share),
                        .waits = middle(&WorkGilFigures::waits),
                        .wait_ns = middle(&WorkGilFigures::wait_ns),
                        .wait_share = middle(&WorkGilFigures::wait_share),
                        .forced = middle(&WorkGilFigures::forced),
                        .handoffs = middle(&WorkGilFigures::handoffs),
                        .handoffs_per_s = middle(&WorkGilFigures::handoffs_per_s)};
}

// One worker ran all the sequential work.
std::optional<double> ceiling_of(const ModeTrials& sequential) {
  std::vector<double> ceilings;
  for (const auto& record : sequential.records) {
    if (record.failure || !record.waits || record.waits->gils.size() != 1) continue;
    const auto& gil = record.waits->gils.front();
    if (const auto bound = ceiling(gil.wall, gil.hold)) ceilings.push_back(*bound);
  }
  return ceilings.empty() ? std::nullopt : std::optional(median(ceilings));
}

ModeSummary summarize_mode(const ModeTrials& trials) {
  ModeSummary summary{.mode = trials.mode, .gil = trials.gil, .unavailable = trials.unavailable};
  if (trials.records.empty()) summary.status = ModeStatus::Unavailable;
  std::vector<double> concurrency;
  std::vector<double> parallelism;
  std::vector<double> cpu_wait;
  std::vector<double> memory;
  std::vector<WorkGilFigures> gil_figures;
  for (const auto& record : trials.records) {
    if (record.failure) {
      summary.failure = record.failure;
      summary.status =
          record.failure->kind == TrialFailure::Kind::Timeout ? ModeStatus::Timeout : ModeStatus::Failed;
      continue;
    }
    const auto figures = compute_work_figures(record.jobs);
    summary.work_samples_ns.push_back(figures.wall_ns);
    summary.setup_samples_ns.push_back(count_ns(record.setup));
    concurrency.push_back(figures.concurrency);
    parallelism.push_back(figures.parallelism);
    summary.cpu_samples_ns.push_back(figures.cpu_ns);
    if (figures.cpu_wait_ns) cpu_wait.push_back(*figures.cpu_wait_ns);
    if (const auto gils = compute_gil_figures(record, figures)) gil_figures.push_back(*gils);
    if (record.peak_rss_bytes) memory.push_back(static_cast<double>(*record.peak_rss_bytes));
    summary.start_method = record.start_method;
    summary.slow_modules = record.slow_modules;
  }
  if (!summary.work_samples_ns.empty()) {
    summary.work_ns = estimate_median(summary.work_samples_ns);
    summary.setup_ns = estimate_median(summary.setup_samples_ns);
    summary.concurrency = median(concurrency);
    summary.parallelism = median(parallelism);
    summary.cpu_ns = median(summary.cpu_samples_ns);
  }
  if (!cpu_wait.empty()) summary.cpu_wait_ns = median(cpu_wait);
  summary.gil_figures = median_of(gil_figures);
  if (!memory.empty()) summary.max_rss_bytes = median(memory);
  return summary;
}

bool went_well(const ModeTrials& trials) {
  return !trials.records.empty() &&
         std::ranges::none_of(trials.records, [](const auto& record) { return record.failure.has_value(); });
}

// Results are compared within a round: the rounds differ in their hash seed, and so may rightly differ in the
// order of what a task returns.
std::optional<bool> results_equal(const ModeTrials& reference, const ModeTrials& trials) {
  bool all_known = true;
  for (std::size_t round = 0; round < std::min(reference.records.size(), trials.records.size()); ++round) {
    const auto& expected = reference.records[round].digests;
    const auto& found = trials.records[round].digests;
    if (expected.size() != found.size()) return false;
    for (std::size_t job = 0; job < expected.size(); ++job) {
      if (!expected[job] || !found[job]) {
        all_known = false;
      } else if (*expected[job] != *found[job]) {
        return false;
      }
    }
  }
  return all_known ? std::optional(true) : std::nullopt;
}

// Sequential against itself: no resampling makes it anything else.
Estimate exactly_one(const Estimate& estimate) {
  return {1, estimate.low ? std::optional(1.0) : std::nullopt,
          estimate.high ? std::optional(1.0) : std::nullopt};
}

bool overlap(const Estimate& left, const Estimate& right) {
  return *left.low <= *right.high && *right.low <= *left.high;
}

bool is_starved(const ModeSummary& sequential) {
  if (!sequential.cpu_ns || !sequential.cpu_wait_ns) return false;
  return *sequential.cpu_ns < kCpuEnough * (*sequential.cpu_ns + *sequential.cpu_wait_ns) &&
         *sequential.cpu_wait_ns >= kLeastCpuWait * sequential.work_ns->median;
}

Verdict judge(const std::vector<ModeSummary>& modes) {
  Verdict verdict;
  const auto* sequential = find_mode(modes, Mode::Sequential);
  if (sequential == nullptr || sequential->status != ModeStatus::Ok || !sequential->work_ns) return verdict;
  if (sequential->work_ns->median < count_ns(kMinWork)) {
    verdict.kind = Verdict::Kind::TooShort;
    return verdict;
  }
  verdict.kind = Verdict::Kind::NothingElse;
  std::vector<const ModeSummary*> faster;
  for (const auto& mode : modes) {
    if (mode.mode == Mode::Sequential || !mode.speedup) continue;
    if (!mode.speedup->low) {  // interrupted, it may have fewer rounds than sequential has
      verdict.kind = Verdict::Kind::TooFewRounds;
      return verdict;
    }
    if (*mode.speedup->low > 1 && mode.speedup->median >= 1 + kNoticeable) {
      faster.push_back(&mode);
    } else if (*mode.speedup->high < 1 && mode.speedup->median <= 1 - kNoticeable) {
      verdict.slower.push_back(mode.mode);
    } else {
      verdict.without_gain.push_back(mode.mode);
    }
  }
  if (faster.empty() && verdict.slower.empty() && verdict.without_gain.empty()) return verdict;
  if (is_starved(*sequential)) return {.kind = Verdict::Kind::Starved};
  if (faster.empty()) {
    verdict.kind = Verdict::Kind::NoneWins;
    return verdict;
  }
  const auto* best =
      *std::ranges::max_element(faster, {}, [](const ModeSummary* mode) { return mode->speedup->median; });
  verdict.best_mode = best->mode;
  for (const auto* mode : faster) {
    if (mode != best && overlap(*mode->work_ns, *best->work_ns)) verdict.peers.push_back(mode->mode);
  }
  verdict.kind = verdict.peers.empty() ? Verdict::Kind::OneWins : Verdict::Kind::SeveralWin;
  return verdict;
}

bool is_judged(Verdict::Kind kind) {
  return kind == Verdict::Kind::OneWins || kind == Verdict::Kind::SeveralWin ||
         kind == Verdict::Kind::NoneWins;
}

}  // namespace

const ModeSummary* find_mode(const std::vector<ModeSummary>& modes, Mode mode) noexcept {
  const auto found = std::ranges::find(modes, mode, &ModeSummary::mode);
  return found == modes.end() ? nullptr : &*found;
}

GilKind gil_of(Mode mode, int python_minor, bool gil_enabled) noexcept {
  if (!gil_enabled) return GilKind::None;
  if (mode == Mode::Processes) return GilKind::Own;
  return mode == Mode::Subinterpreters && python_minor >= 12 ? GilKind::Own : GilKind::Shared;
}

bool Comparison::all_good() const noexcept {
  const auto is_good = [](const auto& mode) {
    return mode.status == ModeStatus::Ok && mode.results_equal.value_or(true);
  };
  return std::ranges::any_of(modes, is_good) && std::ranges::all_of(modes, [&](const auto& mode) {
           return !mode.unavailable.empty() || is_good(mode);
         });
}

Comparison compare_modes(const std::vector<ModeTrials>& trials) {
  Comparison comparison;
  const auto reference = std::ranges::find_if(trials, went_well);
  for (const auto& mode : trials) {
    auto summary = summarize_mode(mode);
    if (mode.mode == Mode::Sequential) comparison.ceiling = ceiling_of(mode);
    if (went_well(mode)) summary.results_equal = results_equal(*reference, mode);
    comparison.modes.push_back(std::move(summary));
  }
  const auto* sequential = find_mode(comparison.modes, Mode::Sequential);
  if (sequential != nullptr && sequential->status == ModeStatus::Ok && sequential->work_ns) {
    const auto baseline = sequential->work_samples_ns;
    const double alone = sequential->work_ns->median;
    for (std::size_t i = 0; i < trials.size(); ++i) {
      auto& mode = comparison.modes[i];
      if (mode.status != ModeStatus::Ok || !mode.work_ns) continue;
      mode.speedup = estimate_ratio(baseline, mode.work_samples_ns);
      if (mode.mode == Mode::Sequential) mode.speedup = exactly_one(*mode.speedup);
      if (have_workers_threads(mode.mode) && trials[i].workers > 0)
        mode.worker_time = find_worker_time(trials[i].records, trials[i].workers, alone);
    }
  }
  comparison.verdict = judge(comparison.modes);
  if (is_judged(comparison.verdict.kind)) comparison.memory_cost = find_memory_cost(comparison.modes);
  return comparison;
}

std::optional<Estimate> sequential_ratio(const Comparison& comparison, const Comparison& first) {
  const auto* mine = find_mode(comparison.modes, Mode::Sequential);
  const auto* its = find_mode(first.modes, Mode::Sequential);
  const auto is_good = [](const auto* mode) {
    return mode != nullptr && mode->status == ModeStatus::Ok && mode->work_ns;
  };
  if (!is_good(mine) || !is_good(its)) return std::nullopt;
  const auto ratio = estimate_ratio(mine->work_samples_ns, its->work_samples_ns);
  return mine == its ? exactly_one(ratio) : ratio;
}

}  // namespace gilscope
