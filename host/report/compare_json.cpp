// The machine-readable twin of the comparison's table.
#include <cmath>
#include <cstdint>

#include "report/compare_report.h"
#include "report/doctor_part.h"
#include "support/json_values.h"

namespace gilscope {
namespace {

using nlohmann::ordered_json;

ordered_json integer_or_null(const std::optional<double>& value) {
  return value ? ordered_json(static_cast<std::int64_t>(std::llround(*value))) : ordered_json(nullptr);
}

std::string_view name_of(ModeStatus status) {
  switch (status) {
    case ModeStatus::Ok:
      return "ok";
    case ModeStatus::Failed:
      return "failed";
    case ModeStatus::Timeout:
      return "timeout";
    case ModeStatus::Unavailable:
      return "unavailable";
  }
  return "";
}

std::string_view name_of(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::OneWins:
      return "one_wins";
    case Verdict::Kind::SeveralWin:
      return "several_win";
    case Verdict::Kind::NoneWins:
      return "none_wins";
    case Verdict::Kind::NothingElse:
      return "nothing_else";
    case Verdict::Kind::TooFewRounds:
      return "too_few_rounds";
    case Verdict::Kind::Starved:
      return "starved";
    case Verdict::Kind::TooShort:
      return "too_short";
    case Verdict::Kind::NoBaseline:
      return "no_baseline";
  }
  return "";
}

ordered_json gil_json(const std::optional<WorkGilFigures>& figures) {
  if (!figures) return nullptr;
  return {{"holds", integer_or_null(figures->holds)},
          {"hold_ns", integer_or_null(figures->hold_ns)},
          {"hold_share", figures->hold_share},
          {"waits", integer_or_null(figures->waits)},
          {"wait_ns", integer_or_null(figures->wait_ns)},
          {"wait_share", figures->wait_share},
          {"forced", integer_or_null(figures->forced)},
          {"handoffs", integer_or_null(figures->handoffs)},
          {"handoffs_per_s", figures->handoffs_per_s}};
}

ordered_json worker_time_json(const std::optional<WorkerTime>& time) {
  if (!time) return nullptr;
  return {{"whole_ns", integer_or_null(time->whole)},      {"alone_ns", integer_or_null(time->alone)},
          {"gil_wait_ns", integer_or_null(time->for_gil)}, {"lock_wait_ns", integer_or_null(time->for_locks)},
          {"stopped_ns", integer_or_null(time->stopped)},  {"no_cpu_ns", integer_or_null(time->no_cpu)},
          {"no_task_ns", integer_or_null(time->no_task)},  {"rest_ns", integer_or_null(time->rest)}};
}

ordered_json memory_cost_json(const std::optional<MemoryCost>& cost) {
  if (!cost) return nullptr;
  return {{"threads", ratio_json(cost->threads)}, {"processes", ratio_json(cost->processes)}};
}

ordered_json mode_json(const ModeSummary& mode) {
  return {
      {"mode", name_of(mode.mode)},
      {"status", name_of(mode.status)},
      {"reason", mode.status == ModeStatus::Ok ? ordered_json(nullptr) : ordered_json(describe_reason(mode))},
      {"traceback", mode.failure ? ordered_json(mode.failure->traceback) : ordered_json(nullptr)},
      {"gil", name_of(mode.gil)},
      {"start_method", text_or_null(mode.start_method)},
      {"work_ns", times_json(mode.work_ns, mode.work_samples_ns)},
      {"setup_ns", times_json(mode.setup_ns, mode.setup_samples_ns)},
      {"speedup", ratio_json(mode.speedup)},
      {"concurrency", or_null(mode.concurrency)},
      {"parallelism", or_null(mode.parallelism)},
      {"cpu_ns", integer_or_null(mode.cpu_ns)},
      {"cpu_wait_ns", integer_or_null(mode.cpu_wait_ns)},
      {"max_rss_bytes", integer_or_null(mode.max_rss_bytes)},
      {"results_equal", or_null(mode.results_equal)},
      {"slow_modules", mode.slow_modules},
      {"gil_figures", gil_json(mode.gil_figures)},
      {"worker_time", worker_time_json(mode.worker_time)}};
}

}  // namespace

ordered_json times_json(const std::optional<Estimate>& estimate, const std::vector<double>& samples) {
  if (!estimate) return nullptr;
  auto list = ordered_json::array();
  for (const double sample : samples) list.push_back(integer_or_null(sample));
  return {{"median", integer_or_null(estimate->median)},
          {"low", integer_or_null(estimate->low)},
          {"high", integer_or_null(estimate->high)},
          {"samples", std::move(list)}};
}

ordered_json ratio_json(const std::optional<Estimate>& estimate) {
  if (!estimate) return nullptr;
  return {{"median", estimate->median}, {"low", or_null(estimate->low)}, {"high", or_null(estimate->high)}};
}

ordered_json comparison_json(const Comparison& comparison, const CompareContext& context) {
  auto modes = ordered_json::array();
  for (const auto& mode : comparison.modes) modes.push_back(mode_json(mode));
  const auto& verdict = comparison.verdict;
  return {
      {"schema", "gilscope.compare/1"},
      {"python", python_json(context.python)},
      {"machine", machine_json(context.machine)},
      {"command", context.command},
      {"tasks", context.tasks},
      {"workers", context.workers},
      {"rounds", context.rounds},
      {"rounds_done", context.rounds_done},
      {"modes", std::move(modes)},
      {"verdict",
       {{"kind", name_of(verdict.kind)},
        {"text", describe_verdict(comparison)},
        {"best_mode", verdict.best_mode ? ordered_json(name_of(*verdict.best_mode)) : ordered_json(nullptr)},
        {"ceiling", or_null(comparison.ceiling)},
        {"memory_cost", memory_cost_json(comparison.memory_cost)}}}};
}

}  // namespace gilscope
