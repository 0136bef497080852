#include "analysis/row_table.h"

#include <algorithm>
#include <bit>
#include <new>
#include <sys/mman.h>
#include <type_traits>

namespace gilscope {
namespace {

// At most half of the slots are ever taken. What follows on them is aligned to 64 bytes.
std::uint64_t count_slots(const Bounds& bounds) {
  constexpr std::uint64_t kFewest = 4;
  return std::max(kFewest, std::bit_ceil(2 * RowTable::places_of(bounds)));
}

// Fibonacci hashing (Knuth, TAOCP 3, 6.4): the upper bits of the product are the best mixed; those below know
// nothing of the GIL.
std::uint64_t hash(std::uint64_t key) noexcept { return (key * 0x9E37'79B9'7F4A'7C15U) >> 44U; }

template <typename... Types>
constexpr bool kStartAsZeros =
    ((std::is_trivially_default_constructible_v<Types> && std::is_trivially_destructible_v<Types>) && ...);
static_assert(kStartAsZeros<Cell, Histogram, ThreadRow, GilState>,
              "never constructed: pages of zeros are valid ones");

}  // namespace

ZeroedMemory::ZeroedMemory(std::size_t size) : size_(size) {
  void* const mapping =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  // A huge page would touch 34 rows at once. Where the kernel has none to give this fails, and does not
  // matter.
  madvise(mapping, size, MADV_NOHUGEPAGE);
  data_ = static_cast<std::byte*>(mapping);
}

ZeroedMemory::~ZeroedMemory() { munmap(data_, size_); }

void ZeroedMemory::clear() noexcept {
  madvise(data_, size_, MADV_DONTNEED);
}  // private: reads as zeros again

std::size_t RowTable::size_of(const Bounds& bounds) noexcept {
  return sizeof(Header) + count_slots(bounds) * sizeof(Slot) + 2 * kHandoffs * sizeof(HandoffCount) +
         (bounds.gils + std::size_t{2}) * sizeof(GilState) +
         (places_of(bounds) + bounds.gils + 1) * sizeof(ThreadRow);
}

RowTable::RowTable(Bounds bounds, std::byte* memory) : bounds_(bounds), slots_count_(count_slots(bounds)) {
  if (memory == nullptr) memory_.emplace(size_of(bounds));
  std::byte* next = memory == nullptr ? memory_->data() : memory;
  header_ = reinterpret_cast<Header*>(next);
  slots_ = reinterpret_cast<Slot*>(next += sizeof(Header));
  for (auto bytes = slots_count_ * sizeof(Slot); auto*& table : handoffs_) {
    table = reinterpret_cast<HandoffCount*>(next += bytes);
    bytes = kHandoffs * sizeof(HandoffCount);
  }
  gils_ = reinterpret_cast<GilState*>(next += kHandoffs * sizeof(HandoffCount));
  rows_ = reinterpret_cast<ThreadRow*>(next + (bounds.gils + std::size_t{2}) * sizeof(GilState));
}

void RowTable::note_gil(GilId gil) noexcept {
  const std::uint64_t end = std::uint64_t{static_cast<std::uint32_t>(gil)} + 1;
  header_->gils_end.set(std::max(header_->gils_end.get(), end));
}

// The slot that has the key, or else the one where it belongs.
RowTable::Slot* RowTable::slot_of(std::uint64_t key) const noexcept {
  for (auto index = hash(key), end = index + slots_count_; index != end; ++index) {
    Slot& slot = slots_[index & (slots_count_ - 1)];
    if (slot.key == key || slot.key == 0) return &slot;
  }
  return nullptr;  // in another process's memory: nonsense
}

ThreadRow* RowTable::find(std::uint64_t key) const noexcept {
  const Slot* const slot = slot_of(key);
  return slot == nullptr || slot->key != key ? nullptr : row_at(slot->row_plus_one);
}

ThreadRow* RowTable::find_or_add(GilId gil, ThreadId thread, std::uint64_t ticks) noexcept {
  const auto key = row_key(gil, thread);
  if (ThreadRow* const known = find(key)) return known;
  if (header_->rows_in_use.get() >= bounds_.rows) return nullptr;
  ThreadRow* const row = take_place();
  if (row == nullptr) return nullptr;
  row->first.set(ticks);
  row->key.set(key);
  put_into_index(*row);
  header_->rows_in_use.add(1);
  return row;
}

// Zeros, but for `first`.
ThreadRow* RowTable::take_place() noexcept {
  ThreadRow* const free = row_at(header_->free.get());
  if (free != nullptr && !is_shared(*free)) {
    header_->free.set(free->first.get());
    free->first.set(0);
    return free;
  }
  const auto next = header_->rows.get();
  if (next >= places()) return nullptr;
  header_->rows.set(next + 1);
  return &rows_[next];
}

// Its figures are zeros by now. Who had the GIL last, had it as one of the sum.
void RowTable::give_back(ThreadRow& row, const ThreadRow& sum) noexcept {
  const auto key = row.key.get();
  GilState& gil = this->gil(std::min(static_cast<std::uint32_t>(gil_of(key)), bounds_.gils));
  if (gil.row_plus_one == index_of(row) + 1) {
    gil.row_plus_one = index_of(sum) + 1;
    gil.owner = thread_of(header_->sum_key.get());
  }
  take_from_index(key);
  header_->rows_in_use.set(header_->rows_in_use.get() - 1);
  row.into.set(0);
  row.key.set(0);
  row.first.set(header_->free.get());
  header_->free.set(index_of(row) + 1);
}

void RowTable::put_into_index(ThreadRow& row) noexcept {
  Slot* const slot = slot_of(row.key.get());
  if (slot != nullptr) *slot = {.key = row.key.get(), .row_plus_one = index_of(row) + 1};
}

// What comes after it moves up, so that no search ends too early (Knuth, TAOCP 3, 6.4, algorithm R).
void RowTable::take_from_index(std::uint64_t key) noexcept {
  const auto mask = slots_count_ - 1;
  const Slot* const found = slot_of(key);
  if (found == nullptr || found->key != key) return;
  auto hole = static_cast<std::uint64_t>(found - slots_);
  // (In another process's memory there may be no end.)
  auto left = slots_count_;
  for (auto next = (hole + 1) & mask; slots_[next].key != 0 && left > 0; next = (next + 1) & mask, --left) {
    const auto home = hash(slots_[next].key) & mask;
    if (((next - home) & mask) < ((next - hole) & mask)) continue;  // it belongs behind the hole
    slots_[hole] = slots_[next];
    hole = next;
  }
  slots_[hole] = {};
}

void RowTable::add_gil(GilState& sum, const GilState& more) noexcept {
  const bool is_first = sum.seen.get() == 0;
  sum.first.set(is_first ? more.first.get() : std::min(sum.first.get(), more.first.get()));
  sum.last.set(std::max(sum.last.get(), more.last.get()));
  sum.folded.add(more.folded.get() == 0 ? 1 : more.folded.get());
  sum.handoffs.add(more.handoffs.get());
  sum.timeouts.add(more.timeouts.get());
  sum.uncounted_waits.add(more.uncounted_waits.get());
  for (std::size_t kind = 0; kind < kViolations; ++kind)
    sum.violations.at(kind).add(more.violations.at(kind).get());
  sum.seen.set(1);
}

void RowTable::add_gil(GilId gil, const GilState& more) noexcept {
  note_gil(gil);
  add_gil(this->gil(static_cast<std::uint32_t>(gil)), more);
}

void RowTable::clear_gil(GilState& gil) noexcept {
  for (Cell* const cell :
       {&gil.id_plus_one, &gil.end_plus_one, &gil.seen, &gil.last, &gil.first, &gil.owner_plus_one,
        &gil.folded, &gil.handoffs, &gil.timeouts, &gil.uncounted_waits}) {
    cell->set(0);
  }
  for (Cell& violations : gil.violations) violations.set(0);
  gil.row_plus_one = 0;
  gil.owner = {};
  gil.asked = false;
  gil.known = false;
  gil.folds.set(0);
}

void RowTable::add_to(std::span<HandoffCount> handoffs, const HandoffCount& more) noexcept {
  constexpr unsigned kTries = 32;
  for (auto index = hash(more.from.get() ^ std::rotl(more.to.get(), 20)), end = index + kTries; index != end;
       ++index) {
    HandoffCount& place = handoffs[index & (kHandoffs - 1)];
    if (place.from.get() == 0) {
      place.to.set(more.to.get());
      place.from.set(more.from.get());
    }
    if (place.from.get() != more.from.get() || place.to.get() != more.to.get()) continue;
    place.count.add(more.count.get());
    return;
  }
}

void RowTable::add_handoffs(std::uint64_t from, std::uint64_t to, std::uint64_t count) noexcept {
  add_to({handoffs_.at(header_->handoffs_side.get() % 2), kHandoffs}, {{from}, {to}, {count}});
  header_->handoffs.add(count);
}

}  // namespace gilscope
