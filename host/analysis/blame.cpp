#include "analysis/blame.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "analysis/row_table.h"

namespace gilscope {

SpanFigures& SpanFigures::operator+=(const SpanFigures& more) {
  holds += more.holds;
  hold_ticks += more.hold_ticks;
  max_hold_ticks = std::max(max_hold_ticks, more.max_hold_ticks);
  forced += more.forced;
  max_wait_ticks = std::max(max_wait_ticks, more.max_wait_ticks);
  late_holds += more.late_holds;
  late_wait_ticks += more.late_wait_ticks;
  for (const auto& [thread, wait] : more.waits) waits[thread] += wait;
  return *this;
}

void Blame::begin_wait(Gil& gil, ThreadId thread, std::uint64_t ticks) {
  gil.waiters.push_back({.thread = thread, .begin = ticks, .charged = ticks});
}

void Blame::charge(Gil& gil, std::uint64_t ticks) {
  for (Waiter& waiter : gil.waiters) {
    gil.waits[waiter.thread] += ticks - waiter.charged;
    waiter.charged = ticks;
  }
}

// The first of a wait comes a switch interval after its begin.
void Blame::note_timeout(Gil& gil, ThreadId thread) {
  const auto waiter = std::ranges::find(gil.waiters, thread, &Waiter::thread);
  if (waiter == gil.waiters.end() || waiter->has_timed_out || gil.last == waiter->begin) return;
  waiter->has_timed_out = true;
  gil.interval = follow_interval(gil.interval, gil.last - waiter->begin);
}

// Nobody who waits stops waiting while another thread holds the GIL: whoever did during the hold still does.
std::optional<BlamedHold> Blame::end_hold(GilId id, Gil& gil, std::optional<StackId> to) {
  const auto holder = std::exchange(gil.holder, std::nullopt);
  if (gil.waiters.empty()) return std::nullopt;
  charge(gil, gil.last);
  const auto longest = std::ranges::max_element(gil.waits, {}, [](const auto& wait) { return wait.second; });
  return BlamedHold{.span = {.gil = id, .thread = holder, .from = gil.from, .to = to},
                    .begin = gil.acquired,
                    .end = gil.last,
                    .is_forced = gil.is_asked,
                    .is_late = longest != gil.waits.end() && is_late(longest->second, gil.interval),
                    .waits = std::exchange(gil.waits, {})};
}

void Blame::add(Spans& spans, const BlamedHold& hold) {
  const auto ticks = hold.end - hold.begin;
  const auto longest = std::ranges::max_element(hold.waits, {}, [](const auto& wait) { return wait.second; });
  const auto waited = std::transform_reduce(hold.waits.begin(), hold.waits.end(), std::uint64_t{0},
                                            std::plus(), [](const auto& wait) { return wait.second; });
  spans[hold.span] += {.holds = 1,
                       .hold_ticks = ticks,
                       .max_hold_ticks = ticks,
                       .forced = hold.is_forced ? 1U : 0U,
                       .waits = hold.waits,
                       .max_wait_ticks = longest == hold.waits.end() ? 0 : longest->second,
                       .late_holds = hold.is_late ? 1U : 0U,
                       .late_wait_ticks = hold.is_late ? waited : 0};
}

void Blame::end_freedom(Spans& spans, GilId id, Gil& gil) {
  if (gil.waiters.empty()) return;
  charge(gil, gil.last);
  spans[{.gil = id}] += {.waits = std::exchange(gil.waits, {})};
}

void Blame::end_wait(const Gil& gil, const Event& event, std::optional<StackId> stands) {
  if (!stands) return;
  const auto waiter = std::ranges::find(gil.waiters, event.thread, &Waiter::thread);
  if (waiter == gil.waiters.end() || gil.last == waiter->begin) return;
  auto& longest = long_waits_[{event.gil, event.thread}];
  const LongWait wait{.ticks = gil.last - waiter->begin, .stack = *stands};
  longest.insert(std::ranges::upper_bound(longest, wait.ticks, std::ranges::greater(), &LongWait::ticks),
                 wait);
  if (longest.size() > kLongWaits) longest.pop_back();
}

std::optional<BlamedHold> Blame::acquire(Gil& gil, const Event& event, std::optional<StackId> stands) {
  if (gil.holder == event.thread) return std::nullopt;
  std::optional<BlamedHold> ended;
  if (gil.holder) {
    gil.is_asked = false;  // as in GilMachine: a hold that only a violation ends is not forced
    ended = end_hold(event.gil, gil, std::nullopt);
  } else {
    end_freedom(spans_, event.gil, gil);
  }
  end_wait(gil, event, stands);
  std::erase_if(gil.waiters, [&](const Waiter& waiter) { return waiter.thread == event.thread; });
  if (gil.latest != event.thread) gil.seen.insert(event.thread);
  gil.latest = event.thread;
  gil.holder = event.thread;
  gil.is_known = true;
  gil.is_asked = false;
  gil.acquired = gil.last;
  gil.seen_at.reset();
  gil.from = stands;
  if (gil.from || gil.stands.empty()) return ended;
  if (const auto found = gil.stands.find(event.thread); found != gil.stands.end()) gil.from = found->second;
  return ended;
}

std::optional<BlamedHold> Blame::release(Gil& gil, const Event& event, std::optional<StackId> stands) {
  std::optional<BlamedHold> ended;
  if (gil.holder == event.thread) {
    ended = end_hold(event.gil, gil, stands);
  } else if (gil.is_known) {
    return std::nullopt;
  } else {  // it held the GIL since before the events began
    end_freedom(spans_, event.gil, gil);
    gil.is_known = true;
    gil.seen.insert(event.thread);
  }
  if (stands) {
    gil.stands.insert_or_assign(event.thread, *stands);
  } else if (!gil.stands.empty()) {
    gil.stands.erase(event.thread);
  }
  return ended;
}

std::optional<BlamedHold> Blame::apply(const Event& event, std::optional<StackId> stands) {
  const auto index = static_cast<std::uint32_t>(event.gil);
  if (index >= Bounds{}.gils) return std::nullopt;
  if (index >= gils_.size()) gils_.resize(index + 1);
  Gil& gil = gils_[index];
  gil.last = std::max(gil.last, event.ticks);
  const auto is_waiting = [&] {
    return std::ranges::find(gil.waiters, event.thread, &Waiter::thread) != gil.waiters.end();
  };
  std::optional<BlamedHold> ended;
  switch (event.kind) {
    case EventKind::Request:
      if (gil.holder != event.thread && !is_waiting()) begin_wait(gil, event.thread, gil.last);
      break;
    case EventKind::Timeout:
      if (gil.holder != event.thread && !is_waiting() && !gil.seen.contains(event.thread)) {
        begin_wait(gil, event.thread, gil.last);
      }
      note_timeout(gil, event.thread);
      if (gil.holder && gil.holder != event.thread) {
        gil.is_asked = true;
        if (stands) gil.seen_at = stands;
      }
      break;
    case EventKind::Acquire:
      ended = acquire(gil, event, stands);
      break;
    case EventKind::Release:
      ended = release(gil, event, stands);
      break;
  }
  if (ended) add(spans_, *ended);
  return ended;
}

std::vector<BlamedHold> Blame::open_holds(std::uint64_t now) const {
  std::vector<BlamedHold> holds;
  for (std::uint32_t id = 0; id < gils_.size(); ++id) {
    if (!gils_[id].holder) continue;
    Gil gil = gils_[id];
    gil.last = std::max(gil.last, now);
    gil.is_asked = false;  // it has not been forced yet
    if (auto hold = end_hold(GilId{id}, gil, gil.seen_at)) holds.push_back(std::move(*hold));
  }
  return holds;
}

SwitchIntervals Blame::switch_intervals() const {
  SwitchIntervals intervals;
  for (std::uint32_t id = 0; id < gils_.size(); ++id) {
    if (gils_[id].interval != 0) intervals[GilId{id}] = gils_[id].interval;
  }
  return intervals;
}

Spans Blame::spans(std::uint64_t now) const {
  Spans spans = spans_;
  for (const auto& hold : open_holds(now)) add(spans, hold);
  for (std::uint32_t id = 0; id < gils_.size(); ++id) {
    if (gils_[id].holder) continue;
    Gil gil = gils_[id];
    gil.last = std::max(gil.last, now);
    end_freedom(spans, GilId{id}, gil);
  }
  return spans;
}

}  // namespace gilscope
