// The machine-readable twin of the article's report.
#include <variant>

#include <fmt/core.h>

#include "report/article_report.h"
#include "report/compare_report.h"
#include "report/doctor_part.h"
#include "report/summary_report.h"
#include "support/json_values.h"

namespace gilscope {
namespace {

using nlohmann::ordered_json;

ordered_json value_json(const Figure& figure) {
  return std::visit(
      [](const auto& value) -> ordered_json {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, Estimate>) {
          return ratio_json(value);
        } else {
          return value;
        }
      },
      figure.value);
}

ordered_json claim_json(const Claim& claim) {
  auto measured = ordered_json::object();
  for (const auto& figure : claim.measured) measured[figure.name] = value_json(figure);
  return {{"id", claim.id},
          {"article_says", claim.article_says},
          {"measured", std::move(measured)},
          {"verdict", name_of(claim.verdict)},
          {"reason", claim.reason}};
}

ordered_json program_json(const NamedProgram& program, const ArticleContext& context) {
  const auto& run = program.run.value;
  return {{"program", program.name},
          {"reason", text_or_null(program.run.reason)},
          {"exit_code", run ? ordered_json(run->exit_code) : ordered_json(nullptr)},
          {"wall_ns", run ? ordered_json(run->wall.count()) : ordered_json(nullptr)},
          {"lines", run ? ordered_json(run->lines) : ordered_json::array()},
          {"summary", run && run->summary ? summary_json(*run->summary, {.python = context.python,
                                                                         .machine = context.machine,
                                                                         .command = run->command})
                                          : ordered_json(nullptr)}};
}

ordered_json rounds_json(const Measured<TaskRounds>& rounds, const ArticleContext& context) {
  if (!rounds.value) return nullptr;
  return comparison_json(rounds.value->comparison, {.python = context.python,
                                                    .machine = context.machine,
                                                    .command = context.command,
                                                    .tasks = rounds.value->tasks,
                                                    .workers = rounds.value->workers,
                                                    .rounds = context.rounds,
                                                    .rounds_done = rounds.value->rounds_done});
}

ordered_json forced_json(const Measured<ForcedHolds>& forced) {
  ordered_json holds = ordered_json::array();
  if (forced.value) {
    for (const auto hold : forced.value->holds) holds.push_back(hold.count());
  }
  return {{"switch_interval_ns",
           forced.value ? ordered_json(forced.value->interval.count()) : ordered_json(nullptr)},
          {"is_default", forced.value ? ordered_json(forced.value->is_default) : ordered_json(nullptr)},
          {"forced_hold_ns", std::move(holds)},
          {"reason", text_or_null(forced.reason)}};
}

ordered_json row_json(const ProcessCount& count) {
  return {{"method", count.method},
          {"is_default", count.is_default},
          {"roles", count.roles},
          {"reason", text_or_null(count.reason)}};
}

ordered_json row_json(const ExchangeRow& row) {
  return {{"way", row.way},
          {"between", row.between},
          {"bytes", row.bytes},
          {"latency_ns", or_null(row.latency)},
          {"bytes_per_s", or_null(row.bytes_per_s)},
          {"reason", text_or_null(row.reason)}};
}

ordered_json row_json(const FlavourRow& row) {
  return {{"name", row.name},
          {"version", text_or_null(row.version)},
          {"executable", text_or_null(row.executable)},
          {"status", row.status},
          {"reason", text_or_null(row.reason)},
          {"sequential_s", or_null(row.sequential_s)},
          {"threads_s", or_null(row.threads_s)},
          {"threads_by_sequential", or_null(row.ratio)},
          {"has_gil", or_null(row.has_gil)}};
}

template <typename Row>
ordered_json rows_json(const Measured<std::vector<Row>>& rows) {
  auto list = ordered_json::array();
  for (const auto& row : rows.value.value_or(std::vector<Row>{})) list.push_back(row_json(row));
  return list;
}

ordered_json seconds_json(const ArticleSeconds& seconds) {
  return {{"mode", name_of(seconds.mode)},
          {"article_s", seconds.article_s},
          {"article_ratio", seconds.article_s / kArticleSequentialS},
          {"here_s", seconds.here_s},
          {"here_ratio", ratio_json(seconds.here_ratio)}};
}

}  // namespace

ordered_json article_json(const ArticleMeasurements& measurements, const ArticleContext& context) {
  auto programs = ordered_json::array();
  for (const auto& program : measurements.programs) programs.push_back(program_json(program, context));
  auto claims = ordered_json::array();
  for (const auto& claim : judge_article(measurements)) claims.push_back(claim_json(claim));
  auto forced = ordered_json::array();
  for (const auto& run : measurements.forced_holds) forced.push_back(forced_json(run));
  auto seconds = ordered_json::array();
  for (const auto& row : compare_seconds(measurements)) seconds.push_back(seconds_json(row));
  return {{"schema", "gilscope.article/1"},
          {"python", python_json(context.python)},
          {"machine", machine_json(context.machine)},
          {"command", context.command},
          {"full", context.is_full},
          {"iterations", context.iterations},
          {"scale", context.scale},
          {"rounds", context.rounds},
          {"complete", context.is_complete},
          {"programs", std::move(programs)},
          {"claims", std::move(claims)},
          {"seconds", std::move(seconds)},
          {"comparisons",
           {{"counting", rounds_json(measurements.counting, context)},
            {"native_held", rounds_json(measurements.native_held, context)},
            {"native_released", rounds_json(measurements.native_released, context)},
            {"queries", rounds_json(measurements.queries, context)},
            {"waits", rounds_json(measurements.waits, context)}}},
          {"forced_holds", std::move(forced)},
          {"process_counts", rows_json(measurements.process_counts)},
          {"exchange", rows_json(measurements.exchange)},
          {"flavours", rows_json(measurements.flavours)}};
}

}  // namespace gilscope
