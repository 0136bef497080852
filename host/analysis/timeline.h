// When each thread held and awaited a GIL, and waited for its turn at a lock, in memory that is bounded
// whatever the number of events: what a page draws. Driven by intervals in the order of their ends; pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "analysis/gil_summary.h"
#include "analysis/interval.h"

namespace gilscope {

// One bin of a row, or several that are all wholly held, all wholly waited, or all wholly of a lock.
struct TimelineCell {
  std::uint64_t bin = 0;  // the first; a bin is 2^bin_bits ticks, and bin 0 begins at the timeline's origin
  std::uint64_t bins = 1;
  std::uint64_t hold_ticks = 0;
  std::uint64_t wait_ticks = 0;
  std::uint64_t lock_ticks = 0;  // that it waited for a lock, or stood in a stopped world
  std::uint32_t holds = 0;       // that ended here, as far as there is room, as these
  std::uint32_t waits = 0;
  std::uint32_t lock_waits = 0;
};

// The cells of one thread and GIL, in order of time. A bin is a tick at first: every interval is there as it
// was. coarsen() doubles the bin; sums stay what they were, to the tick.
class TimelineCells {
 public:
  // Ticks since the origin. What begins before the interval before it ended (of a damaged capture) is cut.
  void add(IntervalKind kind, std::uint64_t begin, std::uint64_t end);
  void coarsen();

  [[nodiscard]] unsigned bin_bits() const noexcept { return bin_bits_; }
  [[nodiscard]] const std::vector<TimelineCell>& cells() const noexcept { return cells_; }

 private:
  static std::uint64_t& ticks_of(TimelineCell& cell, IntervalKind kind) noexcept;
  void add_part(IntervalKind kind, std::uint64_t bin, std::uint64_t ticks);
  void add_bins(IntervalKind kind, std::uint64_t bin, std::uint64_t bins);

  unsigned bin_bits_ = 0;
  std::uint64_t end_ = 0;  // of the latest interval
  std::vector<TimelineCell> cells_;
};

// How long intervals were, in steps of 1, 2 and 5 nanoseconds, 10, 20 and 50, and so on. What is longer than
// the last limit, 83 minutes, is in the last bucket.
class DurationBuckets {
 public:
  static constexpr std::size_t kBuckets = 39;
  // Bucket i has what is at least limit(i) long, and shorter than limit(i + 1); the first one has the rest.
  [[nodiscard]] static Nanoseconds limit(std::size_t bucket) noexcept;

  explicit DurationBuckets(TickLength tick) noexcept;
  [[nodiscard]] std::size_t bucket_of(std::uint64_t ticks) const noexcept;

 private:
  std::array<std::uint64_t, kBuckets> limits_{};  // in ticks
  std::array<std::uint8_t, 65> first_{};          // the bucket of the least value of that many bits
};

struct DurationCount {
  std::uint64_t count = 0;
  std::uint64_t ticks = 0;
};
using DurationCounts = std::array<DurationCount, DurationBuckets::kBuckets>;

struct TimelineRow {
  std::size_t process = 0;  // as begin_process() counted them
  GilId gil{};
  ThreadId thread{};
  TimelineCells cells;
  DurationCounts holds{};
  DurationCounts waits{};
};

// What is beyond is left out, and counted; cells are not left out but coarsened, the longest row first.
struct TimelineBounds {
  std::size_t rows = 1'000;
  std::size_t cells = 160'000;
};

class Timeline {
 public:
  Timeline(std::uint64_t origin, TickLength tick, TimelineBounds bounds = {});

  // The intervals from here on are of the next process.
  void begin_process() {
    ++processes_;
    row_ids_.clear();
  }
  // Waits for work are idleness, and not kept.
  void add(const Interval& interval);

  [[nodiscard]] std::uint64_t origin() const noexcept { return origin_; }
  [[nodiscard]] std::uint64_t length() const noexcept { return length_; }  // ticks, to the last end
  [[nodiscard]] TickLength tick() const noexcept { return tick_; }
  // In the order in which their first intervals ended.
  [[nodiscard]] const std::vector<TimelineRow>& rows() const noexcept { return rows_; }
  [[nodiscard]] std::uint64_t rows_left_out() const noexcept { return left_out_; }

 private:
  static constexpr std::size_t kLeftOut = ~std::size_t{0};
  [[nodiscard]] std::size_t find_row(GilId gil, ThreadId thread);
  void coarsen_longest();

  std::uint64_t origin_;
  TickLength tick_;
  TimelineBounds bounds_;
  DurationBuckets buckets_;
  std::size_t processes_ = 0;
  std::uint64_t length_ = 0;
  std::unordered_map<std::uint64_t, std::size_t> row_ids_;  // of the process, by GIL and thread
  std::vector<TimelineRow> rows_;
  std::size_t cells_ = 0;  // of all rows
  std::uint64_t left_out_ = 0;
};

}  // namespace gilscope
