#include <Python.h>

#include "probe/calibration.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <pthread.h>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "probe/hooks.h"
#include "probe/probe_error.h"
#include "probe/slot_patch.h"

namespace gilscope {
namespace {

enum class CallKind : std::uint8_t { Lock, Signal };

struct Call {
  CallKind kind;
  std::uintptr_t address;
};

// What one thread does between its release and its acquire of a GIL. Fixed in size: the hooks may not
// allocate.
struct Trace {
  std::array<Call, 64> calls{};
  std::size_t size = 0;
  std::size_t after_release = 0;  // of them, those of PyEval_SaveThread

  void add(CallKind kind, const void* address) noexcept {
    if (size < calls.size())
      calls.at(size) = {.kind = kind, .address = reinterpret_cast<std::uintptr_t>(address)};
    ++size;
  }
};

// Set in the one thread that calibrates; every other thread's calls pass through.
constinit thread_local Trace* trace __attribute__((tls_model("initial-exec"))) = nullptr;

int trace_mutex_lock(pthread_mutex_t* mutex) noexcept {
  if (trace != nullptr) trace->add(CallKind::Lock, mutex);
  return originals.pthread_mutex_lock(mutex);
}

int trace_cond_signal(pthread_cond_t* cond) noexcept {
  if (trace != nullptr) trace->add(CallKind::Signal, cond);
  return originals.pthread_cond_signal(cond);
}

Trace release_and_acquire(const LoadedObject& cpython) {
  std::vector<SlotChange> changes;
  add_changes(require_slots(cpython, "pthread_mutex_lock"),
              reinterpret_cast<std::uintptr_t>(&trace_mutex_lock), changes);
  add_changes(require_slots(cpython, "pthread_cond_signal"),
              reinterpret_cast<std::uintptr_t>(&trace_cond_signal), changes);
  const SlotPatch patch(changes);

  Trace seen;
  trace = &seen;
  PyThreadState* const state = PyEval_SaveThread();
  seen.after_release = seen.size;
  PyEval_RestoreThread(state);
  trace = nullptr;
  return seen;
}

std::string describe(const Trace& seen) {
  std::string text;
  for (std::size_t i = 0; i < std::min(seen.size, seen.calls.size()); ++i) {
    const Call& call = seen.calls.at(i);
    text += fmt::format("{}{}{:+}", i == seen.after_release ? " | " : " ",
                        call.kind == CallKind::Lock ? 'L' : 'S',
                        static_cast<std::intptr_t>(call.address - seen.calls.front().address));
  }
  return text.empty() ? " nothing" : text;
}

[[noreturn]] void refuse(const Trace& seen) {
  throw ProbeError(
      ProbeFailure::Unsupported,
      fmt::format(
          "this build of CPython {} does not take its GIL as the known ones do. One release | acquire locked "
          "(L) and signalled (S), by distance in bytes:{}",
          PY_VERSION, describe(seen)),
      "use CPython 3.11 to 3.15 on Linux with glibc, built with POSIX threads; if it is one, please report "
      "this line");
}

}  // namespace

// drop_gil locks `mutex` and signals `cond`; where a drop was requested, it locks `switch_mutex` and waits.
// take_gil locks `mutex`, then `switch_mutex`, and signals `switch_cond` (Python/ceval_gil.c and
// ceval_gil.h, 3.11 to 3.15).
Calibration calibrate(const LoadedObject& cpython) {
  const Trace seen = release_and_acquire(cpython);
  if (seen.size > seen.calls.size()) refuse(seen);
  std::uintptr_t mutex = 0;
  std::uintptr_t cond = 0;
  std::uintptr_t switch_cond = 0;
  bool was_locked_again = false;
  for (std::size_t i = 0; i < seen.size; ++i) {
    const Call& call = seen.calls.at(i);
    const bool is_acquire = i >= seen.after_release;
    if (call.kind == CallKind::Signal) {
      std::uintptr_t& signalled = is_acquire ? switch_cond : cond;
      if (signalled != 0 || mutex == 0) refuse(seen);
      signalled = call.address;
    } else if (cond == 0) {
      mutex = call.address;  // the last one locked before the signal
    } else if (is_acquire && call.address == mutex) {
      was_locked_again = true;
    }
  }
  // The GIL's parts lie together in one struct.
  constexpr std::uintptr_t kLargest = 1024;
  const std::uintptr_t switch_offset = switch_cond - cond;
  const std::uintptr_t mutex_distance = mutex > cond ? mutex - cond : cond - mutex;
  if (cond == 0 || switch_cond <= cond || switch_offset > kLargest || mutex_distance > kLargest ||
      !was_locked_again) {
    refuse(seen);
  }
  return {.cond = cond, .layout = {.mutex_offset = mutex - cond, .switch_cond_offset = switch_offset}};
}

}  // namespace gilscope
