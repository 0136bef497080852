#include "analysis/row_table.h"

#include <algorithm>
#include <bit>
#include <new>
#include <sys/mman.h>
#include <type_traits>

namespace gilscope {
namespace {

// At most half of the slots are ever taken: one for each row, and one for each GIL that came too late for the
// last.
std::uint64_t count_slots(const Bounds& bounds) {
  return std::bit_ceil(2 * (std::uint64_t{bounds.rows} + bounds.gils + 1));
}

// Fibonacci hashing (Knuth, TAOCP 3, 6.4): the upper bits of the product are the best mixed.
std::uint64_t hash(std::uint64_t key) noexcept { return (key * 0x9E37'79B9'7F4A'7C15U) >> 20U; }

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
  return sizeof(Header) + count_slots(bounds) * sizeof(Slot) + kHandoffs * sizeof(HandoffCount) +
         bounds.gils * sizeof(GilState) + (std::size_t{bounds.rows} + bounds.gils) * sizeof(ThreadRow);
}

RowTable::RowTable(Bounds bounds, std::byte* memory) : bounds_(bounds), slots_count_(count_slots(bounds)) {
  if (memory == nullptr) memory_.emplace(size_of(bounds));
  std::byte* next = memory == nullptr ? memory_->data() : memory;
  header_ = reinterpret_cast<Header*>(next);
  slots_ = reinterpret_cast<Slot*>(next += sizeof(Header));
  handoffs_ = reinterpret_cast<HandoffCount*>(next += slots_count_ * sizeof(Slot));
  gils_ = reinterpret_cast<GilState*>(next += kHandoffs * sizeof(HandoffCount));
  rows_ = reinterpret_cast<ThreadRow*>(next + bounds.gils * sizeof(GilState));
}

void RowTable::note_gil(GilId gil) noexcept {
  const std::uint64_t end = std::uint64_t{static_cast<std::uint32_t>(gil)} + 1;
  header_->gils_end.set(std::max(header_->gils_end.get(), end));
}

ThreadRow* RowTable::find_or_add(GilId gil, ThreadId thread, std::uint64_t ticks) noexcept {
  const auto key = row_key(gil, thread);
  for (auto index = hash(key), end = index + slots_count_; index != end; ++index) {
    Slot& slot = slots_[index & (slots_count_ - 1)];
    // Relaxed, here and below: a key of this GIL was put there by this thread, under the GIL's mutex, or
    // before the first event of its thread was to be seen; of another GIL's key it only matters that it is
    // another.
    const std::atomic_ref<std::uint64_t> slot_key(slot.key);
    auto found = slot_key.load(std::memory_order_relaxed);
    if (found == key) return row_at(slot.row_plus_one);
    if (found != 0) continue;
    const std::atomic_ref<std::uint64_t> used(header_->rows.raw);
    if (used.load(std::memory_order_relaxed) >= bounds_.rows) return nullptr;
    if (!slot_key.compare_exchange_strong(found, key, std::memory_order_relaxed)) continue;
    const auto row = used.fetch_add(1, std::memory_order_relaxed);
    if (row >= bounds_.rows) return nullptr;  // another GIL took the last one meanwhile
    slot.row_plus_one = row + 1;
    rows_[row].first.set(ticks);
    rows_[row].key.set(key);
    return &rows_[row];
  }
  return nullptr;
}

void RowTable::count_handoff(const ThreadRow& from, const ThreadRow& to) noexcept {
  constexpr unsigned kTries = 32;
  const std::uint64_t key = (index_of(from) + 1) << 32U | (index_of(to) + 1);
  for (auto index = hash(key), end = index + kTries; index != end; ++index) {
    HandoffCount& place = handoffs_[index & (kHandoffs - 1)];
    if (place.rows.get() == 0) place.rows.set(key);
    if (place.rows.get() != key) continue;
    place.count.add(1);
    header_->handoffs.add(1);
    return;
  }
}

}  // namespace gilscope
