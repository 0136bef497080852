// From spans between stacks to rows between lines.
#include <algorithm>
#include <numeric>
#include <span>
#include <tuple>
#include <utility>

#include "analysis/run_summary.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

using Row = std::tuple<GilId, std::optional<ThreadId>, std::optional<PlaceId>, std::optional<PlaceId>,
                       std::optional<HeldWork>>;

struct RowFigures {
  SpanFigures sum;
  std::map<StackId, std::uint64_t> caused_at;  // by the stack of its end
};

std::uint64_t sum_of(const std::map<ThreadId, std::uint64_t>& waits) {
  return std::transform_reduce(waits.begin(), waits.end(), std::uint64_t{0}, std::plus(),
                               [](const auto& wait) { return wait.second; });
}

// What gilscope itself runs in the program: the names of its threads.
bool is_own(const CodePlace& place) {
  return place.file == "<frozen _gilscope_names>" || place.file.ends_with("/gilscope/_names.py");
}

// A stack with what was done there apart from its lines.
struct Stand {
  std::optional<HeldWork> work;
  std::span<const PlaceId> lines;

  [[nodiscard]] std::optional<PlaceId> innermost() const {
    return lines.empty() ? std::nullopt : std::optional(lines.front());
  }
};

Stand stand_at(const CodeStacks& stacks, std::optional<StackId> stack) {
  Stand stand;
  if (!stack) return stand;
  stand.lines = stacks.stack(*stack);
  while (!stand.lines.empty()) {
    const CodePlace& place = stacks.place(stand.lines.front());
    auto work = work_of(place);
    if (!work && !is_own(place)) break;
    if (!stand.work) stand.work = std::move(work);
    stand.lines = stand.lines.subspan(1);
  }
  return stand;
}

std::optional<CodePlace> name_place(const CodeStacks& stacks, std::optional<PlaceId> place) {
  return place ? std::optional(stacks.place(*place)) : std::nullopt;
}

std::map<Row, RowFigures> merge(const BlameRecord& blame) {
  std::map<Row, RowFigures> rows;
  for (const auto& [key, span] : blame.spans) {
    const auto to = stand_at(blame.stacks, key.to);
    auto& row =
        rows[{key.gil, key.thread, stand_at(blame.stacks, key.from).innermost(), to.innermost(), to.work}];
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
  for (const auto place : stand_at(stacks, heaviest->first).lines) row.stack.push_back(stacks.place(place));
  row.stack_wait_ns = tick.of(heaviest->second);
}

}  // namespace

std::vector<BlameRow> rank_blame(const BlameRecord& blame, TickLength tick) {
  std::vector<BlameRow> ranking;
  for (const auto& [key, figures] : merge(blame)) {
    const auto& [gil, thread, from, to, work] = key;
    BlameRow row{.gil = gil,
                 .thread = thread,
                 .from = name_place(blame.stacks, from),
                 .to = name_place(blame.stacks, to),
                 .work = work,
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
