#include <Python.h>

#include "probe/nesting.h"

#include <algorithm>
#include <array>
#include <dlfcn.h>
#include <sched.h>

#include "probe/slot_patch.h"

extern "C" {
[[gnu::visibility("default")]] constinit std::atomic<int> gilscope_running_probes{0};
}

namespace gilscope {
namespace {

struct Level {
  bool is_in_use = false;
  bool is_patched = false;
  SlotPatch patch;
};

// Never destroyed: hooks stay until the very end where nobody takes them out.
std::array<Level, kHookLevels>& levels() noexcept {
  static auto& all = *new std::array<Level, kHookLevels>;
  return all;
}

constinit std::mutex mutex;
constinit std::atomic<bool> is_one_starting{false};
// Relaxed: all that it may be are there for good.
constinit std::atomic<const GilCalls*> outermost{&originals};

// The object in which something of ours lies.
const void* object_of(const void* address) noexcept {
  Dl_info found{};
  return dladdr(address, &found) == 0 ? nullptr : found.dli_fbase;
}

void note_outermost() noexcept {
  const GilCalls* calls = &originals;
  for (std::size_t level = 0; level < kHookLevels; ++level) {
    if (levels()[level].is_patched) calls = &hooks_of(level);
  }
  outermost.store(calls, std::memory_order_relaxed);
}

}  // namespace

bool is_in_host() noexcept { return object_of(&gilscope_running_probes) != object_of(&mutex); }

bool is_hosts(const void* address) noexcept {
  return is_in_host() && object_of(address) == object_of(&gilscope_running_probes);
}

StartTurn::StartTurn() {
  // Acquire: what the one before has done is seen.
  while (is_one_starting.exchange(true, std::memory_order_acquire)) {
    PyThreadState* const state = PyEval_SaveThread();
    sched_yield();
    PyEval_RestoreThread(state);
  }
}

StartTurn::~StartTurn() { is_one_starting.store(false, std::memory_order_release); }

void StartTurn::forget() noexcept { is_one_starting.store(false, std::memory_order_relaxed); }

std::mutex& nesting_mutex() noexcept { return mutex; }

std::optional<std::size_t> take_level() noexcept {
  auto& all = levels();
  const auto above = std::find_if(all.rbegin(), all.rend(), [](const Level& level) {
                       return level.is_in_use || level.is_patched;
                     }).base();
  if (above == all.end()) return std::nullopt;
  above->is_in_use = true;
  return static_cast<std::size_t>(above - all.begin());
}

void lead_slots_to(std::size_t level, const LoadedObject& cpython) {
  Level& taken = levels().at(level);
  taken.patch = SlotPatch(hook_changes(cpython, level));
  taken.is_patched = true;
  note_outermost();
  gilscope_running_probes.fetch_add(1, std::memory_order_relaxed);
}

bool were_slots_overwritten() noexcept {
  int running = 0;
  const Level* top = nullptr;
  for (const Level& level : levels()) {
    if (!level.is_patched) continue;
    top = &level;
    running += level.is_in_use ? 1 : 0;
  }
  if (top == nullptr || top->patch.is_intact()) return false;
  // That of an extension's probe within ours passes calls on.
  return is_in_host() || gilscope_running_probes.load(std::memory_order_relaxed) == running;
}

void give_level_back(std::size_t level) noexcept {
  Level& given = levels().at(level);
  given.is_in_use = false;
  if (given.is_patched) gilscope_running_probes.fetch_sub(1, std::memory_order_relaxed);
  for (std::size_t i = kHookLevels; i-- > 0 && !levels().at(i).is_in_use;) {
    levels().at(i).patch.restore();  // a slot that cannot be restored keeps a hook that passes calls on
    levels().at(i).is_patched = false;
  }
  note_outermost();
}

const GilCalls& outermost_calls() noexcept { return *outermost.load(std::memory_order_relaxed); }

const GilCalls& calls_below(std::size_t level) noexcept {
  return level == 0 ? originals : hooks_of(level - 1);
}

}  // namespace gilscope
