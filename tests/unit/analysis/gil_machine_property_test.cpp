// Random legal lists: every figure is that of the plain reference, and what must hold of any list holds.
#include <numeric>

#include <gtest/gtest.h>

#include "analysis/event_lists.h"
#include "analysis/gil_machine.h"
#include "analysis/reference.h"

namespace gilscope {
namespace {

using test::compute_reference;
using test::simulate;

constexpr std::uint64_t kSeeds = 150;

std::uint64_t sum(const std::vector<std::uint64_t>& values) {
  return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
}

void expect_percentiles(const std::optional<Percentiles>& found, const std::vector<std::uint64_t>& sorted) {
  ASSERT_EQ(found.has_value(), !sorted.empty());
  if (!found) return;
  EXPECT_EQ(found->max, sorted.back());
  for (const auto& [value, share] : {std::pair{found->p50, 0.5}, {found->p90, 0.9}, {found->p99, 0.99}}) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    const auto truth = static_cast<double>(sorted[std::max<std::size_t>(rank, 1) - 1]);
    EXPECT_LE(std::abs(static_cast<double>(value) - truth), 0.01 * truth);
  }
}

void expect_reference(const MachineSnapshot& snapshot, const std::vector<Event>& events, std::uint64_t end) {
  const auto reference = compute_reference(events, end);
  EXPECT_EQ(snapshot.threads.size(), reference.rows.size());
  for (const auto& row : snapshot.threads) {
    ASSERT_TRUE(row.thread);
    const auto& truth = reference.rows.at({row.gil, *row.thread});
    EXPECT_EQ(row.holds, truth.holds.size());
    EXPECT_EQ(row.hold_ticks, sum(truth.holds));
    EXPECT_EQ(row.waits, truth.waits.size());
    EXPECT_EQ(row.wait_ticks, sum(truth.waits));
    EXPECT_EQ(row.forced, truth.forced);
    EXPECT_EQ(row.voluntary, truth.voluntary);
    EXPECT_EQ(row.cut, 0U);
    expect_percentiles(row.hold, truth.holds);
    expect_percentiles(row.wait, truth.waits);
  }
  for (const auto& gil : snapshot.gils) {
    const auto found = reference.handoffs.find(gil.gil);
    EXPECT_EQ(gil.handoffs, found == reference.handoffs.end() ? 0U : found->second);
    for (const auto count : gil.violations) EXPECT_EQ(count, 0U);
    std::uint64_t held = 0;
    for (const auto& row : snapshot.threads) held += row.gil == gil.gil ? row.hold_ticks : 0;
    EXPECT_LE(held, end - events.front().ticks);
  }
  std::map<std::tuple<GilId, ThreadId, ThreadId>, std::uint64_t> handoffs;
  for (const auto& pair : snapshot.handoffs) handoffs[{pair.gil, *pair.from, *pair.to}] = pair.count;
  EXPECT_EQ(handoffs, reference.handoffs_by_thread);
}

TEST(MachineProperties, figures_of_legal_lists_are_those_of_the_reference) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const auto events = simulate(seed, {.threads = 1 + static_cast<unsigned>(seed % 9),
                                        .gils = 1 + static_cast<unsigned>(seed % 4),
                                        .events = 600});
    GilMachine machine({.rows = 64, .gils = 8});
    for (const auto& event : events) EXPECT_TRUE(machine.apply(event).none());
    const auto end = events.back().ticks + seed * 1000;
    expect_reference(machine.snapshot(end), events, end);
  }
}

// Told one by one, before each event: what a timeline draws is what the summary sums.
TEST(MachineProperties, intervals_add_up_to_the_figures) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const auto events = simulate(seed, {.threads = 12, .gils = 3, .events = 600});
    const auto end = events.back().ticks + seed * 1000;
    // Of the seeds a third has rows for some of the threads only.
    GilMachine machine({.rows = seed % 3 == 0 ? 5U : 64U, .gils = 8});
    std::vector<Interval> intervals;
    for (const auto& event : events) {
      if (const auto interval = machine.ending(event)) intervals.push_back(*interval);
      EXPECT_TRUE(machine.apply(event).none());
    }
    for (const auto& interval : machine.open_intervals(end)) intervals.push_back(interval);
    std::map<std::pair<GilId, ThreadId>, test::ReferenceRow> rows;
    for (const auto& interval : intervals) {
      auto& row = rows[{interval.gil, interval.thread}];
      const auto length = interval.end - interval.begin;
      (interval.kind == IntervalKind::Hold ? row.holds : row.waits).push_back(length);
      row.forced += interval.is_forced ? 1 : 0;
    }
    const auto reference = compute_reference(events, end);
    EXPECT_EQ(rows.size(), reference.rows.size());
    for (auto& [key, row] : rows) {
      std::ranges::sort(row.holds);
      std::ranges::sort(row.waits);
      const auto& truth = reference.rows.at(key);
      EXPECT_EQ(row.holds, truth.holds);
      EXPECT_EQ(row.waits, truth.waits);
      EXPECT_EQ(row.forced, truth.forced);
    }
  }
}

// What follows is cut off where the list is: the rest, begun in the middle, adds up with it.
TEST(MachineProperties, a_list_cut_in_two_has_the_same_sums) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto events = simulate(seed, {.threads = 5, .gils = 1});
    const auto end = events.back().ticks;
    const auto cut = events.size() / 3;
    const auto middle = events[cut].ticks;
    GilMachine whole({.rows = 64, .gils = 8});
    GilMachine before({.rows = 64, .gils = 8});
    GilMachine after({.rows = 64, .gils = 8});
    std::optional<ThreadId> holder;
    for (std::size_t i = 0; i < events.size(); ++i) {
      whole.apply(events[i]);
      if (i == cut) after.begin(GilId{0}, holder, middle);
      (i < cut ? before : after).apply(events[i]);
      if (events[i].kind == EventKind::Acquire) holder = events[i].thread;
      if (events[i].kind == EventKind::Release) holder = std::nullopt;
    }
    const auto held = [](const MachineSnapshot& snapshot) {
      std::uint64_t ticks = 0;
      for (const auto& row : snapshot.threads) ticks += row.hold_ticks;
      return ticks;
    };
    EXPECT_EQ(held(before.snapshot(middle)) + held(after.snapshot(end)), held(whole.snapshot(end)));
  }
}

// Rows give out: the sums over all rows stay those of the reference.
TEST(MachineProperties, merged_rows_lose_nothing) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    const auto events = simulate(seed, {.threads = 30, .gils = 3});
    const auto end = events.back().ticks + 17;
    GilMachine machine({.rows = static_cast<std::uint32_t>(seed % 20), .gils = 3});
    for (const auto& event : events) EXPECT_TRUE(machine.apply(event).none());
    const auto snapshot = machine.snapshot(end);
    const auto reference = compute_reference(events, end);
    ThreadSnapshot found;
    for (const auto& row : snapshot.threads) {
      found.holds += row.holds;
      found.hold_ticks += row.hold_ticks;
      found.waits += row.waits;
      found.wait_ticks += row.wait_ticks;
      found.forced += row.forced;
      found.voluntary += row.voluntary;
    }
    ThreadSnapshot truth;
    for (const auto& [key, row] : reference.rows) {
      truth.holds += row.holds.size();
      truth.hold_ticks += sum(row.holds);
      truth.waits += row.waits.size();
      truth.wait_ticks += sum(row.waits);
      truth.forced += row.forced;
      truth.voluntary += row.voluntary;
    }
    EXPECT_EQ(found.holds, truth.holds);
    EXPECT_EQ(found.hold_ticks, truth.hold_ticks);
    EXPECT_EQ(found.waits, truth.waits);
    EXPECT_EQ(found.wait_ticks, truth.wait_ticks);
    EXPECT_EQ(found.forced, truth.forced);
    EXPECT_EQ(found.voluntary, truth.voluntary);
    for (const auto& gil : snapshot.gils) {
      const auto handoffs = reference.handoffs.find(gil.gil);
      EXPECT_EQ(gil.handoffs, handoffs == reference.handoffs.end() ? 0U : handoffs->second);
    }
  }
}

// Nothing that a list can say is undefined, and no figure leaves its bounds.
TEST(MachineProperties, any_list_whatever_keeps_the_sums_sane) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    std::mt19937_64 random(seed);
    GilMachine machine({.rows = 5, .gils = 3});
    std::uint64_t latest = 0;
    for (int i = 0; i < 3000; ++i) {
      const Event event{.ticks = random() % 1'000'000,
                        .gil = GilId{static_cast<unsigned>(random() % 4)},
                        .thread = ThreadId{static_cast<unsigned>(random() % 100)},
                        .kind = static_cast<EventKind>(random() % 4)};
      latest = std::max(latest, event.ticks);
      machine.apply(event);
    }
    const auto snapshot = machine.snapshot(latest);
    for (const auto& gil : snapshot.gils) {
      std::uint64_t held = 0;
      for (const auto& row : snapshot.threads) {
        if (row.gil != gil.gil) continue;
        held += row.hold_ticks;
        EXPECT_EQ(row.holds, row.forced + row.voluntary + row.cut + (row.open == OpenInterval::Hold ? 1 : 0));
      }
      EXPECT_LE(held, latest);
    }
  }
}

}  // namespace
}  // namespace gilscope
