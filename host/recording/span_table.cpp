#include "recording/span_table.h"

#include <algorithm>
#include <map>
#include <type_traits>
#include <utility>

#include "capture/stack_table.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

static_assert(std::is_trivially_default_constructible_v<SpanTable> &&
                  std::is_trivially_destructible_v<SpanTable>,
              "never constructed: pages of zeros are valid ones");

// From here on spans have no lines any more, so that threads still have a row each.
constexpr std::uint64_t kRowsWithLines = SpanTable::kRows / 4 * 3;
constexpr std::uint64_t kRowsInUse = SpanTable::kRows / 8 * 7;

std::uint64_t plus_one(std::optional<std::uint32_t> number) noexcept {
  return number ? std::uint64_t{*number} + 1 : 0;
}

std::optional<StackId> stack_of(std::uint64_t number_plus_one) noexcept {
  if (number_plus_one == 0) return std::nullopt;
  return StackId{static_cast<std::uint32_t>(number_plus_one - 1)};
}

std::uint64_t length(std::uint64_t begin, std::uint64_t end) noexcept {
  return end > begin ? end - begin : 0;
}

struct Holder {
  ThreadId thread{};
  std::uint64_t held = 0;  // ticks + 1 of the acquire
  const ThreadRow* row = nullptr;
  bool is_quiet = false;  // where it began is not noted
};

std::map<std::uint32_t, Holder> find_holders(const RowTable& table, std::span<const QuietFigures> quiet) {
  std::map<std::uint32_t, Holder> holders;
  for (const ThreadRow& row : table.rows()) {
    const auto index = table.index_of(row);
    const bool is_told = index < quiet.size() && quiet[index].hold != nullptr;
    const auto held = is_told ? quiet[index].held : row.held.read();
    const auto key = row.key.read();
    if (held == 0 || key == 0) continue;
    // The earlier one: a later one began after the reading did.
    const Holder holder{thread_of(key), held, &row, row.held.read() != held};
    const auto [found, is_new] = holders.try_emplace(static_cast<std::uint32_t>(gil_of(key)), holder);
    if (!is_new && held < found->second.held) found->second = holder;
  }
  for (std::uint32_t gil = 0; gil < table.gils_end(); ++gil) {
    const auto held = table.shared_row(gil).held.read();
    if (held != 0) holders.try_emplace(gil, Holder{.held = held, .row = &table.shared_row(gil)});
  }
  return holders;
}

}  // namespace

void SpanTable::see_holder(GilId gil, std::optional<std::uint32_t> stack) noexcept {
  if (static_cast<std::size_t>(gil) < kGils)
    gils.at(static_cast<std::size_t>(gil)).seen_at.set(plus_one(stack));
}

std::optional<std::uint32_t> SpanTable::seen_holder(GilId gil) const noexcept {
  const auto plus_one =
      static_cast<std::size_t>(gil) < kGils ? gils.at(static_cast<std::size_t>(gil)).seen_at.read() : 0;
  return plus_one == 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(plus_one - 1));
}

void SpanTable::Standing::set(std::optional<std::uint32_t> stack, std::uint64_t holds) noexcept {
  stack_plus_one.set(plus_one(stack));
  holds_plus_one.set(holds + 1);
}

std::optional<std::uint32_t> SpanTable::Standing::at(std::uint64_t holds) const noexcept {
  const auto stack = stack_plus_one.read();
  if (stack == 0 || holds_plus_one.read() != holds + 1) return std::nullopt;
  return static_cast<std::uint32_t>(stack - 1);
}

void SpanTable::Standings::add_wait(std::uint64_t ticks, std::uint32_t stack) noexcept {
  auto* const least =
      std::ranges::min_element(laments, {}, [](const Lament& lament) { return lament.ticks.get(); });
  if (ticks <= least->ticks.get()) return;
  least->ticks.set(0);
  least->stack_plus_one.set(plus_one(stack));
  least->ticks.set(ticks);
}

void SpanTable::Standings::add(const Standings& more) noexcept {
  for (const Lament& lament : more.laments) {
    const auto stack = stack_of(lament.stack_plus_one.get());
    if (lament.ticks.get() != 0 && stack) add_wait(lament.ticks.get(), static_cast<std::uint32_t>(*stack));
  }
}

void SpanTable::add_wait(Row& row, std::uint64_t thread, std::uint64_t ticks) noexcept {
  for (auto& wait : row.waits) {
    if (wait.thread.get() != 0 && wait.thread.get() != thread) continue;
    wait.thread.set(thread);
    wait.ticks.add(ticks);
    return;
  }
  row.other_waits.add(ticks);
}

void SpanTable::add_figures(Row& sum, const Row& more) noexcept {
  sum.holds.add(more.holds.get());
  sum.hold_ticks.add(more.hold_ticks.get());
  sum.max_hold_ticks.set(std::max(sum.max_hold_ticks.get(), more.max_hold_ticks.get()));
  sum.forced.add(more.forced.get());
  sum.other_waits.add(more.other_waits.get());
  sum.max_wait.set(std::max(sum.max_wait.get(), more.max_wait.get()));
  sum.late_holds.add(more.late_holds.get());
  sum.late_wait.add(more.late_wait.get());
}

LongWaits SpanTable::read_long_waits(const RowTable& table) const {
  LongWaits waits;
  for (const ThreadRow& row : table.rows()) {
    const auto key = row.key.read();
    if (key == 0) continue;
    std::vector<LongWait> longest;
    for (const Lament& lament : standings[table.index_of(row)].laments) {
      const auto ticks = lament.ticks.read();
      const auto stack = stack_of(lament.stack_plus_one.read());
      if (ticks != 0 && stack && lament.ticks.read() == ticks) longest.push_back({ticks, *stack});
    }
    if (longest.empty()) continue;
    sort_stably(longest,
                [](const LongWait& left, const LongWait& right) { return left.ticks > right.ticks; });
    waits[{gil_of(key), thread_of(key)}] = std::move(longest);
  }
  return waits;
}

SpanTable::Standings* SpanTable::standings_of(const RowTable& table, const ThreadRow& row) noexcept {
  return table.is_shared(row) ? nullptr : &standings[table.index_of(row)];
}

// As Blame has it: where its acquire was noted, or else where the release before it was.
std::optional<std::uint32_t> SpanTable::begin_of_hold(const RowTable& table,
                                                      const ThreadRow& row) const noexcept {
  if (table.is_shared(row)) return std::nullopt;
  const Standings& noted = standings[table.index_of(row)];
  const auto holds = row.hold.count();
  const auto acquired = noted.acquired.at(holds);
  return acquired ? acquired : noted.released.at(holds);
}

bool SpanTable::is_awaited(GilId gil) const noexcept {
  return gils[static_cast<std::uint32_t>(gil)].count.get() != 0;
}

void SpanTable::begin_wait(GilId gil, ThreadId thread, std::uint64_t ticks) noexcept {
  Waiters& waiters = gils[static_cast<std::uint32_t>(gil)];
  waiters.count.add(1);
  for (std::size_t i = 0; i < kNamed; ++i) {
    Waiter& place = waiters.named[i];
    if (place.thread.get() != 0) continue;
    place.charged.set(ticks);
    place.has_timed_out.set(0);
    place.thread.set(static_cast<std::uint32_t>(thread));
    waiters.used.set(std::max<std::uint64_t>(waiters.used.get(), i + 1));
    return;
  }
  waiters.others.count.add(1);
  waiters.others.sum.add(ticks);
}

void SpanTable::note_timeout(GilId gil, ThreadId thread, std::uint64_t begin, std::uint64_t ticks) noexcept {
  Waiters& waiters = gils[static_cast<std::uint32_t>(gil)];
  for (std::size_t i = 0; i < waiters.used.get(); ++i) {
    Waiter& waiter = waiters.named[i];
    if (waiter.thread.get() != static_cast<std::uint32_t>(thread)) continue;
    if (waiter.has_timed_out.get() != 0 || ticks <= begin) return;
    waiter.has_timed_out.set(1);
    waiters.interval.set(follow_interval(waiters.interval.get(), ticks - begin));
    return;
  }
}

SwitchIntervals SpanTable::read_switch_intervals(const RowTable& table) const {
  SwitchIntervals intervals;
  for (std::uint32_t gil = 0; gil < std::min<std::uint32_t>(table.gils_end(), kGils); ++gil) {
    if (const auto interval = gils[gil].interval.read(); interval != 0)
      intervals[table.id_of(GilId{gil})] = interval;
  }
  return intervals;
}

void SpanTable::end_wait(GilId gil, ThreadId thread, std::uint64_t ticks) noexcept {
  Waiters& waiters = gils[static_cast<std::uint32_t>(gil)];
  charge(gil, find_or_add(gil, ThreadId{}, {}), 0, ticks);
  if (waiters.count.get() != 0) waiters.count.set(waiters.count.get() - 1);
  for (std::size_t i = 0; i < waiters.used.get(); ++i) {
    if (waiters.named[i].thread.get() != static_cast<std::uint32_t>(thread)) continue;
    waiters.named[i].thread.set(0);
    return;
  }
  Others& others = waiters.others;
  if (others.count.get() == 0) return;
  others.count.set(others.count.get() - 1);
  others.counted.set(others.count.get());
  others.sum.set(others.sum.get() - ticks);
}

void SpanTable::end_waits(GilId gil, std::uint64_t ticks) noexcept {
  Waiters& waiters = gils[static_cast<std::uint32_t>(gil)];
  if (waiters.count.get() == 0) return;
  const Others& others = waiters.others;
  bool is_uncharged = others.count.get() * ticks > others.sum.get();
  for (const Waiter& waiter : waiters.named) {
    is_uncharged = is_uncharged || (waiter.thread.get() != 0 && waiter.charged.get() < ticks);
  }
  if (is_uncharged) charge(gil, find_or_add(gil, ThreadId{}, {}), 0, ticks);
  const auto interval = waiters.interval.get();
  waiters = {};
  waiters.interval.set(interval);
}

void SpanTable::end_hold(const Interval& hold, SpanEnds ends) noexcept {
  Row* const row = find_or_add(hold.gil, hold.thread, ends);
  if (row != nullptr) {
    const auto ticks = hold.end - hold.begin;
    row->holds.add(1);
    row->hold_ticks.add(ticks);
    if (ticks > row->max_hold_ticks.get()) row->max_hold_ticks.set(ticks);
    if (hold.is_forced) row->forced.add(1);
  }
  if (!is_awaited(hold.gil)) return;
  const Charged charged = charge(hold.gil, row, hold.begin, hold.end);
  if (row == nullptr ||
      !is_late(charged.longest, gils[static_cast<std::uint32_t>(hold.gil)].interval.get())) {
    return;
  }
  row->late_holds.add(1);
  row->late_wait.add(charged.all);
}

// Gives the waits from `begin` to `end` to the span; what they have from before that is nobody's.
SpanTable::Charged SpanTable::charge(GilId gil, Row* span, std::uint64_t begin, std::uint64_t end) noexcept {
  Charged charged;
  Waiters& waiters = gils[static_cast<std::uint32_t>(gil)];
  const auto used = waiters.used.get();
  Others& others = waiters.others;
  const auto before_others = others.counted.get() * length(others.charged.get(), begin);
  const auto is_before = [&](const Waiter& waiter) {
    return waiter.thread.get() != 0 && waiter.charged.get() < begin;
  };
  if (before_others != 0 || std::any_of(waiters.named.begin(), waiters.named.begin() + used, is_before)) {
    if (Row* const nobodys = find_or_add(gil, ThreadId{}, {})) {
      for (std::size_t i = 0; i < used; ++i) {
        const Waiter& waiter = waiters.named[i];
        if (is_before(waiter)) add_wait(*nobodys, waiter.thread.get(), begin - waiter.charged.get());
      }
      nobodys->other_waits.add(before_others);
    }
  }
  if (span != nullptr) {
    for (std::size_t i = 0; i < used; ++i) {
      const Waiter& waiter = waiters.named[i];
      if (waiter.thread.get() == 0) continue;
      const auto wait = length(std::max(waiter.charged.get(), begin), end);
      add_wait(*span, waiter.thread.get(), wait);
      charged.longest = std::max(charged.longest, wait);
      charged.all += wait;
      if (span->holds.get() != 0 && wait > span->max_wait.get()) span->max_wait.set(wait);
    }
    if (others.count.get() != 0) {
      const auto wait = others.count.get() * end - others.sum.get() - before_others;
      span->other_waits.add(wait);
      charged.all += wait;
    }
  }
  for (std::size_t i = 0; i < used; ++i) {
    if (waiters.named[i].thread.get() != 0) waiters.named[i].charged.set(end);
  }
  others.sum.set(others.count.get() * end);
  others.counted.set(others.count.get());
  others.charged.set(end);
  return charged;
}

SpanTable::Row* SpanTable::find_or_add(GilId gil, ThreadId thread, SpanEnds ends) noexcept {
  return sides.at(side.get() % 2).find_or_add(row_key(gil, thread), plus_one(ends.from), plus_one(ends.to));
}

void SpanTable::Rows::clear() noexcept {
  if (used.get() == 0) return;
  rows.fill({});
  used.set(0);
}

SpanTable::Row* SpanTable::Rows::find_or_add(std::uint64_t holder, std::uint64_t from,
                                             std::uint64_t to) noexcept {
  for (const bool has_lines : {true, false}) {
    const std::array<std::uint64_t, 3> words{holder, has_lines ? from : 0, has_lines ? to : 0};
    const auto key = key_of(words);
    for (auto index = key, end = index + kRows; index != end; ++index) {
      Row& row = rows[index % kRows];
      if (row.key.get() == key) return &row;
      if (row.key.get() != 0) continue;
      if (used.get() >= (has_lines ? kRowsWithLines : kRowsInUse)) break;
      used.add(1);
      row.key.set(key);
      row.from.set(words[1]);
      row.to.set(words[2]);
      row.holder.set(words[0]);
      return &row;
    }
  }
  return nullptr;
}

Spans SpanTable::read(const RowTable& table, std::span<const QuietFigures> quiet, bool has_every_hold,
                      std::uint64_t now) const {
  Spans spans;
  for (const Row& row : std::span(this->spans().rows).first(spans_used() != 0 ? kRows : 0)) {
    const auto holder = row.holder.read();
    if (holder == 0) continue;
    const ThreadId thread = thread_of(holder);
    const SpanKey key{.gil = gil_of(holder),
                      .thread = thread == ThreadId{} ? std::nullopt : std::optional(thread),
                      .from = stack_of(row.from.read()),
                      .to = stack_of(row.to.read())};
    SpanFigures figures{.holds = row.holds.read(),
                        .hold_ticks = row.hold_ticks.read(),
                        .max_hold_ticks = row.max_hold_ticks.read(),
                        .forced = row.forced.read(),
                        .max_wait_ticks = row.max_wait.read(),
                        .late_holds = row.late_holds.read(),
                        .late_wait_ticks = row.late_wait.read()};
    for (const auto& wait : row.waits) {
      const ThreadId waiter{static_cast<std::uint32_t>(wait.thread.read())};
      if (waiter != ThreadId{}) figures.waits[waiter] += wait.ticks.read();
    }
    if (const auto others = row.other_waits.read(); others != 0) figures.waits[kFurtherThreads] += others;
    spans[key] += figures;
  }

  const auto holders = find_holders(table, quiet);
  const auto gils_end = std::min<std::uint32_t>(table.gils_end(), kGils);
  for (std::uint32_t gil = 0; gil < gils_end; ++gil) {
    const auto holder = holders.find(gil);
    const bool is_held = holder != holders.end();
    const auto begin = is_held ? holder->second.held - 1 : now;
    SpanFigures open{.holds = 1, .hold_ticks = length(begin, now), .max_hold_ticks = length(begin, now)};
    SpanFigures nobodys;
    const Waiters& waiters = gils[gil];
    const auto give = [&](ThreadId waiter, std::uint64_t before, std::uint64_t during) {
      if (is_held) {
        open.waits[waiter] += during;
        if (waiter != kFurtherThreads) open.max_wait_ticks = std::max(open.max_wait_ticks, during);
      }
      if (before != 0) nobodys.waits[waiter] += before;
    };
    for (const Waiter& waiter : waiters.named) {
      const auto charged = waiter.charged.read();
      const ThreadId thread{static_cast<std::uint32_t>(waiter.thread.read())};
      if (thread == ThreadId{}) continue;
      give(thread, length(charged, std::min(begin, now)), length(std::max(charged, begin), now));
    }
    const Others& others = waiters.others;
    if (const auto count = others.count.read(); count != 0) {
      const auto all = length(others.sum.read(), count * now);
      const auto before =
          is_held ? std::min(all, others.counted.read() * length(others.charged.read(), begin)) : all;
      give(kFurtherThreads, before, all - before);
    }
    if (is_late(open.max_wait_ticks, waiters.interval.read())) {
      open.late_holds = 1;
      for (const auto& [waiter, wait] : open.waits) open.late_wait_ticks += wait;
    }
    if (is_held && (has_every_hold || !open.waits.empty())) {
      const auto from = holder->second.is_quiet
                            ? std::nullopt
                            : stack_of(plus_one(begin_of_hold(table, *holder->second.row)));
      spans[{.gil = GilId{gil},
             .thread = holder->second.thread,
             .from = from,
             .to = stack_of(waiters.seen_at.read())}] += open;
    }
    if (!nobodys.waits.empty()) spans[{.gil = GilId{gil}}] += nobodys;
  }
  return spans;
}

}  // namespace gilscope
