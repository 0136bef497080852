// A number that one thread at a time writes and that any thread may read meanwhile. All zero bits are its
// initial state, so that untouched pages of a fresh mapping hold valid cells.
#pragma once

#include <atomic>
#include <cstdint>

namespace gilscope {

struct Cell {
  std::uint64_t raw;

  // The writer's own view. Writers follow one another under a mutex, which orders them: no atomic needed.
  [[nodiscard]] std::uint64_t get() const noexcept { return raw; }

  // Release, partner of the acquire in read(): whoever sees this value sees what was stored before it.
  // Sequence locks rest on it instead of on fences, which ThreadSanitizer does not know. A
  // plain move on x86-64.
  void set(std::uint64_t value) noexcept { std::atomic_ref(raw).store(value, std::memory_order_release); }
  void add(std::uint64_t value) noexcept { set(raw + value); }

  // Any thread's.
  [[nodiscard]] std::uint64_t read() const noexcept {
    // atomic_ref takes no const before C++26; nothing is written through it.
    return std::atomic_ref(const_cast<std::uint64_t&>(raw)).load(std::memory_order_acquire);
  }
};

}  // namespace gilscope
