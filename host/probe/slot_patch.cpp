#include "probe/slot_patch.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "probe/probe_error.h"
#include "support/system_files.h"

namespace gilscope {
namespace {

// NOLINTBEGIN(bugprone-signed-bitwise,clang-analyzer-security.MmapWriteExec): mprotect() takes an int of
// flags, and a page that was executable must stay so while it is written

// The protections of this process's pages, read once: /proc/self/maps is long, and a patch has several slots.
class Protections {
 public:
  Protections() : maps_(read_text("/proc/self/maps")) {}

  // Of the page at `address`: "55d0c0e5a000-55d0c0e5b000 rw-p …".
  [[nodiscard]] std::optional<int> find(std::uintptr_t address) const {
    if (!maps_) return std::nullopt;
    for (const std::string_view line : split(*maps_, '\n')) {
      const auto fields = split(line, ' ');
      if (fields.size() < 2 || fields[1].size() < 3) continue;
      const auto bounds = split(fields[0], '-');
      if (bounds.size() != 2) continue;
      const auto begin = parse_unsigned(bounds[0], 16);
      const auto end = parse_unsigned(bounds[1], 16);
      if (!begin || !end || address < *begin || address >= *end) continue;
      return (fields[1][0] == 'r' ? PROT_READ : 0) | (fields[1][1] == 'w' ? PROT_WRITE : 0) |
             (fields[1][2] == 'x' ? PROT_EXEC : 0);
    }
    return std::nullopt;
  }

 private:
  std::optional<std::string> maps_;
};

// Returns errno, and the slot is as it was; or 0. An aligned slot lies in one page.
int write_slot(const Protections& protections, std::uintptr_t* place, std::uintptr_t value) {
  const auto page_bytes = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(place);
  void* const page = reinterpret_cast<void*>(address - address % page_bytes);
  const auto protection = protections.find(address);
  if (!protection) return ENOENT;
  const bool is_writable = (*protection & PROT_WRITE) != 0;
  if (!is_writable && mprotect(page, page_bytes, *protection | PROT_WRITE) != 0) return errno;
  // Release: a thread that calls the replacement sees what was prepared for it. Its partner is the load of
  // the slot by the calling instruction, ordered by the address that it depends on.
  const std::uintptr_t previous = std::atomic_ref(*place).exchange(value, std::memory_order_release);
  if (is_writable || mprotect(page, page_bytes, *protection) == 0) return 0;
  const int error = errno;
  std::atomic_ref(*place).store(previous, std::memory_order_release);
  return error;
}

// NOLINTEND(bugprone-signed-bitwise,clang-analyzer-security.MmapWriteExec)

std::uintptr_t read_slot(const SlotChange& change) {
  // Relaxed: the value alone is compared.
  return std::atomic_ref(*change.place).load(std::memory_order_relaxed);
}

}  // namespace

SlotPatch::SlotPatch(const std::vector<SlotChange>& changes) {
  changes_.reserve(changes.size());
  const Protections protections;
  for (const SlotChange& change : changes) {
    const int error = write_slot(protections, change.place, change.replacement);
    if (error == 0) {
      changes_.push_back(change);
      continue;
    }
    restore();
    throw ProbeError(
        ProbeFailure::Unsupported,
        fmt::format("cannot write the slot at {:#x}: {}", reinterpret_cast<std::uintptr_t>(change.place),
                    std::strerror(error)),
        "look for a security policy that forbids changing page protections (SELinux execmod, seccomp)");
  }
}

SlotPatch::SlotPatch(SlotPatch&& other) noexcept : changes_(std::exchange(other.changes_, {})) {}

SlotPatch& SlotPatch::operator=(SlotPatch&& other) noexcept {
  if (this != &other) {
    restore();
    changes_ = std::exchange(other.changes_, {});
  }
  return *this;
}

SlotPatch::~SlotPatch() { restore(); }

bool SlotPatch::is_intact() const noexcept {
  return std::ranges::all_of(
      changes_, [](const SlotChange& change) { return read_slot(change) == change.replacement; });
}

bool SlotPatch::restore() noexcept {
  if (changes_.empty()) return true;
  bool is_whole = true;
  try {
    const Protections protections;
    for (const SlotChange& change : changes_) {
      const bool is_ours = read_slot(change) == change.replacement;
      is_whole = is_ours && write_slot(protections, change.place, change.original) == 0 && is_whole;
    }
  } catch (...) {  // no memory to read the maps: the hooks stay, and pass calls on
    is_whole = false;
  }
  changes_.clear();
  return is_whole;
}

}  // namespace gilscope
