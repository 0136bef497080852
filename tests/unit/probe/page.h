// Pages of slots of the test's own, and what /proc/self/maps says of any address.
#pragma once

#include <cstdint>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "probe/elf_slots.h"
#include "support/system_files.h"

namespace gilscope {

struct Mapping {
  std::uintptr_t begin;
  std::uintptr_t end;
  std::string flags;  // "rw-p"
};

inline std::vector<Mapping> read_mappings() {
  const std::string maps = read_text("/proc/self/maps").value_or("");
  std::vector<Mapping> mappings;
  for (const auto line : split(maps, '\n')) {
    const auto fields = split(line, ' ');
    const auto bounds = split(fields.at(0), '-');
    if (bounds.size() != 2) continue;
    mappings.push_back({.begin = *parse_unsigned(bounds[0], 16),
                        .end = *parse_unsigned(bounds[1], 16),
                        .flags = std::string(fields.at(1))});
  }
  return mappings;
}

inline std::string page_flags(std::uintptr_t address) {
  for (const Mapping& mapping : read_mappings()) {
    if (address >= mapping.begin && address < mapping.end) return mapping.flags;
  }
  return "unmapped";
}

class Page {
 public:
  Page() : memory_(mmap(nullptr, size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  Page(Page&&) = delete;
  Page& operator=(Page&&) = delete;
  ~Page() {
    if (memory_ != nullptr) munmap(memory_, size());
  }

  std::uintptr_t& value(std::size_t index) { return static_cast<std::uintptr_t*>(memory_)[index]; }
  // Said to be in a page that the dynamic linker left so.
  Slot slot(std::size_t index, int protection) {
    const auto begin = reinterpret_cast<std::uintptr_t>(memory_);
    return {.place = static_cast<std::uintptr_t*>(memory_) + index,
            .pages = {.begin = begin, .end = begin + size(), .protection = protection}};
  }
  void protect(int protection) { mprotect(memory_, size(), protection); }
  void unmap() {
    munmap(memory_, size());
    memory_ = nullptr;
  }
  [[nodiscard]] std::string flags() const { return page_flags(reinterpret_cast<std::uintptr_t>(memory_)); }

 private:
  static std::size_t size() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

  void* memory_;
};

}  // namespace gilscope
