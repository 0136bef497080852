// A page of slots of the test's own, and what /proc/self/maps says of any address.
#pragma once

#include <cstdint>
#include <sstream>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#include "support/system_files.h"

namespace gilscope {

inline std::string page_flags(std::uintptr_t address) {
  const std::string maps = read_text("/proc/self/maps").value_or("");
  for (const auto line : split(maps, '\n')) {
    const auto fields = split(line, ' ');
    const auto bounds = split(fields.at(0), '-');
    if (address >= *parse_unsigned(bounds.at(0), 16) && address < *parse_unsigned(bounds.at(1), 16)) {
      return std::string(fields.at(1));
    }
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

  std::uintptr_t& slot(std::size_t index) { return static_cast<std::uintptr_t*>(memory_)[index]; }
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
