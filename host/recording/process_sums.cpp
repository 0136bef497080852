// Processes that have ended become a part of one, so that there may be any number of them, one after the
// other. By who folds the slots of the shared memory.
#include <algorithm>
#include <map>

#include "recording/blame_counters.h"

namespace gilscope {
namespace {

// Where the GIL of another table is in a sum: main interpreters' are one, all others another one.
GilId place_in_sum(const RowTable& part, GilId gil, const RowTable& sum) noexcept {
  const auto place = static_cast<std::uint32_t>(gil);
  if (place >= part.bounds().gils) return sum.ended_gils();
  const auto owner = part.gil(place).owner_plus_one.get();
  return owner == 1 || (owner == 0 && place == 0) ? GilId{0} : sum.ended_gils();
}

// The families that another process's threads belong to.
class Families {
 public:
  Families(const ProcessNote& of, ProcessNote& into) : of_(of), into_(into) {}

  ThreadId operator()(ThreadId thread) {
    if (thread == ThreadId{}) return thread;
    const auto [known, is_new] = known_.try_emplace(thread);
    if (is_new) {
      const auto* const note = of_.find_note(thread);
      known->second = into_.family_of_name(note == nullptr ? NoteName{} : note->name);
      into_.add_times(known->second, of_, thread);
    }
    return known->second;
  }

 private:
  const ProcessNote& of_;
  ProcessNote& into_;
  std::map<ThreadId, ThreadId> known_;
};

}  // namespace

// An open hold ends by nothing that its thread did: neither forced nor voluntary.
std::uint64_t BlameTables::end_all(std::span<const QuietFigures> quiet, std::uint64_t end) noexcept {
  RowTable& rows = machine_.table();
  for (std::uint32_t gil = 0; gil < rows.gils_end(); ++gil) end = std::max(end, rows.gil(gil).last.get());
  for (const QuietFigures& figures : quiet) {
    if (figures.hold != nullptr)
      end = std::max({end, figures.released, figures.held == 0 ? 0 : figures.held - 1});
  }
  const auto close = [end](Cell& begin_plus_one, Histogram& into, ThreadRow& row) {
    into.record(end + 1 - begin_plus_one.get());
    begin_plus_one.set(0);
    row.last.set(std::max(row.last.get(), end));
  };
  const auto end_hold = [&](ThreadRow& row, std::optional<std::uint32_t> from) {
    const Interval hold{.gil = gil_of(row.key.get()),
                        .thread = thread_of(row.key.get()),
                        .begin = row.held.get() - 1,
                        .end = end};
    if (queue_->takes_every_hold.get() != 0 || spans_->is_awaited(hold.gil)) {
      spans_->end_hold(hold, {.from = from, .to = spans_->seen_holder(hold.gil)});
    }
    row.cut.add(1);
    close(row.held, row.hold, row);
  };
  for (ThreadRow& row : rows.rows()) {
    if (row.key.get() == 0) continue;
    const auto index = rows.index_of(row);
    const bool is_told = index < quiet.size() && quiet[index].hold != nullptr;
    const auto held = is_told ? quiet[index].held : row.held.get();
    const bool is_noted = held == row.held.get();
    row.held.set(held);
    if (held != 0) end_hold(row, is_noted ? spans_->begin_of_hold(rows, row) : std::nullopt);
    quiet_[index].held.set(0);
    if (row.waiting.get() != 0) close(row.waiting, row.wait, row);
  }
  for (std::uint32_t gil = 0; gil < rows.gils_end(); ++gil) {
    ThreadRow& shared = rows.shared_row(gil);
    if (shared.held.get() != 0) end_hold(shared, {});
    for (Stranger& stranger : rows.gil(gil).strangers) {
      if (stranger.waiting.get() != 0) close(stranger.waiting, shared.wait, shared);
    }
    shared.waiting.set(0);
    if (gil < SpanTable::kGils) spans_->end_waits(GilId{gil}, end);
  }
  return end;
}

void BlameTables::add(const BlameTables& part, const ProcessNote& part_names, ProcessNote& names) {
  RowTable& sums = machine_.table();
  const RowTable& parts = part.table();
  Families family_of(part_names, names);
  StackStore::Adoption stacks(*stacks_, *part.stacks_);
  const auto rename = [&](std::uint64_t key) {
    return row_key(place_in_sum(parts, gil_of(key), sums), family_of(thread_of(key)));
  };
  const auto renumber = [&](std::uint64_t number_plus_one) -> std::uint64_t {
    if (number_plus_one == 0) return 0;
    const auto number = stacks.number_of(static_cast<std::uint32_t>(number_plus_one - 1));
    return number ? std::uint64_t{*number} + 1 : 0;
  };

  queue_->gils_placed.set(1);
  sums.gil(0).id_plus_one.set(1);
  sums.gil(0).owner_plus_one.set(1);
  for (std::uint32_t gil = 0; gil < parts.gils_end(); ++gil) {
    if (parts.gil(gil).seen.get() == 0) continue;
    const GilId place = place_in_sum(parts, GilId{gil}, sums);
    sums.add_gil(place, parts.gil(gil));
    const ThreadRow& shared = parts.shared_row(gil);
    if (gil >= SpanTable::kGils) continue;
    ThreadRow& merged = sums.shared_row(static_cast<std::uint32_t>(place));
    if (shared.key.get() != 0) {
      add(merged, shared, QuietHolds{});
      merged.key.set(row_key(place, ThreadId{}));
    }
    if (place == GilId{0}) spans_->take_interval(place, *part.spans_, GilId{gil});
  }
  for (const ThreadRow& row : parts.rows()) {
    if (row.key.get() == 0) continue;
    const auto key = rename(row.key.get());
    ThreadRow* const sum = sums.find_or_add(gil_of(key), thread_of(key), row.first.get());
    if (sum == nullptr) continue;  // there is room for all families
    const auto index = parts.index_of(row);
    sum->folded.add(row.folded.get() == 0 ? 1 : row.folded.get());
    add(*sum, row, part.quiet_[index]);
    SpanTable::Standings& standings = spans_->standings_at(sums.index_of(*sum));
    for (const auto& lament : part.spans_->standings_at(index).laments) {
      const auto stack = renumber(lament.stack_plus_one.get());
      if (lament.ticks.get() != 0 && stack != 0)
        standings.add_wait(lament.ticks.get(), static_cast<std::uint32_t>(stack - 1));
    }
  }
  for (const auto& pair : parts.handoffs()) {
    if (pair.from.get() == 0) continue;
    sums.add_handoffs(rename(pair.from.get()), rename(pair.to.get()), pair.count.get());
  }
  spans_->add(*part.spans_, rename, renumber);
  sums.count_lost(parts.lost());
}

}  // namespace gilscope
