// All memory of the state machine: a bounded number of GILs and rows in one lazily touched mapping, and the
// table that finds the row of a thread and a GIL. One thread at a time; but events are counted as lost by
// any.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "analysis/gil_state.h"

namespace gilscope {

struct Bounds {
  std::uint32_t rows = 4096;  // of a thread and a GIL; what comes later shares one row a GIL
  std::uint32_t gils = 1024;  // events of those with a higher id are lost, and counted
};

// Pages of zeros from the system, of which only those that were written to take memory. Throws
// std::bad_alloc.
class ZeroedMemory {
 public:
  explicit ZeroedMemory(std::size_t size);
  ~ZeroedMemory();
  ZeroedMemory(const ZeroedMemory&) = delete;
  ZeroedMemory& operator=(const ZeroedMemory&) = delete;
  ZeroedMemory(ZeroedMemory&&) = delete;
  ZeroedMemory& operator=(ZeroedMemory&&) = delete;

  void clear() noexcept;
  [[nodiscard]] std::byte* data() const noexcept { return data_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_;
};

// With the default bounds 297 MiB of addresses; of memory 1.2 KiB for each GIL, and for each row as many of
// its 15 pages 15 pages as the octaves of its values need (3 to 8).
class RowTable {
 public:
  // In `memory`: size_of(bounds) bytes of zeros, or what another RowTable of these bounds left there, which
  // outlive this one. nullptr: in memory of its own; throws std::bad_alloc.
  explicit RowTable(Bounds bounds, std::byte* memory = nullptr);

  [[nodiscard]] static std::size_t size_of(const Bounds& bounds) noexcept;

  [[nodiscard]] const Bounds& bounds() const noexcept { return bounds_; }
  [[nodiscard]] GilState& gil(std::uint32_t index) const noexcept {
    return gils_[index == bounds_.gils ? index + header_->ended_side.read() % 2 : index];
  }
  // The one place beyond the bound is that of the GILs whose interpreters have ended, as one.
  [[nodiscard]] GilId ended_gils() const noexcept { return GilId{bounds_.gils}; }
  // What the GIL of a place is known as.
  [[nodiscard]] GilId id_of(GilId place) const noexcept {
    if (place == ended_gils()) return kEndedGils;
    const auto index = static_cast<std::uint32_t>(place);
    const auto id = index < bounds_.gils ? gils_[index].id_plus_one.read() : 0;
    return id == 0 ? place : GilId{static_cast<std::uint32_t>(id - 1)};
  }
  // Of GILs whose `folds` is next_ended(), whose rows are those of ended_gils() by now. `clear` is called
  // with the places that are free then. As with fold(): before or after.
  template <typename Clear>
  void fold_gils(Clear clear) noexcept;
  template <typename Clear>
  void finish_fold_of_gils(Clear clear) noexcept;
  // What another table has of a GIL becomes a part of what is known of this one.
  void add_gil(GilId gil, const GilState& more) noexcept;
  [[nodiscard]] std::uint64_t next_ended() const noexcept { return 2 - header_->ended_side.get() % 2; }

  // GILs that had an event are among those below this id.
  [[nodiscard]] std::uint32_t gils_end() const noexcept {
    return static_cast<std::uint32_t>(header_->gils_end.read());
  }
  void note_gil(GilId gil) noexcept;

  // The row of the thread; null where it has none.
  [[nodiscard]] ThreadRow* find(std::uint64_t key) const noexcept;
  // Made where there is none; null once there is none to make.
  ThreadRow* find_or_add(GilId gil, ThreadId thread, std::uint64_t ticks) noexcept;

  // The row of all threads that have none.
  [[nodiscard]] ThreadRow& shared_row(std::uint32_t gil) const noexcept { return rows_[places() + gil]; }
  // Shared ones come after all others.
  [[nodiscard]] std::size_t index_of(const ThreadRow& row) const noexcept {
    return static_cast<std::size_t>(&row - rows_);
  }
  [[nodiscard]] bool is_shared(const ThreadRow& row) const noexcept { return &row >= rows_ + places(); }

  // One more than there may be rows at a time: where a fold builds its sum.
  [[nodiscard]] static constexpr std::size_t places_of(const Bounds& bounds) noexcept {
    return std::size_t{bounds.rows} + 1;
  }
  // Rows in the order in which their places were first taken; one whose key is 0 is free.
  [[nodiscard]] std::span<const ThreadRow> rows() const noexcept { return all_rows(); }
  [[nodiscard]] std::span<ThreadRow> rows() noexcept { return all_rows(); }
  [[nodiscard]] std::uint64_t rows_in_use() const noexcept { return header_->rows_in_use.get(); }

  // Folding: rows become one row, that of `key`. Those that do have it in `into`; if there is a row of that
  // key already, it is one of them. `add` is called with the sum, which is zeros at first, and with each of
  // them; `clear` with each of them when the sum stands for them. Whenever the process is killed,
  // finish_fold() leaves the rows as they were before, or as they are after.
  template <typename Add, typename Clear>
  void fold(std::uint64_t key, Add add, Clear clear) noexcept;
  template <typename Clear>
  void finish_fold(Clear clear) noexcept;

  // A hand-off from one row of a GIL to another; counted by the two where a place is left for them.
  void count_handoff(const ThreadRow& from, const ThreadRow& to) noexcept {
    add_handoffs(from.key.get(), to.key.get(), 1);
  }
  void add_handoffs(std::uint64_t from, std::uint64_t to, std::uint64_t count) noexcept;
  struct HandoffCount {
    Cell from;  // the rows' keys; 0 where nobody counts here
    Cell to;
    Cell count;
  };
  // Empty where none was counted: whoever reads another process's memory touches as little of it as there is.
  [[nodiscard]] std::span<const HandoffCount> handoffs() const noexcept {
    return {handoffs_.at(header_->handoffs_side.read() % 2), header_->handoffs.read() != 0 ? kHandoffs : 0};
  }
  // `rename` is called with the keys that hand-offs are counted by, and returns those that they go by now.
  template <typename Rename>
  void rename_handoffs(Rename rename) noexcept;

  // By index + 1; null for 0, and for nonsense in another process's memory.
  [[nodiscard]] ThreadRow* row_at(std::uint64_t index_plus_one) const noexcept {
    const std::uint64_t index = index_plus_one - 1;
    return index < places() + bounds_.gils + 1 ? &rows_[index] : nullptr;
  }
  // Of the thread that holds the GIL or held it last; null where nobody is known.
  [[nodiscard]] ThreadRow* row_of(const GilState& gil) const noexcept { return row_at(gil.row_plus_one); }

  // Events of GILs beyond the bound. These come at once: written by atomic addition.
  void count_lost(std::uint64_t events = 1) noexcept {
    std::atomic_ref(header_->lost.raw).fetch_add(events, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t lost() const noexcept { return header_->lost.read(); }

 private:
  struct alignas(64) Header {
    Cell rows;  // places that were ever taken
    Cell rows_in_use;
    Cell free;  // index + 1 of one that was given back
    Cell gils_end;
    Cell lost;
    Cell handoffs;       // that were counted
    Cell handoffs_side;  // 0 or 1: which of the two tables it is
    Cell sum;            // of a fold: index + 1, from when it stands for the others until they are free
    Cell sum_key;
    Cell ended_side;  // 0 or 1: which of the two is the GILs that have ended
  };
  static constexpr std::size_t kHandoffs = 4096;  // a power of two

  struct Slot {
    std::uint64_t key;  // as the row's; 0 where the slot is free
    std::uint64_t row_plus_one;
  };

  [[nodiscard]] std::size_t places() const noexcept { return places_of(bounds_); }
  [[nodiscard]] std::span<ThreadRow> all_rows() const noexcept {
    return {rows_, static_cast<std::size_t>(std::min<std::uint64_t>(header_->rows.read(), places()))};
  }
  [[nodiscard]] Slot* slot_of(std::uint64_t key) const noexcept;
  [[nodiscard]] ThreadRow* take_place() noexcept;
  void put_into_index(ThreadRow& row) noexcept;
  void take_from_index(std::uint64_t key) noexcept;
  void give_back(ThreadRow& row, const ThreadRow& sum) noexcept;
  static void add_gil(GilState& sum, const GilState& more) noexcept;
  static void clear_gil(GilState& gil) noexcept;
  static void add_to(std::span<HandoffCount> handoffs, const HandoffCount& more) noexcept;

  Bounds bounds_;
  std::uint64_t slots_count_;  // a power of two
  std::optional<ZeroedMemory> memory_;
  Header* header_;
  Slot* slots_;
  std::array<HandoffCount*, 2> handoffs_{};
  GilState* gils_;
  ThreadRow* rows_;
};

template <typename Clear>
void RowTable::fold_gils(Clear clear) noexcept {
  const auto side = header_->ended_side.get() % 2;
  GilState& sum = gils_[bounds_.gils + 1 - side];
  clear_gil(sum);
  if (gil(bounds_.gils).seen.get() != 0) add_gil(sum, gil(bounds_.gils));
  for (std::uint32_t index = 0; index < gils_end(); ++index) {
    if (gils_[index].folds.get() == next_ended()) add_gil(sum, gils_[index]);
  }
  note_gil(ended_gils());
  header_->ended_side.set(1 - side);  // from here on the sum stands for them
  finish_fold_of_gils(clear);
}

template <typename Clear>
void RowTable::finish_fold_of_gils(Clear clear) noexcept {
  for (std::uint32_t index = 0; index < std::min(gils_end(), bounds_.gils); ++index) {
    if (gils_[index].folds.get() != header_->ended_side.get() % 2 + 1) continue;
    clear(index);
    clear_gil(gils_[index]);
  }
}

template <typename Add, typename Clear>
void RowTable::fold(std::uint64_t key, Add add, Clear clear) noexcept {
  if (ThreadRow* const earlier = find(key)) earlier->into.set(key);
  ThreadRow* const sum = take_place();
  if (sum == nullptr) return;
  for (ThreadRow& row : all_rows()) {
    if (row.key.get() != 0 && row.into.get() == key) add(*sum, row);
  }
  header_->sum_key.set(key);
  header_->sum.set(index_of(*sum) + 1);  // from here on it stands for them
  finish_fold(clear);
}

template <typename Clear>
void RowTable::finish_fold(Clear clear) noexcept {
  ThreadRow* const sum = row_at(header_->sum.get());
  if (sum == nullptr || is_shared(*sum)) return;
  const auto key = header_->sum_key.get();
  for (ThreadRow& row : all_rows()) {
    if (&row == sum || row.key.get() == 0 || row.into.get() != key) continue;
    clear(row);
    give_back(row, *sum);
  }
  sum->key.set(key);
  put_into_index(*sum);
  header_->rows_in_use.add(1);
  header_->sum.set(0);
}

// Into the other table, which then becomes the one: whoever is killed meanwhile leaves one of the two.
template <typename Rename>
void RowTable::rename_handoffs(Rename rename) noexcept {
  if (header_->handoffs.get() == 0) return;
  const auto side = header_->handoffs_side.get() % 2;
  const std::span<HandoffCount> renamed(handoffs_.at(1 - side), kHandoffs);
  std::ranges::fill(renamed, HandoffCount{});
  for (const HandoffCount& place : handoffs()) {
    if (place.from.get() == 0) continue;
    add_to(renamed, {{rename(place.from.get())}, {rename(place.to.get())}, place.count});
  }
  header_->handoffs_side.set(1 - side);
}

}  // namespace gilscope
