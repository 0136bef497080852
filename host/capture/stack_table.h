// Which files, places and stacks one stream has told of already, by the numbers that it gave them. Of the
// thread that owns the lane, by the rules of Recorder::record; bounded: what comes later has no number, and
// events go without it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "probe/code_point.h"
#include "probe/event.h"

namespace gilscope {

// Well mixed, 64 bits: that two of some thousand keys are the same is a matter of 1 in 10^12.
[[nodiscard]] std::uint64_t key_of(std::string_view text) noexcept;
[[nodiscard]] std::uint64_t key_of(std::span<const std::uint64_t> words) noexcept;  // never 0
// A code object belongs to an interpreter: another GIL's may have had the same address.
[[nodiscard]] std::uint64_t key_of(GilId gil, std::span<const CodePoint> points) noexcept;

// Numbers from 0 on, in the order of add(). All zero bits: empty.
template <std::size_t kSlots>
class NumberTable {
 public:
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint64_t key) const noexcept {
    for (std::size_t slot = key % kSlots; entries_[slot].number_plus_one != 0; slot = (slot + 1) % kSlots) {
      if (entries_[slot].key == key) return entries_[slot].number_plus_one - 1;
    }
    return std::nullopt;
  }
  [[nodiscard]] bool is_full() const noexcept { return size_ >= kSlots / 4 * 3; }
  // A key that is not there, while it is not full.
  std::uint32_t add(std::uint64_t key) noexcept {
    std::size_t slot = key % kSlots;
    while (entries_[slot].number_plus_one != 0) slot = (slot + 1) % kSlots;
    entries_[slot] = {key, ++size_};
    return size_ - 1;
  }

 private:
  struct Entry {
    std::uint64_t key;
    std::uint32_t number_plus_one;
  };
  std::array<Entry, kSlots> entries_;
  std::uint32_t size_;
};

struct StackTable {
  NumberTable<1024> files;
  NumberTable<8192> places;
  NumberTable<8192> stacks;

  // In memory of zeros of its own, of which untouched pages take none; nullptr where there is none.
  static StackTable* make() noexcept;
  static void destroy(StackTable& table) noexcept;
};

}  // namespace gilscope
