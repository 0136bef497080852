#include "analysis/timeline.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/event_lists.h"
#include "analysis/gil_machine.h"

namespace gilscope {
namespace {

using testing::ElementsAre;
using testing::Field;

constexpr ThreadId kThread{7};

struct Sums {
  std::uint64_t hold_ticks = 0;
  std::uint64_t wait_ticks = 0;
  std::uint64_t holds = 0;
  std::uint64_t waits = 0;

  friend bool operator==(const Sums&, const Sums&) = default;
};

Sums sum_cells(const TimelineCells& cells) {
  Sums sums;
  for (const auto& cell : cells.cells()) {
    sums.hold_ticks += cell.hold_ticks;
    sums.wait_ticks += cell.wait_ticks;
    sums.holds += cell.holds;
    sums.waits += cell.waits;
  }
  return sums;
}

// In order, none over another, none with more time than it is long.
void expect_sound(const TimelineCells& cells) {
  std::uint64_t end = 0;
  for (const auto& cell : cells.cells()) {
    EXPECT_GE(cell.bin, end);
    EXPECT_LE(cell.hold_ticks + cell.wait_ticks, cell.bins << cells.bin_bits());
    if (cell.bins > 1) {
      EXPECT_EQ(std::max(cell.hold_ticks, cell.wait_ticks), cell.bins << cells.bin_bits());
      EXPECT_EQ(std::min(cell.hold_ticks, cell.wait_ticks), 0U);
    }
    end = cell.bin + cell.bins;
  }
}

TEST(TimelineCells, have_each_interval_as_it_was_until_they_are_coarsened) {
  TimelineCells cells;
  cells.add(IntervalKind::Wait, 5, 12);
  cells.add(IntervalKind::Hold, 12, 13);
  cells.add(IntervalKind::Hold, 20, 1'000'020);
  ASSERT_EQ(cells.cells().size(), 3U);
  EXPECT_EQ(cells.cells()[0].bin, 5U);
  EXPECT_EQ(cells.cells()[0].bins, 7U);
  EXPECT_EQ(cells.cells()[0].wait_ticks, 7U);
  EXPECT_EQ(cells.cells()[1].bin, 12U);
  EXPECT_EQ(cells.cells()[2].bins, 1'000'000U);
  EXPECT_EQ(cells.cells()[2].holds, 1U);
}

TEST(TimelineCells, know_waits_for_locks_from_those_for_a_gil_however_coarse_they_get) {
  TimelineCells cells;
  cells.add(IntervalKind::Wait, 5, 12);
  cells.add(IntervalKind::LockWait, 12, 40);
  cells.add(IntervalKind::Stopped, 40, 41);
  for (int i = 0; i < 3; ++i) cells.coarsen();  // 8 ticks
  std::uint64_t ticks = 0;
  std::uint32_t waits = 0;
  for (const auto& cell : cells.cells()) {
    ticks += cell.lock_ticks;
    waits += cell.lock_waits;
  }
  EXPECT_EQ(ticks, 29U);
  EXPECT_EQ(waits, 2U);
  EXPECT_EQ(sum_cells(cells), (Sums{.wait_ticks = 7, .waits = 1}));
}

TEST(TimelineCells, split_what_goes_over_several_bins) {
  TimelineCells cells;
  for (int i = 0; i < 3; ++i) cells.coarsen();  // 8 ticks
  cells.add(IntervalKind::Hold, 6, 33);
  EXPECT_THAT(cells.cells(),
              ElementsAre(Field(&TimelineCell::hold_ticks, 2U), Field(&TimelineCell::hold_ticks, 24U),
                          Field(&TimelineCell::hold_ticks, 1U)));
  EXPECT_EQ(cells.cells()[1].bin, 1U);
  EXPECT_EQ(cells.cells()[1].bins, 3U);
  expect_sound(cells);
}

TEST(TimelineCells, count_intervals_that_take_no_time) {
  TimelineCells cells;
  cells.add(IntervalKind::Hold, 4, 4);
  cells.add(IntervalKind::Hold, 4, 9);
  cells.add(IntervalKind::Wait, 9, 9);
  EXPECT_EQ(sum_cells(cells), (Sums{.hold_ticks = 5, .holds = 2, .waits = 1}));
  expect_sound(cells);
}

// A damaged capture may tell of anything; time that is told twice is drawn once.
TEST(TimelineCells, cut_what_begins_before_the_last_one_ended) {
  TimelineCells cells;
  cells.add(IntervalKind::Hold, 10, 20);
  cells.add(IntervalKind::Wait, 5, 25);
  cells.add(IntervalKind::Wait, 7, 3);
  EXPECT_EQ(sum_cells(cells), (Sums{.hold_ticks = 10, .wait_ticks = 5, .holds = 1, .waits = 2}));
  expect_sound(cells);
}

TEST(TimelineCells, keep_their_sums_however_coarse_they_get) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    TimelineCells cells;
    Sums expected;
    std::uint64_t now = 0;
    for (int i = 0; i < 400; ++i) {
      now += random() % (std::uint64_t{1} << (random() % 16));
      const auto length = random() % (std::uint64_t{1} << (random() % 20));
      const bool is_hold = random() % 2 == 0;
      cells.add(is_hold ? IntervalKind::Hold : IntervalKind::Wait, now, now + length);
      (is_hold ? expected.hold_ticks : expected.wait_ticks) += length;
      ++(is_hold ? expected.holds : expected.waits);
      now += length;
      if (random() % 20 == 0) cells.coarsen();
      ASSERT_EQ(sum_cells(cells), expected) << "seed " << seed << ", interval " << i;
    }
    expect_sound(cells);
    for (int i = 0; i < 40; ++i) cells.coarsen();
    EXPECT_EQ(cells.cells().size(), 1U);
    EXPECT_EQ(sum_cells(cells), expected);
  }
}

TEST(DurationBuckets, have_steps_of_1_2_and_5) {
  EXPECT_EQ(DurationBuckets::limit(0), Nanoseconds(1));
  EXPECT_EQ(DurationBuckets::limit(1), Nanoseconds(2));
  EXPECT_EQ(DurationBuckets::limit(2), Nanoseconds(5));
  EXPECT_EQ(DurationBuckets::limit(19), std::chrono::milliseconds(2));
  const DurationBuckets buckets(TickLength{0.4});
  for (std::uint64_t ticks : {1U, 2U, 4U, 5U, 12U, 13U, 4'999'999U, 5'000'000U, 12'500'000U}) {
    const auto bucket = buckets.bucket_of(ticks);
    const auto ns = static_cast<double>(ticks) * 0.4;
    if (bucket > 0) {
      EXPECT_GE(ns, static_cast<double>(DurationBuckets::limit(bucket).count()));
    }
    EXPECT_LT(ns, static_cast<double>(DurationBuckets::limit(bucket + 1).count()));
  }
  EXPECT_EQ(buckets.bucket_of(0), 0U);
  EXPECT_EQ(buckets.bucket_of(~std::uint64_t{0}), DurationBuckets::kBuckets - 1);
}

struct Key {
  std::size_t process;
  GilId gil;
  ThreadId thread;
  friend auto operator<=>(const Key&, const Key&) = default;
};

// What the summary is made of, and what the page draws, of the same events.
TEST(Timeline, sums_are_those_of_the_summary_to_the_tick) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const std::size_t most_cells = 20 + 40 * (seed % 5);
    std::map<Key, Sums> expected;
    Timeline timeline(0, TickLength{1}, {.cells = most_cells});
    for (std::size_t process = 0; process < 2; ++process) {
      timeline.begin_process();
      GilMachine machine;
      std::uint64_t end = 0;
      for (const auto& event : test::simulate(seed + process)) {
        if (const auto interval = machine.ending(event)) timeline.add(*interval);
        machine.apply(event);
        end = event.ticks;
      }
      end += 12'345;
      for (const auto& interval : machine.open_intervals(end)) timeline.add(interval);
      for (const auto& row : machine.snapshot(end).threads) {
        if (row.holds + row.waits == 0) continue;
        expected[{process, row.gil, *row.thread}] = {row.hold_ticks, row.wait_ticks, row.holds, row.waits};
      }
    }
    std::map<Key, Sums> drawn;
    std::size_t cells = 0;
    for (const auto& row : timeline.rows()) {
      drawn[{row.process, row.gil, row.thread}] = sum_cells(row.cells);
      cells += row.cells.cells().size();
      expect_sound(row.cells);
      const auto add = [](std::uint64_t sum, const DurationCount& bucket) { return sum + bucket.ticks; };
      EXPECT_EQ(std::accumulate(row.holds.begin(), row.holds.end(), std::uint64_t{0}, add),
                sum_cells(row.cells).hold_ticks);
      EXPECT_EQ(std::accumulate(row.waits.begin(), row.waits.end(), std::uint64_t{0}, add),
                sum_cells(row.cells).wait_ticks);
    }
    EXPECT_EQ(drawn, expected) << "seed " << seed;
    EXPECT_LE(cells, std::max(most_cells, timeline.rows().size())) << "a row keeps one";
  }
}

TEST(Timeline, is_bounded_whatever_comes) {
  Timeline timeline(1'000, TickLength{1}, {.rows = 3, .cells = 100});
  timeline.begin_process();
  std::uint64_t now = 1'000;
  for (unsigned i = 0; i < 200'000; ++i) {
    timeline.add({.kind = IntervalKind::Hold, .thread = ThreadId{i % 5}, .begin = now, .end = now + 3});
    now += 10;
  }
  EXPECT_EQ(timeline.rows().size(), 3U);
  EXPECT_EQ(timeline.rows_left_out(), 2U);
  EXPECT_EQ(timeline.length(), 1'999'993U);
  std::size_t cells = 0;
  for (const auto& row : timeline.rows()) {
    cells += row.cells.cells().size();
    EXPECT_EQ(sum_cells(row.cells), (Sums{.hold_ticks = 120'000, .holds = 40'000}));
    EXPECT_GE(row.cells.cells().size(), 10U) << "as fine as there is room for";
  }
  EXPECT_LE(cells, 100U);
}

// A busy thread costs the others nothing: the longest row is coarsened.
TEST(Timeline, leaves_quiet_threads_exact) {
  Timeline timeline(0, TickLength{1}, {.cells = 64});
  timeline.begin_process();
  timeline.add({.kind = IntervalKind::Wait, .thread = kThread, .begin = 3, .end = 1'000});
  for (std::uint64_t at = 0; at < 10'000; at += 10) {
    timeline.add({.kind = IntervalKind::Hold, .thread = ThreadId{8}, .begin = at, .end = at + 1});
  }
  EXPECT_EQ(timeline.rows()[0].cells.bin_bits(), 0U);
  EXPECT_GT(timeline.rows()[1].cells.bin_bits(), 0U);
}

TEST(Timeline, begins_at_its_origin) {
  Timeline timeline(100, TickLength{1});
  timeline.begin_process();
  timeline.add({.kind = IntervalKind::Hold, .thread = kThread, .begin = 50, .end = 130});
  EXPECT_EQ(timeline.rows()[0].cells.cells()[0].bin, 0U);
  EXPECT_EQ(timeline.rows()[0].cells.cells()[0].hold_ticks, 30U);
}

}  // namespace
}  // namespace gilscope
