// From spans between stacks to rows between lines.
#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "analysis/run_summary.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

using Row = std::tuple<GilId, std::optional<ThreadId>, std::optional<PlaceId>, std::optional<PlaceId>>;

struct RowFigures {
  SpanFigures sum;
  std::map<StackId, std::uint64_t> caused_at;  // by the stack of its end
};

std::uint64_t sum_of(const std::map<ThreadId, std::uint64_t>& waits) {
  return std::transform_reduce(waits.begin(), waits.end(), std::uint64_t{0}, std::plus(),
                               [](const auto& wait) { return wait.second; });
}

std::optional<PlaceId> innermost(const CodeStacks& stacks, std::optional<StackId> stack) {
  return stack ? std::optional(stacks.stack(*stack).front()) : std::nullopt;
}

std::optional<CodePlace> name_place(const CodeStacks& stacks, std::optional<PlaceId> place) {
  return place ? std::optional(stacks.place(*place)) : std::nullopt;
}

std::map<Row, RowFigures> merge(const BlameRecord& blame) {
  std::map<Row, RowFigures> rows;
  for (const auto& [key, span] : blame.spans) {
    const auto from = innermost(blame.stacks, key.from);
    auto& row = rows[{key.gil, key.thread, from, innermost(blame.stacks, key.to)}];
    row.sum += span;
    if (key.to) row.caused_at[*key.to] += sum_of(span.waits);
  }
  return rows;
}

void name_heaviest_stack(BlameRow& row, const RowFigures& figures, const CodeStacks& stacks,
                         TickLength tick) {
  const auto& caused_at = figures.caused_at;
  const auto heaviest =
      std::ranges::max_element(caused_at, {}, [](const auto& stack) { return stack.second; });
  if (heaviest == caused_at.end()) return;
  for (const auto place : stacks.stack(heaviest->first)) row.stack.push_back(stacks.place(place));
  row.stack_wait_ns = tick.of(heaviest->second);
}

}  // namespace

std::vector<BlameRow> rank_blame(const BlameRecord& blame, TickLength tick) {
  std::vector<BlameRow> ranking;
  for (const auto& [key, figures] : merge(blame)) {
    const auto& [gil, thread, from, to] = key;
    BlameRow row{.gil = gil,
                 .thread = thread,
                 .from = name_place(blame.stacks, from),
                 .to = name_place(blame.stacks, to),
                 .holds = figures.sum.holds,
                 .hold_ns = tick.of(figures.sum.hold_ticks),
                 .forced = figures.sum.forced,
                 .caused_wait_ns = tick.of(sum_of(figures.sum.waits)),
                 .max_hold_ns = tick.of(figures.sum.max_hold_ticks),
                 .max_wait_ns = tick.of(figures.sum.max_wait_ticks),
                 .late_holds = figures.sum.late_holds,
                 .late_wait_ns = tick.of(figures.sum.late_wait_ticks)};
    name_heaviest_stack(row, figures, blame.stacks, tick);
    for (const auto& [waiter, wait] : figures.sum.waits) row.waiters.push_back({waiter, tick.of(wait)});
    ranking.push_back(std::move(row));
  }
  // Equals stay in the order of their keys.
  sort_stably(ranking, [](const BlameRow& left, const BlameRow& right) {
    return std::pair(!left.thread, right.caused_wait_ns) < std::pair(!right.thread, left.caused_wait_ns);
  });
  return ranking;
}

}  // namespace gilscope
