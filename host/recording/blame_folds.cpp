// Folding: rows, spans and hand-offs of threads that have ended become those of their family, so that a
// process may have any number of threads, one after the other. By who has the queue's lock; system calls
// only.
#include <algorithm>
#include <bitset>

#include "recording/blame_counters.h"

namespace gilscope {

// Whether all is in the table that the row's thread did, which has ended.
bool BlameTables::is_done(const ThreadRow& row) const noexcept {
  return row.held.get() == 0 && row.waiting.get() == 0 && quiet_[table().index_of(row)].is_at_rest();
}

bool BlameTables::choose(ProcessNote& names, bool (*has_ended)(ThreadId)) noexcept {
  bool is_any = false;
  for (ThreadRow& row : machine_.table().rows()) {
    row.family.set(0);
    const auto key = row.key.get();
    const ThreadId thread = thread_of(key);
    if (key == 0 || is_family(thread) || !has_ended(thread) || !is_done(row)) continue;
    row.family.set(static_cast<std::uint32_t>(names.family_of(thread)));
    is_any = true;
  }
  return is_any;
}

void BlameTables::add(ThreadRow& sum, const ThreadRow& row) noexcept {
  const std::size_t index = table().index_of(row);
  const QuietHolds& quiet = quiet_[index];
  const auto last = std::max({row.first.get(), row.last.get(), quiet.released.get()});
  const bool is_first = sum.folded.get() == 0;
  sum.folded.add(row.folded.get() == 0 ? 1 : row.folded.get());
  sum.lifetime.add(row.folded.get() == 0 ? last - row.first.get() : row.lifetime.get());
  sum.first.set(is_first ? row.first.get() : std::min(sum.first.get(), row.first.get()));
  sum.last.set(std::max(sum.last.get(), last));
  sum.forced.add(row.forced.get());
  sum.cut.add(row.cut.get());
  sum.hold.merge(row.hold);
  sum.hold.merge(quiet.holds);
  sum.wait.merge(row.wait);
  spans_->standings_at(table().index_of(sum)).add(spans_->standings_at(index));
}

void BlameTables::clear(ThreadRow& row) noexcept {
  const std::size_t index = table().index_of(row);
  quiet_[index].clear();
  spans_->standings_at(index) = {};
  row.hold.clear();
  row.wait.clear();
  for (Cell* const cell : {&row.forced, &row.cut, &row.last, &row.folded, &row.lifetime}) cell->set(0);
}

// Of threads that have ended and have no row any more.
void BlameTables::forget_names(ProcessNote& names, bool (*has_ended)(ThreadId)) const noexcept {
  std::bitset<4096> may_be_there;
  const auto bit_of = [&](ThreadId thread) {
    return static_cast<std::uint32_t>(thread) % may_be_there.size();
  };
  for (const ThreadRow& row : table().rows()) {
    if (row.key.get() != 0) may_be_there.set(bit_of(thread_of(row.key.get())));
  }
  const auto is_there = [&](ThreadId thread) {
    return may_be_there.test(bit_of(thread)) &&
           std::ranges::any_of(table().rows(), [&](const ThreadRow& row) {
             return row.key.get() != 0 && thread_of(row.key.get()) == thread;
           });
  };
  for (const ThreadNote& note : names.thread_notes()) {
    const ThreadId thread{static_cast<std::uint32_t>(note.thread.get())};
    if (thread == ThreadId{} || is_there(thread) || !has_ended(thread)) continue;
    names.forget(thread, names.family_of(thread));
  }
}

void BlameTables::fold(ProcessNote& names, bool (*has_ended)(ThreadId)) noexcept {
  RowTable& rows = machine_.table();
  if (choose(names, has_ended)) {
    const auto rename = [&](std::uint64_t key) {
      const ThreadRow* const row = rows.find(key);
      return row == nullptr || row->family.get() == 0
                 ? key
                 : row_key(gil_of(key), ThreadId{static_cast<std::uint32_t>(row->family.get())});
    };
    // Each of the three for itself is as before or as after, whenever the process is killed.
    rows.rename_handoffs(rename);
    spans_->rename(rename);
    for (const ThreadRow& row : rows.rows()) {
      const auto key = row.key.get();
      if (key == 0 || row.family.get() == 0) continue;
      rows.fold(
          gil_of(key), ThreadId{static_cast<std::uint32_t>(row.family.get())},
          [this](ThreadRow& sum, const ThreadRow& part) { add(sum, part); },
          [this](ThreadRow& part) { clear(part); });
    }
  }
  forget_names(names, has_ended);
  // Once so many more have come that it is worth to look for those that have ended; or few, where their spans
  // leave no place for others.
  const auto left = table().rows_in_use();
  const bool is_full = spans_->spans_used() > SpanTable::kRows / 2;
  queue_->rows_to_fold.set(std::min<std::uint64_t>(
      std::max(EventQueue::kFewRows, is_full ? left + EventQueue::kFewRows / 4 : 2 * left),
      table().bounds().rows));
}

void BlameTables::finish_fold() noexcept {
  machine_.table().finish_fold([this](ThreadRow& part) { clear(part); });
}

}  // namespace gilscope
