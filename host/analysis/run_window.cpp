#include "analysis/run_window.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "analysis/name_family.h"
#include "analysis/note_difference.h"

namespace gilscope {
namespace {

// The same of GILs, too.
class Successors {
 public:
  Successors(const ProcessRecord& before, const ProcessRecord& after)
      : threads_(before.threads, after.threads) {
    for (const auto& gil : after.figures.gils) gils_.insert(gil.gil);
    for (const auto& row : after.figures.threads) {
      if (row.thread) threads_.add(*row.thread);
    }
  }

  [[nodiscard]] const ThreadSuccessors& threads() const noexcept { return threads_; }
  [[nodiscard]] ThreadId of(ThreadId thread) const { return threads_.of(thread); }
  [[nodiscard]] std::optional<ThreadId> of(const std::optional<ThreadId>& thread) const {
    return threads_.of(thread);
  }
  [[nodiscard]] GilId of(GilId gil) const { return gils_.contains(gil) ? gil : kEndedGils; }

 private:
  std::set<GilId> gils_;
  ThreadSuccessors threads_;
};

// What is on goes on, and counts in the window, too.
void subtract_thread(ThreadSnapshot& row, const ThreadSnapshot& before) {
  subtract(row.holds, before.holds);
  subtract(row.hold_ticks, before.hold_ticks);
  subtract(row.waits, before.waits);
  subtract(row.wait_ticks, before.wait_ticks);
  subtract(row.forced, before.forced);
  subtract(row.voluntary, before.voluntary);
  subtract(row.cut, before.cut);
  subtract(row.lifetime, before.lifetime);
  if (before.open == OpenInterval::Hold) ++row.holds;
  if (before.open == OpenInterval::Wait) ++row.waits;
}

void subtract_gil(GilSnapshot& gil, const GilSnapshot& before) {
  subtract(gil.handoffs, before.handoffs);
  subtract(gil.timeouts, before.timeouts);
  subtract(gil.uncounted_waits, before.uncounted_waits);
  for (std::size_t i = 0; i < kViolations; ++i) subtract(gil.violations.at(i), before.violations.at(i));
}

void subtract_figures(MachineSnapshot& figures, const MachineSnapshot& before, const Successors& successors) {
  subtract_rows(
      figures.gils, before.gils, [](const auto& gil) { return gil.gil; },
      [&](const auto& gil) { return successors.of(gil.gil); }, subtract_gil);
  subtract_rows(
      figures.threads, before.threads, [](const auto& row) { return std::pair(row.gil, row.thread); },
      [&](const auto& row) { return std::pair(successors.of(row.gil), successors.of(row.thread)); },
      subtract_thread);
  subtract_rows(
      figures.handoffs, before.handoffs,
      [](const auto& row) { return std::tuple(row.gil, row.from, row.to); },
      [&](const auto& row) {
        return std::tuple(successors.of(row.gil), successors.of(row.from), successors.of(row.to));
      },
      [](auto& row, const auto& older) { subtract(row.count, older.count); });
  std::erase_if(figures.handoffs, [](const auto& row) { return row.count == 0; });
  for (auto& gil : figures.gils) gil.first = std::max(gil.first, before.end);
  for (auto& row : figures.threads) {
    row.first = std::max(row.first, before.end);
    row.last = std::max(row.last, row.first);
    row.hold.reset();
    row.wait.reset();
  }
  subtract(figures.lost_events, before.lost_events);
}

// In `stacks`, which two looks number each for themselves.
std::optional<StackId> find_stack(CodeStacks& stacks, const CodeStacks& of, std::optional<StackId> id) {
  if (!id) return std::nullopt;
  std::vector<PlaceId> places;
  for (auto& place : of.places_of(*id)) places.push_back(stacks.add(std::move(place)));
  return stacks.add(std::move(places));
}

// Returns what there was more of before: a hold that was on may have ended elsewhere than it had been seen.
SpanFigures subtract_span(SpanFigures& span, const SpanFigures& before, const Successors& successors) {
  SpanFigures rest{
      .hold_ticks = before.hold_ticks - std::min(before.hold_ticks, span.hold_ticks),
      .late_wait_ticks = before.late_wait_ticks - std::min(before.late_wait_ticks, span.late_wait_ticks)};
  subtract(span.holds, before.holds);
  subtract(span.hold_ticks, before.hold_ticks);
  subtract(span.forced, before.forced);
  subtract(span.late_holds, before.late_holds);
  subtract(span.late_wait_ticks, before.late_wait_ticks);
  for (const auto& [thread, ticks] : before.waits) {
    const auto now = successors.of(thread);
    const auto found = span.waits.find(now);
    const auto taken = found == span.waits.end() ? 0 : std::min(found->second, ticks);
    if (taken != 0) found->second -= taken;
    if (ticks != taken) rest.waits[now] += ticks - taken;
  }
  return rest;
}

void find_longest(SpanFigures& span, const SpanFigures& before) {
  if (span.max_hold_ticks <= before.max_hold_ticks)
    span.max_hold_ticks = span.holds == 0 ? span.hold_ticks : span.hold_ticks / span.holds;
  if (span.max_wait_ticks <= before.max_wait_ticks)
    span.max_wait_ticks = std::min(span.max_wait_ticks, span.max_hold_ticks);
}

void subtract_blame(BlameRecord& blame, const BlameRecord& before, const Successors& successors) {
  std::vector<std::pair<SpanKey, SpanFigures>> rests;
  for (const auto& [key, older] : before.spans) {
    const SpanKey now{.gil = successors.of(key.gil),
                      .thread = successors.of(key.thread),
                      .from = find_stack(blame.stacks, before.stacks, key.from),
                      .to = find_stack(blame.stacks, before.stacks, key.to)};
    const auto found = blame.spans.find(now);
    SpanFigures none;
    SpanFigures& span = found == blame.spans.end() ? none : found->second;
    auto rest = subtract_span(span, older, successors);
    if (rest.hold_ticks != 0 || !rest.waits.empty()) rests.emplace_back(now, std::move(rest));
    find_longest(span, older);
  }
  for (auto& [rest_key, rest] : rests) {
    for (auto& [key, span] : blame.spans) {
      if (key.gil != rest_key.gil || key.thread != rest_key.thread || key.from != rest_key.from) continue;
      rest = subtract_span(span, rest, successors);
      span.max_hold_ticks = std::min(span.max_hold_ticks, span.hold_ticks);
      span.max_wait_ticks = std::min(span.max_wait_ticks, span.hold_ticks);
    }
  }
  for (auto& [key, span] : blame.spans) {
    std::erase_if(span.waits, [](const auto& wait) { return wait.second == 0; });
    if (key.thread && span.holds == 0 && span.hold_ticks != 0) span.holds = 1;  // it was on already
  }
  std::erase_if(blame.spans,
                [](const auto& entry) { return entry.second.hold_ticks == 0 && entry.second.waits.empty(); });
  for (auto& [key, waits] : blame.long_waits) {
    const auto older = before.long_waits.find(key);
    if (older == before.long_waits.end()) continue;
    std::erase_if(waits, [&](const LongWait& wait) {
      return std::ranges::any_of(older->second, [&](const LongWait& known) {
        return known.ticks == wait.ticks &&
               find_stack(blame.stacks, before.stacks, known.stack) == wait.stack;
      });
    });
  }
}

void subtract_process(ProcessRecord& record, const ProcessRecord& before) {
  const Successors successors(before, record);
  subtract(record.wall, before.wall);
  subtract_noted(record, before, successors.threads());
  subtract_figures(record.figures, before.figures, successors);
  if (record.blame && before.blame) subtract_blame(*record.blame, *before.blame, successors);
}

// The one that it goes on as: itself, or the sum of its kind.
ProcessRecord* find_successor(std::vector<ProcessRecord>& processes, const ProcessRecord& before) {
  const auto find = [&](const auto& is_it) {
    const auto found = std::ranges::find_if(processes, is_it);
    return found == processes.end() ? nullptr : &*found;
  };
  if (auto* const same = find([&](const auto& process) { return process.pid == before.pid; })) return same;
  return find([&](const auto& process) {
    return process.folded != 0 && process.role == before.role &&
           name_family(process.name) == name_family(before.name);
  });
}

// Ended before the window began, and did nothing in it.
bool is_over(const ProcessRecord& process) {
  return process.wall == Nanoseconds{} && std::ranges::all_of(process.figures.threads, [](const auto& row) {
           return row.holds == 0 && row.waits == 0;
         });
}

}  // namespace

RecordedRun window_of(const RecordedRun& before, RecordedRun after) {
  for (const auto& older : before.processes) {
    if (auto* const process = find_successor(after.processes, older)) subtract_process(*process, older);
  }
  if (!after.processes.empty()) {  // the first one stays: it is the run's
    const auto others = after.processes.begin() + 1;
    after.processes.erase(std::remove_if(others, after.processes.end(), is_over), after.processes.end());
  }
  subtract(after.dropped_events, before.dropped_events);
  subtract(after.readings, before.readings);
  return after;
}

}  // namespace gilscope
