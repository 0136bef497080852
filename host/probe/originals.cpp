// Where the slots of CPython lead before the probe changes them: to the C library, or to somebody else's
// hooks.
#include <algorithm>
#include <array>
#include <atomic>
#include <dlfcn.h>
#include <string>

#include <fmt/core.h>

#include "probe/hooks.h"
#include "probe/nesting.h"
#include "probe/probe_error.h"

namespace gilscope {
namespace {

std::uintptr_t read_slot(std::uintptr_t* place) {
  return std::atomic_ref(*place).load(std::memory_order_relaxed);  // relaxed: the value alone counts
}

std::uintptr_t look_up(void* scope, std::string_view function) {
  return reinterpret_cast<std::uintptr_t>(dlsym(scope, std::string(function).c_str()));
}

}  // namespace

std::vector<Slot> require_slots(const LoadedObject& cpython, std::string_view function) {
  auto slots = cpython.find_slots(function);
  if (slots.empty()) {
    throw ProbeError(
        ProbeFailure::Unsupported,
        fmt::format("{} contains CPython, but does not call {} through a slot", cpython.path(), function),
        "use a CPython built with POSIX threads and linked dynamically to the C library (glibc)");
  }
  return slots;
}

std::uintptr_t find_original(const LoadedObject& cpython, std::span<const Slot> slots, const LedCall& call) {
  // RTLD_NEXT first: RTLD_DEFAULT finds a stub of the executable itself where that is not
  // position-independent.
  const std::array<std::uintptr_t, 2> definitions{look_up(RTLD_NEXT, call.function),
                                                  look_up(RTLD_DEFAULT, call.function)};
  std::uintptr_t original = call.original;
  for (const Slot& slot : slots) {
    const std::uintptr_t target = read_slot(slot.place);
    if (target == original || std::ranges::find(call.hooks, target) != call.hooks.end()) continue;
    const bool is_hosts_hook =
        original == 0 && gilscope_running_probes != 0 && is_hosts(reinterpret_cast<const void*>(target));
    if (!is_hosts_hook && cpython.contains(target)) continue;  // not called yet: a stub that asks the linker
    if (!is_hosts_hook && target != definitions[0] && target != definitions[1]) {
      throw ProbeError(
          ProbeFailure::AlreadyRunning,
          fmt::format("CPython's calls of {} already lead to {}", call.function, describe_object(target)),
          "stop the other copy of gilscope, or the other tool, that has hooked this process");
    }
    if (original == 0) original = target;
  }
  for (const std::uintptr_t definition : definitions) {
    if (original == 0 && definition != 0 && !cpython.contains(definition)) original = definition;
  }
  if (original == 0) {
    throw ProbeError(ProbeFailure::Unsupported, fmt::format("no library defines {}", call.function),
                     "use a CPython linked dynamically to the C library (glibc)");
  }
  return original;
}

void resolve_originals(const LoadedObject& cpython) {
  GilCalls found{};
#define GILSCOPE_RESOLVE(name, parameters)                                                                   \
  {                                                                                                          \
    std::array<std::uintptr_t, kHookLevels> hooks{};                                                         \
    for (std::size_t level = 0; level < kHookLevels; ++level) {                                              \
      hooks.at(level) = reinterpret_cast<std::uintptr_t>(hooks_of(level).name);                              \
    }                                                                                                        \
    const LedCall call{                                                                                      \
        .function = #name, .original = reinterpret_cast<std::uintptr_t>(originals.name), .hooks = hooks};    \
    found.name =                                                                                             \
        reinterpret_cast<decltype(found.name)>(find_original(cpython, require_slots(cpython, #name), call)); \
  }
  GILSCOPE_HOOKS(GILSCOPE_RESOLVE)
  GILSCOPE_CALIBRATION_HOOKS(GILSCOPE_RESOLVE)
#undef GILSCOPE_RESOLVE
  if (originals.pthread_mutex_lock == nullptr) originals = found;  // it is the last of them
}

void add_changes(std::span<const Slot> slots, std::uintptr_t replacement, std::vector<SlotChange>& changes) {
  for (const Slot& slot : slots) {
    changes.push_back({.slot = slot, .original = read_slot(slot.place), .replacement = replacement});
  }
}

std::vector<SlotChange> hook_changes(const LoadedObject& cpython, std::size_t level) {
  std::vector<SlotChange> changes;
#define GILSCOPE_PATCH(name, parameters) \
  add_changes(require_slots(cpython, #name), reinterpret_cast<std::uintptr_t>(hooks_of(level).name), changes);
  GILSCOPE_HOOKS(GILSCOPE_PATCH)
#undef GILSCOPE_PATCH
  return changes;
}

}  // namespace gilscope
