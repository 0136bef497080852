// What CPython calls in place of the C library while the probe runs: each hook records, and makes the real
// call. HOT: every thread that takes or releases a GIL. May not lock, allocate, log, throw, touch a Python
// object, change errno, or call what may take a GIL. (The cold hooks, of init and destroy, lock the table of
// GILs.)
#pragma once

#include <array>
#include <cstdint>
#include <pthread.h>
#include <string_view>
#include <vector>

#include "probe/clock.h"
#include "probe/elf_slots.h"
#include "probe/gil_owners.h"
#include "probe/gil_table.h"
#include "probe/slot_patch.h"

// The one list: declaration, definition, original and patch of each hook follow from it.
#define GILSCOPE_HOOKS(HOOK)                                                                            \
  HOOK(pthread_cond_signal, (pthread_cond_t * cond))                                                    \
  HOOK(pthread_cond_timedwait, (pthread_cond_t * cond, pthread_mutex_t * mutex, const timespec* until)) \
  HOOK(pthread_cond_init, (pthread_cond_t * cond, const pthread_condattr_t* attributes))                \
  HOOK(pthread_cond_destroy, (pthread_cond_t * cond))

// What only the calibration replaces, for one release and acquire.
#define GILSCOPE_CALIBRATION_HOOKS(HOOK) HOOK(pthread_mutex_lock, (pthread_mutex_t * mutex))

namespace gilscope {

// The functions that the slots pointed to, written before the first patch and never after: a hook that was
// entered before the probe stopped still needs them. (A call by name would not do: in a static executable it
// goes through the very slot that is patched.)
struct Originals {
// NOLINTNEXTLINE(bugprone-macro-parentheses): a member's name takes none
#define GILSCOPE_ORIGINAL(name, parameters) decltype(&::name) name;
  GILSCOPE_HOOKS(GILSCOPE_ORIGINAL)
  GILSCOPE_CALIBRATION_HOOKS(GILSCOPE_ORIGINAL)
#undef GILSCOPE_ORIGINAL
};
extern constinit Originals originals;

// What replaces them. Not noexcept: pthread_cancel unwinds through a real wait.
#define GILSCOPE_HOOK(name, parameters) int hook_##name parameters;
GILSCOPE_HOOKS(GILSCOPE_HOOK)
#undef GILSCOPE_HOOK

// Finds the originals; the slots are not hooked yet. Throws ProbeError where a slot is missing or points to
// somebody else's hook.
void resolve_originals(const LoadedObject& cpython);
// Appends what turns every slot of `function` to `replacement`.
void add_changes(const LoadedObject& cpython, std::string_view function, std::uintptr_t replacement,
                 std::vector<SlotChange>& changes);
std::vector<SlotChange> hook_changes(const LoadedObject& cpython);

// One run of the probe as the hooks know it. Written under the table's mutex.
struct HookSession {
  Recorder* recorder = nullptr;  // nullptr: no run
  ProbeClock clock;
  GilLayout layout;
  GilOwners owners;
  std::uintptr_t holder_distance = 0;  // see find_holder_distance(); 0: no stacks are read
  bool notes_every_hold = false;       // not only where somebody waits
  std::uint64_t number = 0;  // of the run, so that a thread knows what it remembers from an earlier one
  std::uint32_t next_gil = 0;
  std::uint32_t gils_made = 0;      // since those that are gone were last looked for,
  std::uint32_t gils_to_sweep = 0;  // and as many as that is put off for
};

// The table's mutex is held by the caller of these four.
[[nodiscard]] bool is_session_on() noexcept;
void begin_session(Recorder& recorder, ProbeClock clock, const GilLayout& layout, const GilOwners& owners,
                   std::uintptr_t holder_distance, bool notes_every_hold) noexcept;
// The hold that the calling thread is in when the probe starts: its acquire came before. Records it as of
// now.
void record_own_hold(Gil& gil) noexcept;
// When it returns, no thread is inside the recorder, and none will be; but after the end of Python a thread
// that it left behind may be: the recorder must outlive that.
void end_session() noexcept;

// For the handlers of fork(): the first runs before it and keeps the table's mutex, the others give it back.
void before_fork() noexcept;
void after_fork_in_parent() noexcept;
void after_fork_in_child() noexcept;

}  // namespace gilscope
