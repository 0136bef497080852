// A number in memory that other processes may read.
#pragma once

#include <atomic>
#include <cstdint>

namespace gilscope {

// By one thread at a time. Release: whoever sees that a row is in use sees what it is of.
inline void set_shared(std::uint64_t& word, std::uint64_t value) noexcept {
  std::atomic_ref(word).store(value, std::memory_order_release);
}

}  // namespace gilscope
