// The GILs of this process, found by the address of their condition variable `cond`. Lookup runs on the hot
// path and takes no lock; entries come and go under mutex(), in cold code.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "probe/event.h"
#include "probe/holder_look.h"
#include "probe/recorder.h"

namespace gilscope {

inline constexpr ThreadId kNobody{0};

// Where the parts of a GIL lie; the same for every GIL of a build of CPython.
struct GilLayout {
  std::uintptr_t mutex_offset = 0;        // from cond; as an unsigned difference
  std::uintptr_t switch_cond_offset = 0;  // from cond

  friend bool operator==(const GilLayout&, const GilLayout&) = default;
};

struct alignas(64) Gil {
  // The entry's key: the address of `cond`. Written under the table's mutex, with release; its partners are
  // the acquire loads of the lookup. A thread that signals a GIL has locked that GIL's mutex after the GIL
  // was made.
  std::atomic<std::uintptr_t> cond{0};

  // From here on: read under the GIL's own mutex, which CPython holds around every hook. What adopt() and
  // stop() write, they write under both mutexes.
  Recorder* recorder = nullptr;  // nullptr: not adopted, nothing is recorded
  std::uint64_t last_ticks = 0;  // its next event is later
  std::uint64_t switches = 0;    // counts changes of the holding thread, as CPython's switch_number
  // Since when somebody waits for the hold that is on; while somebody does.
  std::uint64_t wanted_since = 0;
  ThreadId holder = kNobody;  // kNobody, too, where the hold began before the probe saw the GIL
  ThreadId last_holder = kNobody;
  GilId id{0};
  std::uint32_t sequence = 0;  // of its next event
  std::uint32_t waiters = 0;   // threads that have requested it and not got it yet
  bool has_id = false;
  bool has_look = false;    // see GilTable::look_of
  bool was_seen = false;    // a waiter has noted where the holder stands
  bool was_forked = false;  // in a child that has not made this GIL anew yet

  // Relaxed: only compared; a GIL that a thread uses was in the table before it could lock the GIL's mutex.
  [[nodiscard]] std::uintptr_t key() const noexcept { return cond.load(std::memory_order_relaxed); }
};
static_assert(sizeof(Gil) == 64, "one cache line a GIL");

class GilTable {
 public:
  static constexpr std::size_t kPlaces = 2048;  // for about half as many GILs alive at once
  static constexpr std::size_t kLongestProbe = 64;

  // nullptr where `cond` belongs to no GIL. No lock: an entry never moves while it is in the table.
  [[nodiscard]] Gil* find(std::uintptr_t cond) noexcept {
    std::size_t place = first_place(cond);
    for (std::size_t i = 0; i < kLongestProbe; ++i, place = (place + 1) % kPlaces) {
      // Acquire: the partner of the release in insert().
      const std::uintptr_t key = gils_[place].cond.load(std::memory_order_acquire);
      if (key == cond) return &gils_[place];
      if (key == kNeverUsed) return nullptr;
    }
    return nullptr;
  }

  // The rest under mutex().
  // An entry that is there already stays; nullptr where the table is full, which is counted.
  Gil* insert(std::uintptr_t cond) noexcept;
  static void erase(Gil& gil) noexcept;
  void clear() noexcept;
  template <typename Visit>
  void for_each(Visit visit) noexcept {
    for (Gil& gil : gils_) {
      if (gil.cond.load(std::memory_order_relaxed) > kGone)
        visit(gil);  // relaxed: written under the same mutex
    }
  }

  // What the holder was seen to do, where has_look says that it was; with the GIL's mutex held.
  [[nodiscard]] HolderLook& look_of(const Gil& gil) noexcept {
    return looks_[static_cast<std::size_t>(&gil - gils_.data())];
  }

  [[nodiscard]] std::mutex& mutex() noexcept { return mutex_; }
  [[nodiscard]] std::uint64_t overflows() const noexcept { return overflows_; }

 private:
  static constexpr std::uintptr_t kNeverUsed = 0;
  static constexpr std::uintptr_t kGone = 1;

  // Fibonacci hashing; condition variables are aligned to 8.
  static std::size_t first_place(std::uintptr_t cond) noexcept {
    return static_cast<std::size_t>((cond >> 3U) * 0x9E3779B97F4A7C15U >> 53U) % kPlaces;
  }

  std::array<Gil, kPlaces> gils_{};
  std::array<HolderLook, kPlaces> looks_{};
  std::uint64_t overflows_ = 0;
  std::mutex mutex_;
};

}  // namespace gilscope
