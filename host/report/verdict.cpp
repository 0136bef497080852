// The words of a comparison's verdict. The judgement is analysis's; here it is only said.
#include <algorithm>
#include <vector>

#include <fmt/core.h>

#include "report/compare_report.h"
#include "report/worker_time_text.h"

namespace gilscope {
namespace {

const ModeSummary& summary_of(const Comparison& comparison, Mode mode) {
  return *find_mode(comparison.modes, mode);
}

std::string factor(const Estimate& speedup) { return fmt::format("{:.2f} ×", speedup.median); }

std::string factor_with_interval(const Estimate& speedup) {
  return fmt::format("{:.2f} × ({:.2f} to {:.2f})", speedup.median, *speedup.low, *speedup.high);
}

// "a", "a and b", "a, b and c".
std::string join_names(const std::vector<Mode>& modes) {
  std::string text;
  for (std::size_t i = 0; i < modes.size(); ++i) {
    if (i > 0) text += i + 1 == modes.size() ? " and " : ", ";
    text += name_of(modes[i]);
  }
  return text;
}

// "threads gain nothing", "asyncio gains nothing".
std::string with_verb(Mode mode, std::string_view plural, std::string_view singular) {
  return fmt::format("{} {}", name_of(mode), mode == Mode::Asyncio ? singular : plural);
}

// Why a mode gained nothing, as far as the measured figures tell: several tasks in progress, one of them
// running.
std::string explain(const ModeSummary& mode) {
  const double running = mode.parallelism.value_or(0);
  if (running > 1.2) return fmt::format("{:.1f} running at a time, yet no faster", running);
  const auto wait = mode.worker_time ? describe_main_wait(*mode.worker_time) : "";
  return fmt::format("{:.1f} tasks in progress, {:.1f} running at a time{}{}", *mode.concurrency, running,
                     wait.empty() ? "" : ", ", wait);
}

std::string describe_loser(const ModeSummary& mode, bool is_slower) {
  const auto& speedup = *mode.speedup;
  if (!is_slower && *speedup.high > 1 + 2 * kNoticeable) {
    return fmt::format("; {} cannot be judged, {}", name_of(mode.mode), factor_with_interval(speedup));
  }
  return fmt::format("; {}, {}: {}",
                     is_slower ? with_verb(mode.mode, "lose", "loses")
                               : with_verb(mode.mode, "gain nothing", "gains nothing"),
                     factor(speedup), explain(mode));
}

// Of the modes that did not gain the one that people ask about most: threads, else asyncio.
std::string describe_losers(const Comparison& comparison) {
  const auto& verdict = comparison.verdict;
  const auto has = [](const std::vector<Mode>& modes, Mode mode) {
    return std::ranges::find(modes, mode) != modes.end();
  };
  for (const auto mode : {Mode::Threads, Mode::Asyncio}) {
    const bool is_slower = has(verdict.slower, mode);
    if (is_slower || has(verdict.without_gain, mode))
      return describe_loser(summary_of(comparison, mode), is_slower);
  }
  return "";
}

std::string describe_none(const Comparison& comparison) {
  const auto& verdict = comparison.verdict;
  std::string text = "no mode wins over sequential";
  if (!verdict.without_gain.empty()) {
    text += fmt::format(": {} cannot be told from it", join_names(verdict.without_gain));
  }
  if (!verdict.slower.empty()) {
    text += fmt::format("{} {} slower", verdict.without_gain.empty() ? ":" : ",", join_names(verdict.slower));
  }
  return text + describe_losers(comparison);
}

// "" where there is none.
std::string describe_memory_cost(const std::optional<MemoryCost>& cost) {
  if (!cost) return "";
  return fmt::format(
      "; threads cost {} the CPU time of the sequential work (processes: {}), and waited for nothing: they "
      "write to the same memory, as reference counts of objects that all use",
      factor(cost->threads), factor(cost->processes));
}

}  // namespace

std::string describe_verdict(const Comparison& comparison) {
  const auto& verdict = comparison.verdict;
  std::string text;
  switch (verdict.kind) {
    case Verdict::Kind::NoBaseline:
      text =
          "no verdict: the sequential mode, to which the others are compared, was not run or did not end "
          "well";
      break;
    case Verdict::Kind::TooFewRounds:
      text = fmt::format("no verdict: {} rounds or more are needed to tell the spread", kMinSamples);
      break;
    case Verdict::Kind::NothingElse:
      text = "no verdict: there is nothing beside the sequential mode to compare it with";
      break;
    case Verdict::Kind::Starved: {
      const auto& sequential = summary_of(comparison, Mode::Sequential);
      text = fmt::format(
          "no verdict: the sequential work was given a CPU for {} of the time it wanted one, so these "
          "figures are "
          "those of the machine; compare on an idle one",
          format_share(*sequential.cpu_ns / (*sequential.cpu_ns + *sequential.cpu_wait_ns)));
      break;
    }
    case Verdict::Kind::TooShort:
      text = fmt::format(
          "no verdict: the tasks took {} in all, too short to compare; let each work for 10 ms or more",
          format_duration(summary_of(comparison, Mode::Sequential).work_ns->median));
      break;
    case Verdict::Kind::NoneWins:
      text = describe_none(comparison);
      break;
    case Verdict::Kind::OneWins:
      text = fmt::format("{}, {}", name_of(*verdict.best_mode),
                         factor_with_interval(*summary_of(comparison, *verdict.best_mode).speedup));
      text += describe_losers(comparison);
      break;
    case Verdict::Kind::SeveralWin:
      text =
          fmt::format("{}, {}; {} cannot be told from it: the intervals overlap", name_of(*verdict.best_mode),
                      factor_with_interval(*summary_of(comparison, *verdict.best_mode).speedup),
                      join_names(verdict.peers));
      text += describe_losers(comparison);
      break;
  }
  const bool differs = std::ranges::any_of(
      comparison.modes, [](const auto& mode) { return !mode.results_equal.value_or(true); });
  text += describe_memory_cost(comparison.memory_cost);
  if (differs) text += "; but the results differ between modes";
  return text;
}

std::string describe_reason(const ModeSummary& mode) {
  if (mode.failure) return mode.failure->message;
  return mode.unavailable.empty() ? "no trial of it was made before the comparison ended" : mode.unavailable;
}

std::string_view name_of(GilKind gil) noexcept {
  switch (gil) {
    case GilKind::Shared:
      return "shared";
    case GilKind::Own:
      return "own";
    case GilKind::None:
      return "none";
  }
  return "";
}

}  // namespace gilscope
