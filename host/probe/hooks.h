// What CPython calls in place of the C library while a probe runs: each hook records, and makes the real
// call. HOT: every thread that takes or releases a GIL. May not lock, allocate, log, throw, touch a Python
// object, change errno, or call what may take a GIL. (The cold hooks, of init and destroy, lock the table of
// GILs.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <pthread.h>
#include <span>
#include <string_view>
#include <vector>

#include "probe/elf_slots.h"
#include "probe/recorder.h"
#include "probe/slot_patch.h"

// The one list: definition, original and patch of each hook follow from it.
#define GILSCOPE_HOOKS(HOOK)                                                                            \
  HOOK(pthread_cond_signal, (pthread_cond_t * cond))                                                    \
  HOOK(pthread_cond_timedwait, (pthread_cond_t * cond, pthread_mutex_t * mutex, const timespec* until)) \
  HOOK(pthread_cond_init, (pthread_cond_t * cond, const pthread_condattr_t* attributes))                \
  HOOK(pthread_cond_destroy, (pthread_cond_t * cond))

// What only the calibration replaces, for one release and acquire.
#define GILSCOPE_CALIBRATION_HOOKS(HOOK) HOOK(pthread_mutex_lock, (pthread_mutex_t * mutex))

namespace gilscope {

// The functions by which CPython makes, takes and releases its GILs.
struct GilCalls {
// NOLINTNEXTLINE(bugprone-macro-parentheses): a member's name takes none
#define GILSCOPE_CALL(name, parameters) decltype(&::name) name;
  GILSCOPE_HOOKS(GILSCOPE_CALL)
  GILSCOPE_CALIBRATION_HOOKS(GILSCOPE_CALL)
#undef GILSCOPE_CALL
};

// Those that the slots pointed to, written before the first patch and never after: a hook that was entered
// before its probe stopped still needs them. (A call by name would not do: in a static executable it goes
// through the very slot that is patched.)
extern constinit GilCalls originals;

// Probes that a process may run at once, one within the other; and one more level, to which no slot leads,
// for who measures what hooks cost.
inline constexpr std::size_t kHookLevels = Recorder::kLevels;
inline constexpr std::size_t kMeasuredLevel = kHookLevels - 1;
inline constexpr std::size_t kMostProbes = kMeasuredLevel;

// What replaces them, but for the calibration's. The real call of a level's hook is that of the level below.
[[nodiscard]] const GilCalls& hooks_of(std::size_t level) noexcept;

// A function that CPython calls through slots of its own.
struct LedCall {
  std::string_view function;
  std::uintptr_t original = 0;            // where it leads but for our hooks; 0: not known yet
  std::span<const std::uintptr_t> hooks;  // those of ours
};
// Its original, as its slots in CPython say. Throws ProbeError where one points to somebody else's hook.
[[nodiscard]] std::uintptr_t find_original(const LoadedObject& cpython, std::span<const Slot> slots,
                                           const LedCall& call);

// Finds the originals, the first time; later it looks whether the slots still lead to them or to our hooks.
// Throws ProbeError where a slot is missing or points to somebody else's hook.
void resolve_originals(const LoadedObject& cpython);
// Every slot of the function. Throws ProbeError where there is none.
[[nodiscard]] std::vector<Slot> require_slots(const LoadedObject& cpython, std::string_view function);
// Appends what turns the slots to `replacement`.
void add_changes(std::span<const Slot> slots, std::uintptr_t replacement, std::vector<SlotChange>& changes);
std::vector<SlotChange> hook_changes(const LoadedObject& cpython, std::size_t level);

}  // namespace gilscope
