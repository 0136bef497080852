// All memory of the state machine: a bounded number of GILs and rows in one lazily touched mapping, and the
// table that finds the row of a thread and a GIL. Threads add rows at once, each those of GILs whose mutex it
// holds; the rest is one thread's at a time. Nothing is ever locked or given back.
#pragma once

#include <algorithm>
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
  [[nodiscard]] GilState& gil(std::uint32_t index) const noexcept { return gils_[index]; }

  // GILs that had an event are among those below this id.
  [[nodiscard]] std::uint32_t gils_end() const noexcept {
    return static_cast<std::uint32_t>(header_->gils_end.read());
  }
  void note_gil(GilId gil) noexcept;

  // The row of the thread, made where there is none; null once there is none to make. By that thread under
  // the GIL's mutex, or after it has done so.
  ThreadRow* find_or_add(GilId gil, ThreadId thread, std::uint64_t ticks) noexcept;

  // The row of all threads that have none.
  [[nodiscard]] ThreadRow& shared_row(std::uint32_t gil) const noexcept { return rows_[bounds_.rows + gil]; }
  // Shared ones come after all others.
  [[nodiscard]] std::size_t index_of(const ThreadRow& row) const noexcept {
    return static_cast<std::size_t>(&row - rows_);
  }
  [[nodiscard]] bool is_shared(const ThreadRow& row) const noexcept { return &row >= rows_ + bounds_.rows; }

  // Rows in the order in which they were made; one whose key is 0 is just being made.
  [[nodiscard]] std::span<const ThreadRow> rows() const noexcept {
    return {rows_, static_cast<std::size_t>(std::min<std::uint64_t>(header_->rows.read(), bounds_.rows))};
  }

  // A hand-off from one row of a GIL to another; counted by the two where a place is left for them.
  void count_handoff(const ThreadRow& from, const ThreadRow& to) noexcept;
  struct HandoffCount {
    Cell rows;  // which two, by index, each plus 1: (from, to); 0 where nobody counts here
    Cell count;
  };
  // Empty where none was counted: whoever reads another process's memory touches as little of it as there is.
  [[nodiscard]] std::span<const HandoffCount> handoffs() const noexcept {
    return {handoffs_, header_->handoffs.read() != 0 ? kHandoffs : 0};
  }
  // By index + 1; null for 0, and for nonsense in another process's memory.
  [[nodiscard]] ThreadRow* row_at(std::uint64_t index_plus_one) const noexcept {
    const std::uint64_t index = index_plus_one - 1;
    return index < std::uint64_t{bounds_.rows} + bounds_.gils ? &rows_[index] : nullptr;
  }
  // Of the thread that holds the GIL or held it last; null where nobody is known.
  [[nodiscard]] ThreadRow* row_of(const GilState& gil) const noexcept { return row_at(gil.row_plus_one); }

  // Events of GILs beyond the bound. These come at once: written by atomic addition.
  void count_lost() noexcept { std::atomic_ref(header_->lost.raw).fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t lost() const noexcept { return header_->lost.read(); }

 private:
  struct alignas(64) Header {
    Cell rows;  // that were made, or asked for at the same time when none was left
    Cell gils_end;
    Cell lost;
    Cell handoffs;  // that were counted
  };
  static constexpr std::size_t kHandoffs = 4096;  // a power of two

  struct Slot {
    std::uint64_t key;           // as the row's; 0 where the slot is free
    std::uint64_t row_plus_one;  // 0: there was none left
  };

  Bounds bounds_;
  std::uint64_t slots_count_;  // a power of two
  std::optional<ZeroedMemory> memory_;
  Header* header_;
  Slot* slots_;
  HandoffCount* handoffs_;
  GilState* gils_;
  ThreadRow* rows_;
};

}  // namespace gilscope
