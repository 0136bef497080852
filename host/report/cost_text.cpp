// What tracing costs a program, as text: the verdict, then the times that it was made from.
#include <array>
#include <cmath>

#include <fmt/core.h>

#include "report/compare_parts.h"
#include "report/cost_report.h"
#include "report/table.h"

namespace gilscope {
namespace {

constexpr std::array kCostTable{Column{"", 18, Align::Left}, Column{"wall (95 %)", 21, Align::Right},
                                Column{"CPU (95 %)", 21, Align::Right}};

using CostRow = std::array<std::string, kCostTable.size()>;

// "8.1 %", "-0.3 %": what a ratio is above 1.
std::string percent_above_one(double ratio) {
  const double percent = 100 * (ratio - 1);
  return fmt::format("{:.1f} %", std::abs(percent) < 0.05 ? 0.0 : percent);
}

// " (95 %: 5.2 % to 11.0 %)", "" without one.
std::string interval_above_one(const Estimate& ratio) {
  if (!ratio.low) return "";
  return fmt::format(" (95 %: {} to {})", percent_above_one(*ratio.low), percent_above_one(*ratio.high));
}

std::string difference_of(const Estimate& ratio) {
  return percent_above_one(ratio.median) + interval_above_one(ratio);
}

std::string cost_time_of(const Estimate& time) {
  return with_interval(format_duration(time.median), duration_unit(time.median), time, kCostTable[1].columns);
}

std::string cost_ratio_of(const std::optional<Estimate>& ratio) {
  if (!ratio) return std::string(kUnknown);
  return with_interval(fmt::format("{:.3f}", ratio->median), 1, *ratio, kCostTable[1].columns);
}

std::string format_cost_table(const TracingCost& cost, const TextStyle& style) {
  const auto& wall = *cost.wall;
  const auto& cpu = *cost.cpu;
  auto columns = kCostTable;
  const auto rounds = count_of(wall.traced_ns.size(), "round");
  columns[0].title = rounds;
  std::string text = paint(format_titles(columns), "1", style.colour) + '\n';
  for (const auto& row : {CostRow{"with tracing", cost_time_of(wall.traced), cost_time_of(cpu.traced)},
                          CostRow{"without", cost_time_of(wall.untraced), cost_time_of(cpu.untraced)},
                          CostRow{"ratio, by rounds", cost_ratio_of(wall.ratio), cost_ratio_of(cpu.ratio)}}) {
    text += format_row(columns, row) + '\n';
  }
  return text;
}

std::string describe_said(const CostContext& context) {
  if (!context.has_gil)
    return "This Python is free-threaded, and its GIL is off: there was nothing to trace.";
  if (context.said_share) {
    return fmt::format("The report of the first run, which is in no figure above, says {}.",
                       format_share(*context.said_share));
  }
  return "The first run, which is in no figure above, has left no report: whether it was traced is not "
         "known.";
}

// Where other work on the machine hides the difference, it does not hide this one.
std::string describe_cpu(const TracingCost& cost) {
  const auto& ratio = cost.cpu->ratio;
  if (!ratio || !ratio->low || *ratio->low <= 1) return "; more --rounds tell more";
  return fmt::format("; of CPU time it takes {} more{}", percent_above_one(ratio->median),
                     interval_above_one(*ratio));
}

}  // namespace

std::string describe_cost(const TracingCost& cost) {
  using Kind = TracingCost::Kind;
  if (cost.kind == Kind::NothingDone) return "nothing is known of what tracing costs: no round was done";
  if (!cost.wall->ratio) return "nothing is known of what tracing costs: a run took no time";
  const auto& ratio = *cost.wall->ratio;
  switch (cost.kind) {
    case Kind::Slower:
      return fmt::format("tracing makes this take {} longer{}", percent_above_one(ratio.median),
                         interval_above_one(ratio));
    case Kind::NotTold:
      return fmt::format("what tracing costs cannot be told from chance: the difference is {}{}",
                         difference_of(ratio), describe_cpu(cost));
    case Kind::Faster:
      return fmt::format("with tracing this is no slower: the difference is {}", difference_of(ratio));
    case Kind::TooFewRounds:
    case Kind::NothingDone:
      break;
  }
  return fmt::format("the difference is {}; {} rounds or more are needed to tell it from chance",
                     difference_of(ratio), kMinSamples);
}

std::string format_cost(const TracingCost& cost, const CostContext& context, const TextStyle& style) {
  std::string text;
  append_wrapped(text, "gilscope: " + describe_cost(cost), style,
                 cost.kind == TracingCost::Kind::Slower ? "33" : "32");
  if (cost.wall) text += '\n' + format_cost_table(cost, style);
  text += '\n';
  append_wrapped(text, describe_said(context), style);
  return text;
}

}  // namespace gilscope
