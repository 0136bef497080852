#include "analysis/timeline.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace gilscope {
namespace {

// No bin is longer: shifts stay defined, and captures have no ticks beyond.
constexpr unsigned kMaxBinBits = 62;
constexpr double kNever = 0x1p62;

std::uint64_t before(std::uint64_t from, std::uint64_t ticks) { return ticks > from ? ticks - from : 0; }

std::uint32_t add_bounded(std::uint32_t count, std::uint32_t more) {
  const auto sum = std::uint64_t{count} + more;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(sum, std::numeric_limits<std::uint32_t>::max()));
}

void count(TimelineCell& cell, IntervalKind kind) {
  auto& of_gil = kind == IntervalKind::Hold ? cell.holds : cell.waits;
  auto& number = is_of_lock(kind) ? cell.lock_waits : of_gil;
  number = add_bounded(number, 1);
}

}  // namespace

std::uint64_t& TimelineCells::ticks_of(TimelineCell& cell, IntervalKind kind) noexcept {
  if (is_of_lock(kind)) return cell.lock_ticks;
  return kind == IntervalKind::Hold ? cell.hold_ticks : cell.wait_ticks;
}

void TimelineCells::add_part(IntervalKind kind, std::uint64_t bin, std::uint64_t ticks) {
  if (cells_.empty() || cells_.back().bin + cells_.back().bins <= bin) cells_.push_back({.bin = bin});
  ticks_of(cells_.back(), kind) += ticks;
}

void TimelineCells::add_bins(IntervalKind kind, std::uint64_t bin, std::uint64_t bins) {
  if (bins == 0) return;
  cells_.push_back({.bin = bin, .bins = bins});
  ticks_of(cells_.back(), kind) = bins << bin_bits_;
}

void TimelineCells::add(IntervalKind kind, std::uint64_t begin, std::uint64_t end) {
  begin = std::max(begin, end_);
  end = std::max(begin, end);
  end_ = end;
  // The bins that it fills, and what it has of those at its ends.
  const std::uint64_t size = std::uint64_t{1} << bin_bits_;
  std::uint64_t first = begin >> bin_bits_;
  const std::uint64_t after = end >> bin_bits_;
  // (A bin may have had an interval of no length already.)
  const bool is_begun = !cells_.empty() && cells_.back().bin + cells_.back().bins > first;
  if (first == after || is_begun || (begin & (size - 1)) != 0) {
    const auto until = std::min(end, (first + 1) << bin_bits_);
    add_part(kind, first, until - begin);
    ++first;
  }
  if (first < after) add_bins(kind, first, after - first);
  if (first <= after && (end & (size - 1)) != 0) add_part(kind, after, end & (size - 1));
  count(cells_.back(), kind);
}

void TimelineCells::coarsen() {
  if (bin_bits_ == kMaxBinBits) return;
  const std::uint64_t half = std::uint64_t{1} << bin_bits_;
  const auto cells = std::exchange(cells_, {});
  cells_.reserve(cells.size());
  ++bin_bits_;
  for (const auto& cell : cells) {
    if (cell.bins == 1) {
      add_part(IntervalKind::Hold, cell.bin / 2, cell.hold_ticks);
      add_part(IntervalKind::Wait, cell.bin / 2, cell.wait_ticks);
      add_part(IntervalKind::LockWait, cell.bin / 2, cell.lock_ticks);
    } else {
      const auto waited = cell.wait_ticks > 0 ? IntervalKind::Wait : IntervalKind::LockWait;
      const auto kind = cell.hold_ticks > 0 ? IntervalKind::Hold : waited;
      const auto end = cell.bin + cell.bins;
      if (cell.bin % 2 == 1) add_part(kind, cell.bin / 2, half);
      add_bins(kind, (cell.bin + 1) / 2, end / 2 - (cell.bin + 1) / 2);
      if (end % 2 == 1) add_part(kind, end / 2, half);
    }
    cells_.back().holds = add_bounded(cells_.back().holds, cell.holds);
    cells_.back().waits = add_bounded(cells_.back().waits, cell.waits);
    cells_.back().lock_waits = add_bounded(cells_.back().lock_waits, cell.lock_waits);
  }
}

Nanoseconds DurationBuckets::limit(std::size_t bucket) noexcept {
  constexpr std::array<Nanoseconds::rep, 3> kSteps{1, 2, 5};
  Nanoseconds::rep limit = kSteps[bucket % 3];
  for (std::size_t i = 0; i < bucket / 3; ++i) limit *= 10;
  return Nanoseconds(limit);
}

DurationBuckets::DurationBuckets(TickLength tick) noexcept {
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    const auto ticks = std::ceil(static_cast<double>(limit(bucket).count()) / tick.ns);
    limits_[bucket] =
        ticks >= 0 && ticks < kNever ? static_cast<std::uint64_t>(ticks) : std::uint64_t{1} << kMaxBinBits;
  }
  limits_[0] = 0;
  for (std::size_t bits = 0; bits < first_.size(); ++bits) {
    const std::uint64_t least = bits == 0 ? 0 : std::uint64_t{1} << (bits - 1);
    std::size_t bucket = 0;
    while (bucket + 1 < kBuckets && limits_[bucket + 1] <= least) ++bucket;
    first_[bits] = static_cast<std::uint8_t>(bucket);
  }
}

std::size_t DurationBuckets::bucket_of(std::uint64_t ticks) const noexcept {
  std::size_t bucket = first_[static_cast<std::size_t>(std::bit_width(ticks))];
  while (bucket + 1 < kBuckets && limits_[bucket + 1] <= ticks) ++bucket;
  return bucket;
}

Timeline::Timeline(std::uint64_t origin, TickLength tick, TimelineBounds bounds)
    : origin_(origin), tick_(tick), bounds_(bounds), buckets_(tick) {}

std::size_t Timeline::find_row(GilId gil, ThreadId thread) {
  const auto key =
      (std::uint64_t{static_cast<std::uint32_t>(gil)} << 32U) | static_cast<std::uint32_t>(thread);
  const auto [place, is_new] = row_ids_.try_emplace(key, rows_.size());
  if (is_new && rows_.size() == bounds_.rows) {
    place->second = kLeftOut;
    ++left_out_;
  } else if (is_new) {
    rows_.push_back({.process = processes_ - 1, .gil = gil, .thread = thread});
  }
  return place->second;
}

void Timeline::coarsen_longest() {
  auto& longest =
      *std::ranges::max_element(rows_, {}, [](const TimelineRow& row) { return row.cells.cells().size(); });
  cells_ -= longest.cells.cells().size();
  longest.cells.coarsen();
  cells_ += longest.cells.cells().size();
}

void Timeline::add(const Interval& interval) {
  if (interval.kind == IntervalKind::WorkWait) return;
  const auto begin = before(origin_, interval.begin);
  const auto end = std::max(begin, before(origin_, interval.end));
  length_ = std::max(length_, end);
  const auto id = find_row(interval.gil, interval.thread);
  if (id == kLeftOut) return;
  TimelineRow& row = rows_[id];
  if (!is_of_lock(interval.kind)) {
    auto& counts = interval.kind == IntervalKind::Hold ? row.holds : row.waits;
    auto& bucket = counts[buckets_.bucket_of(end - begin)];
    ++bucket.count;
    bucket.ticks += end - begin;
  }
  const auto cells = row.cells.cells().size();
  row.cells.add(interval.kind, begin, end);
  cells_ += row.cells.cells().size() - cells;
  // A row that is coarsened often enough has one cell, and no less.
  while (cells_ > std::max(bounds_.cells, rows_.size())) coarsen_longest();
}

}  // namespace gilscope
