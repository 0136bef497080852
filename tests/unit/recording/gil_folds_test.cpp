// GILs whose interpreters have ended become one, and their places are taken again.
#include <array>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/event_lists.h"
#include "recording/as_hooks.h"
#include "recording/twins.h"

namespace gilscope {
namespace {

using test::acquire;
using test::release;
using test::request;

// Of a live GIL by itself, of the ended ones together: by thread.
using FigureList = std::array<std::uint64_t, 8>;
using ByThread = std::map<std::pair<GilId, ThreadId>, FigureList>;

struct Sums {
  ByThread rows;
  std::map<GilId, std::array<std::uint64_t, 4>> gils;
  std::map<std::tuple<GilId, ThreadId, ThreadId>, std::uint64_t> handoffs;
  test::SpanSums spans;

  bool operator==(const Sums&) const = default;
};

Sums sum(const MachineSnapshot& snapshot, const BlameRecord& blame,
         const std::map<GilId, std::size_t>& ended) {
  const auto gil_of = [&](GilId gil) { return ended.contains(gil) ? kEndedGils : gil; };
  Sums sums;
  for (const auto& row : snapshot.threads) {
    const FigureList figures{row.holds,  row.hold_ticks, row.waits,    row.wait_ticks,
                             row.forced, row.voluntary,  row.lifetime, row.cut};
    auto& place = sums.rows[{gil_of(row.gil), *row.thread}];
    for (std::size_t i = 0; i < figures.size(); ++i) place.at(i) += figures.at(i);
  }
  for (const auto& gil : snapshot.gils) {
    auto& place = sums.gils[gil_of(gil.gil)];
    place[0] += std::max<std::uint64_t>(gil.folded, 1);
    place[1] += gil.handoffs;
    place[2] += gil.timeouts;
    place[3] = std::max(place[3], gil.last);
  }
  for (const auto& pair : snapshot.handoffs)
    sums.handoffs[{gil_of(pair.gil), *pair.from, *pair.to}] += pair.count;
  sums.spans = test::sum_spans(
      blame, gil_of, [](ThreadId thread) { return std::to_string(static_cast<std::uint32_t>(thread)); });
  return sums;
}

std::uint64_t count_folded(const BlameCounters& counters, std::uint64_t now) {
  const auto gils = counters.view().figures(now).gils;
  return gils.back().folded;
}

TEST(FoldedGils, sum_to_what_was_done_with_them_in_any_legal_list) {
  std::uint64_t folded = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    auto events = test::simulate(seed, {.threads = 2 + static_cast<unsigned>(seed % 3),
                                        .gils = 2 + static_cast<unsigned>(seed % 3),
                                        .events = 3000,
                                        .gil_ends = 5});
    std::map<GilId, std::size_t> last_events;
    std::uint32_t gils = 0;
    for (std::size_t i = 0; i < events.size(); ++i) {
      events[i].ticks += i;
      last_events[events[i].gil] = i;
      gils = std::max(gils, static_cast<std::uint32_t>(events[i].gil) + 1);
    }
    std::multimap<std::size_t, GilId> ends;
    for (const auto& [gil, last] : last_events) ends.emplace(last, gil);
    std::map<GilId, std::size_t> ended;
    test::Twins twins({.rows = 256, .gils = 40}, nullptr, nullptr, gils);
    std::mt19937_64 random(seed);
    const auto expect_the_same = [&](std::uint64_t now) {
      const auto view = twins.counters.view();
      EXPECT_LE(view.figures(now).gils.size(), 41U);
      const auto counted = sum(view.figures(now), view.blame(now), ended);
      const auto all = sum(twins.expected_figures(now), twins.expected(now), ended);
      EXPECT_EQ(counted.rows, all.rows);
      EXPECT_EQ(counted.gils, all.gils);
      EXPECT_EQ(counted.handoffs, all.handoffs);
      EXPECT_EQ(counted.spans, all.spans);
      EXPECT_EQ(view.figures(now).lost_events, 0U);
    };
    for (std::size_t i = 0; i < events.size(); ++i) {
      twins.apply(events[i], std::array{twins.code.point(random() % 5)});
      if (last_events[events[i].gil] == i && i + 100 < events.size()) {
        twins.hooks.close(events[i].gil);
        ended[events[i].gil] = i;
      }
      if (i % 500 == 250) expect_the_same(events[i].ticks + 5);
    }
    expect_the_same(events.back().ticks + 1000 * seed);
    folded += count_folded(twins.counters, events.back().ticks);
    if (HasFailure()) break;
  }
  EXPECT_GT(folded, 500U);
}

TEST(FoldedGils, leave_their_places_to_any_number_of_others) {
  constexpr std::uint32_t kGils = 5000;
  BlameCounters counters({.rows = 64, .gils = 20});
  test::AsHooks hooks(counters, kGils + 1);
  counters.open(GilId{0}, 0);
  for (std::uint32_t gil = 1; gil <= kGils; ++gil) {
    counters.open(GilId{gil}, gil);
    for (std::uint64_t i = 0; i < 3; ++i) {
      hooks.give(acquire(100 * gil + 10 * i, 1, gil));
      hooks.give(release(100 * gil + 10 * i + 5, 1, gil));
    }
    hooks.close(GilId{gil});
    hooks.give(acquire(100 * gil + 50, 1));
    hooks.give(release(100 * gil + 51, 1));
  }
  const auto figures = counters.view().figures(1'000'000);
  EXPECT_EQ(figures.lost_events, 0U);
  std::uint64_t gils = 0;
  std::uint64_t holds = 0;
  for (const auto& gil : figures.gils) gils += std::max<std::uint64_t>(gil.folded, 1);
  for (const auto& row : figures.threads) holds += row.holds;
  EXPECT_EQ(gils, kGils + 1);
  EXPECT_EQ(holds, 4U * kGils);
  ASSERT_EQ(figures.gils.back().gil, kEndedGils);
  EXPECT_FALSE(figures.gils.back().interpreter);
  EXPECT_GT(figures.gils.back().folded, kGils - 20);
}

// What is in the queue yet belongs to it: then its place is not free.
TEST(FoldedGils, are_those_of_which_all_has_come) {
  constexpr std::uint32_t kGils = 30;
  BlameCounters counters({.rows = 64, .gils = kGils + 1});
  test::AsHooks hooks(counters, kGils + 2);
  for (std::uint32_t gil = 0; gil < kGils; ++gil) {
    hooks.give(acquire(10 * gil + 1, 1, gil));
    hooks.give(request(10 * gil + 2, 2, gil));
    hooks.give(release(10 * gil + 3, 1, gil));
    counters.close(GilId{gil}, 4);  // there is one more to come
  }
  hooks.give(acquire(1000, 1, kGils));
  EXPECT_EQ(counters.view().figures(2000).gils.size(), kGils + 1);
  for (std::uint32_t gil = 0; gil < kGils; ++gil) {
    hooks.give(acquire(1001 + 10 * gil, 2, gil));
    hooks.give(release(1002 + 10 * gil, 2, gil));
  }
  hooks.give(acquire(3000, 1, kGils + 1));
  const auto figures = counters.view().figures(4000);
  ASSERT_EQ(figures.gils.size(), 3U);
  EXPECT_EQ(figures.gils.back().folded, kGils);
}

}  // namespace
}  // namespace gilscope
