#include "analysis/tracing_cost.h"

#include <algorithm>

namespace gilscope {
namespace {

CostFigures cost_figures_of(const std::vector<CostRound>& rounds, Nanoseconds RunTimes::* time) {
  CostFigures figures;
  std::vector<double> ratios;
  for (const auto& [traced, untraced] : rounds) {
    figures.traced_ns.push_back(static_cast<double>((traced.*time).count()));
    figures.untraced_ns.push_back(static_cast<double>((untraced.*time).count()));
    ratios.push_back(figures.traced_ns.back() / figures.untraced_ns.back());
  }
  figures.traced = estimate_median(figures.traced_ns);
  figures.untraced = estimate_median(figures.untraced_ns);
  if (std::ranges::all_of(figures.untraced_ns, [](double ns) { return ns > 0; })) {
    figures.ratio = estimate_median(ratios);
  }
  return figures;
}

TracingCost::Kind judge_wall(const CostFigures& wall) {
  if (!wall.ratio || !wall.ratio->low) return TracingCost::Kind::TooFewRounds;
  if (*wall.ratio->low > 1) return TracingCost::Kind::Slower;
  return *wall.ratio->high < 1 ? TracingCost::Kind::Faster : TracingCost::Kind::NotTold;
}

}  // namespace

TracingCost judge_cost(const std::vector<CostRound>& rounds) {
  if (rounds.empty()) return {};
  TracingCost cost{.wall = cost_figures_of(rounds, &RunTimes::wall),
                   .cpu = cost_figures_of(rounds, &RunTimes::cpu)};
  cost.kind = judge_wall(*cost.wall);
  return cost;
}

}  // namespace gilscope
