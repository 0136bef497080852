#include "capture/stack_table.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <type_traits>

namespace gilscope {
namespace {

static_assert(std::is_trivial_v<StackTable>, "a mapping of zeros is an empty one");

// The finaliser of splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
std::uint64_t mix(std::uint64_t value) noexcept {
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31U);
}

}  // namespace

std::uint64_t key_of(std::string_view text) noexcept {
  std::uint64_t key = text.size();
  for (std::size_t begin = 0; begin < text.size(); begin += sizeof key) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + begin, std::min(sizeof word, text.size() - begin));
    key = mix(key + word);
  }
  return key;
}

std::uint64_t key_of(std::span<const std::uint64_t> words) noexcept {
  std::uint64_t key = words.size();
  for (const auto word : words) key = mix(key + word);
  return key != 0 ? key : 1;
}

std::uint64_t key_of(GilId gil, std::span<const CodePoint> points) noexcept {
  std::uint64_t key = static_cast<std::uint32_t>(gil);
  for (const CodePoint& point : points) {
    key = mix(key + reinterpret_cast<std::uintptr_t>(point.code) +
              static_cast<std::uint64_t>(point.instruction) * 0x9E3779B97F4A7C15U +
              point.life * 0xD1342543DE82EF95U);
  }
  return key;
}

StackTable* StackTable::make() noexcept {
  void* const memory = mmap(nullptr, sizeof(StackTable), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<StackTable*>(memory);
}

void StackTable::destroy(StackTable& table) noexcept { munmap(&table, sizeof(StackTable)); }

}  // namespace gilscope
