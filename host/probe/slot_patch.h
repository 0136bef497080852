// Replaces what slots point to, whole or not at all, and undoes it. Cold; one thread at a time. While it
// works, other threads call through the slots: each is written by one aligned store. Page protections end as
// the dynamic linker leaves them. It asks the system for nothing but those: a process without free
// descriptors, memory or mappings gets its slots back.
#pragma once

#include <cstdint>
#include <vector>

#include "probe/elf_slots.h"

namespace gilscope {

struct SlotChange {
  Slot slot;
  std::uintptr_t original = 0;
  std::uintptr_t replacement = 0;
};

class SlotPatch {
 public:
  SlotPatch() = default;
  // Throws ProbeError, with every slot as it was, where one cannot be written.
  explicit SlotPatch(const std::vector<SlotChange>& changes);
  SlotPatch(const SlotPatch&) = delete;
  SlotPatch& operator=(const SlotPatch&) = delete;
  SlotPatch(SlotPatch&& other) noexcept;
  SlotPatch& operator=(SlotPatch&& other) noexcept;
  ~SlotPatch();  // undoes it

  // Whether every slot holds what was put there: a slot that the dynamic linker was just filling, or that
  // another tool has patched since, does not.
  [[nodiscard]] bool is_intact() const noexcept;

  // Puts the originals back; a slot that somebody else has changed since is left to him. Returns whether all
  // were.
  bool restore() noexcept;

 private:
  std::vector<SlotChange> changes_;
};

}  // namespace gilscope
