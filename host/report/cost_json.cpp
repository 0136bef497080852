// The machine-readable twin of what `gilscope run --cost` says.
#include "report/compare_report.h"
#include "report/cost_report.h"
#include "report/doctor_part.h"
#include "support/json_values.h"

namespace gilscope {
namespace {

std::string_view name_of(TracingCost::Kind kind) {
  switch (kind) {
    case TracingCost::Kind::Slower:
      return "slower";
    case TracingCost::Kind::NotTold:
      return "not_told";
    case TracingCost::Kind::Faster:
      return "faster";
    case TracingCost::Kind::TooFewRounds:
      return "too_few_rounds";
    case TracingCost::Kind::NothingDone:
      break;
  }
  return "nothing_done";
}

nlohmann::ordered_json cost_figures_json(const std::optional<CostFigures>& figures) {
  if (!figures) return nullptr;
  return {{"traced_ns", times_json(figures->traced, figures->traced_ns)},
          {"untraced_ns", times_json(figures->untraced, figures->untraced_ns)},
          {"ratio", ratio_json(figures->ratio)}};
}

}  // namespace

nlohmann::ordered_json cost_json(const TracingCost& cost, const CostContext& context) {
  return {
      {"schema", kCostSchema},
      {"python", context.python.is_null() ? nlohmann::ordered_json(nullptr) : python_json(context.python)},
      {"machine",
       context.machine.is_null() ? nlohmann::ordered_json(nullptr) : machine_json(context.machine)},
      {"command", context.command},
      {"recorded", context.of == CostOf::Capture ? "events" : "counters"},
      {"has_gil", context.has_gil},
      {"rounds", context.rounds},
      {"rounds_done", cost.wall ? cost.wall->traced_ns.size() : 0},
      {"wall", cost_figures_json(cost.wall)},
      {"cpu", cost_figures_json(cost.cpu)},
      {"said_share", or_null(context.said_share)},
      {"verdict", {{"kind", name_of(cost.kind)}, {"text", describe_cost(cost)}}}};
}

}  // namespace gilscope
