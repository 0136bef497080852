// Which files, places and stacks one stream has told of already, by the numbers that it gave them. Of the
// thread that owns the lane, by the rules of Recorder::record; bounded: what comes later has no number, and
// events go without it.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
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

// Numbers by key. All zero bits: empty. Of its memory only what is in use is touched, whatever the keys are:
// entries lie one after the other, and what finds them grows with them.
template <std::uint32_t kMost>
class NumberTable {
 public:
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint64_t key) const noexcept {
    for (std::size_t slot = key % slots(); index_[slot] != 0; slot = (slot + 1) % slots()) {
      const Entry& entry = entries_[index_[slot] - 1U];
      if (entry.key == key) return entry.number;
    }
    return std::nullopt;
  }
  [[nodiscard]] bool is_full() const noexcept { return size_ == kMost; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  // A key that is not there, while it is not full.
  void add(std::uint64_t key, std::uint32_t number) noexcept {
    if (size_ == slots() / 4 * 3) {
      ++doublings_;
      begin_index();
      for (std::uint32_t i = 0; i < size_; ++i) enter(i);
    }
    entries_[size_] = {key, number};
    enter(size_++);
  }
  void clear() noexcept {
    size_ = 0;
    doublings_ = 0;
    begin_index();
  }

 private:
  struct Entry {
    std::uint64_t key;
    std::uint32_t number;
  };
  static constexpr std::size_t kLeastSlots = 64;
  static constexpr std::size_t kMostSlots = std::bit_ceil(std::size_t{kMost} * 4 / 3);
  static_assert(kMost < UINT16_MAX && kMost <= kMostSlots / 4 * 3);

  [[nodiscard]] std::size_t slots() const noexcept { return kLeastSlots << doublings_; }
  void begin_index() noexcept { std::fill_n(index_.begin(), slots(), std::uint16_t{0}); }
  void enter(std::uint32_t entry) noexcept {
    std::size_t slot = entries_[entry].key % slots();
    while (index_[slot] != 0) slot = (slot + 1) % slots();
    index_[slot] = static_cast<std::uint16_t>(entry + 1);
  }

  std::uint32_t size_;
  std::uint32_t doublings_;                      // of the slots in use
  std::array<std::uint16_t, kMostSlots> index_;  // entry + 1; 0: none
  std::array<Entry, kMost> entries_;
};

// A stack's number, or none, as a thread keeps it from one event to the next: in one word, as an optional is
// stored in two parts and read as one, which waits.
class KeptStack {
 public:
  constexpr KeptStack() = default;
  void set(std::optional<std::uint32_t> number) noexcept { number_ = number.value_or(kNone); }
  [[nodiscard]] std::optional<std::uint32_t> get() const noexcept {
    return number_ != kNone ? std::optional(number_) : std::nullopt;
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  std::uint32_t number_ = kNone;
};

// The stacks that one thread noted lately, by key: a few, side by side, where a table would be on several
// pages. All zero bits: none.
class RecentStacks {
 public:
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint64_t key) const noexcept {
    const Entry& entry = entries_[key % kEntries];
    return entry.key == key ? std::optional(entry.number) : std::nullopt;
  }
  void add(std::uint64_t key, std::uint32_t number) noexcept { entries_[key % kEntries] = {key, number}; }

 private:
  struct Entry {
    std::uint64_t key;
    std::uint32_t number;
  };
  static constexpr std::size_t kEntries = 32;

  std::array<Entry, kEntries> entries_;
};

struct StackTable {
  static constexpr std::uint32_t kFiles = 768;
  static constexpr std::uint32_t kPlaces = 6144;
  static constexpr std::uint32_t kStacks = 6144;
  // Of these there may be any number, as code is made anew: once they are full they are forgotten.
  static constexpr std::uint32_t kPoints = 2 * kPlaces;

  // What was told, by what it says: so what is made anew, and says the same, has the same number.
  NumberTable<kFiles> files;
  NumberTable<kPlaces> places;
  NumberTable<kStacks> stacks;
  // Where it was read from. A number, or kNever.
  NumberTable<kPoints> points;  // places, by one point
  NumberTable<kPoints> stands;  // stacks, by all their points

  // Of a stack that was told, by the key of its points.
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint64_t key) const noexcept {
    const auto number = stands.find(key);
    return number && is_number(*number) ? number : std::nullopt;
  }

  // In place of a number: there is no space left for it, or none just now.
  static constexpr std::uint32_t kNever = UINT32_MAX;
  static constexpr std::uint32_t kNotNow = UINT32_MAX - 1;
  [[nodiscard]] static bool is_number(std::uint32_t number) noexcept { return number < kNotNow; }

  void clear() noexcept {
    files.clear();
    places.clear();
    stacks.clear();
    points.clear();
    stands.clear();
  }

  // In memory of zeros of its own, of which untouched pages take none; nullptr where there is none.
  static StackTable* make() noexcept;
  static void destroy(StackTable& table) noexcept;
};

}  // namespace gilscope
