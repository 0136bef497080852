#include <Python.h>

#include "probe/nesting.h"

#include <algorithm>
#include <array>
#include <dlfcn.h>
#include <ranges>
#include <sched.h>
#include <utility>

#include "probe/hook_level.h"
#include "probe/probe_error.h"
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
std::array<Level, kMostProbes>& levels() noexcept {
  // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): once, at the first start; without it nothing works
  static auto& all = *new std::array<Level, kMostProbes>;
  return all;
}

constinit std::mutex mutex;
constinit std::atomic<bool> is_one_starting{false};

// The object in which something of ours lies.
const void* object_of(const void* address) noexcept {
  Dl_info found{};
  return dladdr(address, &found) == 0 ? nullptr : found.dli_fbase;
}

// The lowest that runs, and which run of its probe that is. With the mutex.
std::optional<std::pair<std::size_t, std::uint64_t>> find_running() {
  for (std::size_t i = 0; i < kMostProbes; ++i) {
    if (levels().at(i).is_in_use && levels().at(i).is_patched) return {{i, hook_levels.at(i).session()}};
  }
  return std::nullopt;
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

std::optional<Calibration> calibrate_within() {
  std::unique_lock lock(mutex);
  while (const auto running = find_running()) {
    lock.unlock();
    PyThreadState* const state = PyEval_SaveThread();
    PyEval_RestoreThread(state);
    lock.lock();
    if (find_running() != running) continue;  // it may have stopped before it saw that
    const auto calibration = hook_levels.at(running->first).calibration_of_holder();
    if (calibration) return calibration;
    throw ProbeError(ProbeFailure::AlreadyRunning,
                     "a probe of gilscope runs in this process that has overlooked this interpreter's GIL",
                     "stop that one first");
  }
  return std::nullopt;
}

std::optional<std::size_t> take_level() noexcept {
  const auto free = std::ranges::find(levels(), false, &Level::is_in_use);
  if (free == levels().end()) return std::nullopt;
  free->is_in_use = true;
  return static_cast<std::size_t>(free - levels().begin());
}

void lead_slots_to(std::size_t level, const LoadedObject& cpython) {
  Level& taken = levels().at(level);
  if (!taken.is_patched) taken.patch = SlotPatch(hook_changes(cpython, level));
  taken.is_patched = true;
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
  for (Level& top : std::views::reverse(levels())) {
    if (top.is_in_use) break;
    top.patch.restore();  // a slot that cannot be restored keeps a hook that passes calls on
    top.is_patched = false;
  }
}

const GilCalls& calls_below(std::size_t level) noexcept {
  return level == 0 ? originals : hooks_of(level - 1);
}

}  // namespace gilscope
