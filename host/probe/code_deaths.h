// How many code objects have died, by where they lay: the allocator gives an address again, and what lies
// there then is other code. An address with the deaths there stands for one code object, though nothing keeps
// it alive.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace gilscope {

namespace code_deaths {

inline constexpr unsigned kPlaceBits = 10;
// Some addresses share a place: a death more only lets what is known of the others be read again. Relaxed:
// code that gets an address knows of the death before by what its allocator did, or by its interpreter's GIL.
extern constinit std::array<std::atomic<std::uint64_t>, 1U << kPlaceBits> counts;

// Fibonacci hashing; objects are aligned to 16.
[[nodiscard]] inline std::atomic<std::uint64_t>& count_of(const void* code) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(code);
  return counts[(address >> 4U) * 0x9E3779B97F4A7C15U >> (64 - kPlaceBits)];
}

}  // namespace code_deaths

// So far, at that address and some others; while they are watched. HOT.
[[nodiscard]] inline std::uint64_t deaths_at(const void* code) noexcept {
  return code_deaths::count_of(code).load(std::memory_order_relaxed);
}

// From now on deaths are counted, until unwatch_code_deaths() was called as often. The calling thread holds a
// GIL, and the nesting_mutex().
void watch_code_deaths() noexcept;
// Any thread with that mutex, and after the end of Python too.
void unwatch_code_deaths() noexcept;

}  // namespace gilscope
