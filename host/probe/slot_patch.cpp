#include "probe/slot_patch.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <utility>

#include <fmt/core.h>

#include "probe/probe_error.h"

namespace gilscope {
namespace {

// Returns errno, and the slot is as it was; or 0.
int write_slot(const Slot& slot, std::uintptr_t value) {
  // NOLINTBEGIN(bugprone-signed-bitwise,clang-analyzer-security.MmapWriteExec): mprotect() takes an int of
  // flags, and a page that was executable must stay so while it is written
  void* const pages = reinterpret_cast<void*>(slot.pages.begin);
  const std::size_t size = slot.pages.end - slot.pages.begin;
  // Asked even where the linker left them writable: somebody may have closed them since, and the store would
  // end the program. All that were protected at once: a part of them would be one mapping more, which a
  // process may have no room for.
  if (mprotect(pages, size, slot.pages.protection | PROT_WRITE) != 0) return errno;
  // Release: a thread that calls the replacement sees what was prepared for it. Its partner is the load of
  // the slot by the calling instruction, ordered by the address that it depends on.
  std::atomic_ref(*slot.place).store(value, std::memory_order_release);
  // Where this fails they stay writable, which hurts nobody; the slot is what counts.
  if ((slot.pages.protection & PROT_WRITE) == 0) mprotect(pages, size, slot.pages.protection);
  return 0;
  // NOLINTEND(bugprone-signed-bitwise,clang-analyzer-security.MmapWriteExec)
}

std::uintptr_t read_slot(const SlotChange& change) {
  // Relaxed: the value alone is compared.
  return std::atomic_ref(*change.slot.place).load(std::memory_order_relaxed);
}

}  // namespace

SlotPatch::SlotPatch(const std::vector<SlotChange>& changes) {
  changes_.reserve(changes.size());
  for (const SlotChange& change : changes) {
    const int error = write_slot(change.slot, change.replacement);
    if (error == 0) {
      changes_.push_back(change);
      continue;
    }
    restore();
    throw ProbeError(
        ProbeFailure::Unsupported,
        fmt::format("cannot write the slot at {:#x}: {}", reinterpret_cast<std::uintptr_t>(change.slot.place),
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
  bool is_whole = true;
  for (const SlotChange& change : changes_) {
    const bool is_ours = read_slot(change) == change.replacement;
    is_whole = is_ours && write_slot(change.slot, change.original) == 0 && is_whole;
  }
  changes_.clear();
  return is_whole;
}

}  // namespace gilscope
