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
    row.into.set(0);
    const auto key = row.key.get();
    const ThreadId thread = thread_of(key);
    if (key == 0 || is_family(thread) || !has_ended(thread) || !is_done(row)) continue;
    row.into.set(row_key(gil_of(key), names.family_of(thread)));
    is_any = true;
  }
  return is_any;
}

// Of GILs whose interpreters have ended all that have nothing in the queue any more.
bool BlameTables::choose_gils() noexcept {
  RowTable& rows = machine_.table();
  std::uint64_t chosen = 0;
  const auto end = std::min(rows.gils_end(), rows.bounds().gils);
  for (std::uint32_t place = 0; place < end; ++place) {
    GilState& gil = rows.gil(place);
    const auto ended = gil.end_plus_one.get();
    const bool is_over = ended != 0 && static_cast<std::uint32_t>(queue_->next.at(place).get()) ==
                                           static_cast<std::uint32_t>(ended - 1);
    // What merged rows that they have, another time: there is no place left for rows.
    const bool is_whole = is_over && rows.shared_row(place).key.get() == 0;
    gil.folds.set(is_whole ? rows.next_ended() : 0);
    chosen += is_whole ? 1 : 0;
    // Whoever seems to hold it gave it up quietly.
    if (is_whole) machine_.end_unseen(GilId{place});
  }
  if (chosen < EventQueue::kFewGils && chosen < rows.bounds().gils / 2) chosen = 0;
  for (ThreadRow& row : rows.rows()) {
    row.into.set(0);
    if (row.key.get() == 0 || gil_of(row.key.get()) == rows.ended_gils()) continue;
    GilState& gil = rows.gil(static_cast<std::uint32_t>(gil_of(row.key.get())));
    if (gil.folds.get() != 0 && !is_done(row)) gil.folds.set(0);
  }
  for (std::uint32_t place = 0; place < end; ++place) {
    if (chosen == 0) rows.gil(place).folds.set(0);
  }
  for (ThreadRow& row : rows.rows()) {
    const auto key = row.key.get();
    if (key == 0 || rows.gil(static_cast<std::uint32_t>(gil_of(key))).folds.get() == 0) continue;
    row.into.set(row_key(rows.ended_gils(), thread_of(key)));
  }
  return chosen != 0;
}

void BlameTables::add(ThreadRow& sum, const ThreadRow& row) noexcept {
  const std::size_t index = table().index_of(row);
  if (is_family(thread_of(row.into.get()))) sum.folded.add(row.folded.get() == 0 ? 1 : row.folded.get());
  add(sum, row, quiet_[index]);
  spans_->standings_at(table().index_of(sum)).add(spans_->standings_at(index));
}

void BlameTables::add(ThreadRow& sum, const ThreadRow& row, const QuietHolds& quiet) noexcept {
  const auto last = std::max({row.first.get(), row.last.get(), quiet.released.get()});
  const bool is_first = sum.first.get() == 0;
  sum.lifetime.add(row.lifetime.get() == 0 ? last - row.first.get() : row.lifetime.get());
  sum.first.set(is_first ? row.first.get() : std::min(sum.first.get(), row.first.get()));
  sum.last.set(std::max(sum.last.get(), last));
  sum.forced.add(row.forced.get());
  sum.cut.add(row.cut.get());
  sum.hold.merge(row.hold);
  sum.hold.merge(quiet.holds);
  sum.wait.merge(row.wait);
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

// Rows that have a key in `into`.
void BlameTables::fold_chosen() noexcept {
  RowTable& rows = machine_.table();
  const auto rename = [&](std::uint64_t key) {
    const ThreadRow* const row = rows.find(key);
    if (row != nullptr && row->into.get() != 0) return row->into.get();
    const auto gil = static_cast<std::uint32_t>(gil_of(key));
    const bool is_ended = gil < rows.bounds().gils && rows.gil(gil).folds.get() != 0;
    return is_ended ? row_key(rows.ended_gils(), thread_of(key)) : key;
  };
  // Each of the three for itself is as before or as after, whenever the process is killed.
  rows.rename_handoffs(rename);
  spans_->rename(rename);
  for (const ThreadRow& row : rows.rows()) {
    if (row.key.get() == 0 || row.into.get() == 0) continue;
    rows.fold(
        row.into.get(), [this](ThreadRow& sum, const ThreadRow& part) { add(sum, part); },
        [this](ThreadRow& part) { clear(part); });
  }
}

void BlameTables::fold(ProcessNote& names, bool (*has_ended)(ThreadId)) noexcept {
  if (choose(names, has_ended)) fold_chosen();
  forget_names(names, has_ended);
  // Once so many more have come that it is worth to look for those that have ended; or few, where their spans
  // leave no place for others.
  const auto left = table().rows_in_use();
  const bool is_full = spans_->spans_used() > SpanTable::kRows / 2;
  queue_->rows_to_fold.set(std::min<std::uint64_t>(
      std::max(EventQueue::kFewRows, is_full ? left + EventQueue::kFewRows / 4 : 2 * left),
      table().bounds().rows));
}

void BlameTables::fold_gils() noexcept {
  if (!choose_gils()) return;
  fold_chosen();
  machine_.table().fold_gils([this](std::uint32_t place) { clear_place(place); });
}

// Of a GIL that is a part of the ended ones.
void BlameTables::clear_place(std::uint32_t place) noexcept {
  queue_->next.at(place).set(0);
  spans_->clear_waiters(place);
}

void BlameTables::finish_fold() noexcept {
  machine_.table().finish_fold([this](ThreadRow& part) { clear(part); });
  machine_.table().finish_fold_of_gils([this](std::uint32_t place) { clear_place(place); });
}

}  // namespace gilscope
