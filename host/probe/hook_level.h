// One of the probes that a process may run at once, each within the one before: its hooks see every call of
// CPython's and make the real one by calling the hooks of the level below. What a level's hooks know is in
// it; nothing that is recorded on one level is known to another.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <pthread.h>
#include <span>

#include "probe/calibration.h"
#include "probe/clock.h"
#include "probe/code_point.h"
#include "probe/event.h"
#include "probe/gil_owners.h"
#include "probe/gil_table.h"
#include "probe/hooks.h"
#include "probe/python_stack.h"
#include "probe/recorder.h"

namespace gilscope {

// Of a thread that has used none yet.
extern constinit Gil no_gil;

// What a thread remembers from hook to hook. Trivial, so that it needs no guard and is there as long as the
// thread.
struct ThreadMemory {
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  Gil* gil = &no_gil;                  // the one it used last
  Gil* awaited = nullptr;              // the one that it has requested and not got yet,
  std::uint64_t awaited_session = 0;   // in this run of the probe
  std::uint64_t last_ticks = 0;        // of its latest event,
  std::uint64_t last_session = 0;      // which was in this run
  std::uint64_t noted_ticks = kNever;  // of its latest release that came with its stack alone,
  Standing noted{};                    // and where it stood then
  std::uintptr_t initialised = 0;      // the condition variable that it initialised last
  ThreadId id = kNobody;
  std::uint32_t timeouts = 0;     // in the wait that is on, of holds that went on
  std::uint32_t until_timed = 0;  // how many events until one is timed, see HookTimes
  bool is_recording = false;      // re-entry guard
  bool is_where_noted = false;    // it waits, and its latest event before was that release
};

// What the hooks do for a run of a probe.
struct HookTask {
  Recorder* recorder = nullptr;  // nullptr: nothing
  ProbeClock clock;
  GilLayout layout;
  GilOwners owners;
  std::uintptr_t holder_distance = 0;  // see find_holder_distance(); 0: no stacks are read
  bool notes_every_hold = false;       // not only where somebody waits
  std::uintptr_t watched = 0;          // cond of the GIL whose interpreter's collections are watched; 0: none
};

class HookLevel {
 public:
  constexpr HookLevel() = default;
  HookLevel(const HookLevel&) = delete;
  HookLevel& operator=(const HookLevel&) = delete;
  HookLevel(HookLevel&&) = delete;
  HookLevel& operator=(HookLevel&&) = delete;
  ~HookLevel() = default;

  // HOT: what its hooks do. See hooks.h.
  void on_signal(std::uintptr_t cond) noexcept;
  int wait(pthread_cond_t* cond, pthread_mutex_t* mutex, const timespec* until);
  // Cold hooks: they lock the table.
  void on_init(std::uintptr_t cond) noexcept;
  void on_destroy(std::uintptr_t cond) noexcept;
  [[nodiscard]] const GilCalls& below() const noexcept { return below_; }

  [[nodiscard]] GilTable& table() noexcept { return table_; }
  [[nodiscard]] std::uint64_t session() const noexcept { return session_; }
  // Of the GIL that the calling thread holds, and has taken since the run began; nullopt: it is not known.
  // The run does not end meanwhile.
  [[nodiscard]] std::optional<Calibration> calibration_of_holder() const noexcept;

  // Returns once every hook is done that is at it for the GIL that the calling thread used last, which is
  // alive: whatever happened to that GIL before the call is recorded then.
  void await_hooks() const noexcept;

  // The table's mutex is held by the caller of these four.
  [[nodiscard]] bool is_on() const noexcept { return task_.recorder != nullptr; }
  // `below` is the same each time.
  void begin(const HookTask& task, const GilCalls& below) noexcept;
  // The hold that the calling thread is in when the probe starts: its acquire came before. Records it as of
  // now.
  void record_own_hold(Gil& gil) noexcept;
  // When it returns, no thread is inside the recorder, and none will be; but after the end of Python a thread
  // that it left behind may be: the recorder must outlive that.
  void end() noexcept;

  // For the handlers of fork(): the first runs before it and keeps the table's mutex, the others give it
  // back.
  void before_fork() noexcept { table_.mutex().lock(); }
  void after_fork_in_parent() noexcept { table_.mutex().unlock(); }
  void after_fork_in_child() noexcept;

 private:
  [[nodiscard]] std::size_t number() const noexcept;
  [[nodiscard]] ThreadMemory& self() const noexcept;

  void identify_thread() noexcept;
  [[nodiscard]] bool lock_table() noexcept;
  bool adopt(Gil& gil) noexcept;
  bool may_record(Gil& gil) noexcept;
  Event happen(Gil& gil, EventKind kind) noexcept;
  void note_time(const Gil& gil, const Event& event) noexcept;
  void record(Gil& gil, EventKind kind) noexcept;
  void record_quietly(Gil& gil, EventKind kind) noexcept;
  [[nodiscard]] const void* holder_of(const Gil& gil) const noexcept;
  bool add_work(Gil& gil, std::uint64_t now, std::span<const CodePoint>& stack, FrameBuffer& buffer) noexcept;
  void record_with_stack(Gil& gil, EventKind kind) noexcept;
  bool record_seen(Gil& gil) noexcept;
  bool stop_waiting(Gil& gil) noexcept;
  void on_release(Gil& gil) noexcept;
  void on_acquire(Gil& gil) noexcept;
  void on_other_signal(std::uintptr_t cond) noexcept;
  void on_timeout(Gil& gil, std::uintptr_t cond, std::uint64_t in_session,
                  std::uint64_t switches_before) noexcept;
  void work(Recorder& recorder, pthread_mutex_t& mutex) noexcept;
  void change_gil(Gil& gil) noexcept;
  Gil* find_gil(std::uintptr_t cond) noexcept;

  void hand_to_recorder(Gil& gil) noexcept;
  void end_gil(Gil& gil) const noexcept;
  void remove(Gil& gil) noexcept;
  void sweep_gils() noexcept;
  [[nodiscard]] pthread_mutex_t* mutex_of(const Gil& gil) const noexcept;

  // Written under the table's mutex, and read under that of a GIL whose recorder was set under both.
  HookTask task_;
  GilCalls below_{};
  std::uint64_t session_ = 0;  // of the run, so that a thread knows what it remembers from an earlier one
  // Relaxed: the same for the whole process, and written before the first slot is.
  std::atomic<std::uintptr_t> switch_cond_offset_{0};
  // Who holds the table's mutex is about to lock those of GILs.
  std::atomic<bool> locks_gils_{false};
  // Threads inside Recorder::work(): with no mutex of a GIL that would keep the recorder there.
  std::atomic<int> workers_{0};
  std::uint32_t next_gil_ = 0;
  std::uint32_t gils_made_ = 0;      // since those that are gone were last looked for,
  std::uint32_t gils_to_sweep_ = 0;  // and as many as that is put off for
  GilTable table_;
};

// Static: hooks may still look when the probe is gone.
extern constinit std::array<HookLevel, kHookLevels> hook_levels;

extern constinit thread_local std::array<ThreadMemory, kHookLevels> thread_memories
    __attribute__((tls_model("initial-exec")));

inline std::size_t HookLevel::number() const noexcept {
  return static_cast<std::size_t>(this - hook_levels.data());
}

[[gnu::always_inline]] inline ThreadMemory& HookLevel::self() const noexcept {
  return thread_memories[number()];
}

}  // namespace gilscope
