// A program that CPython is linked into calls through the hooked slots itself: what it makes is no GIL,
// wherever it lies.
#include <Python.h>

#include <mutex>
#include <sys/mman.h>

#include "probe/calibration.h"
#include "probe/hook_level.h"
#include "probe/hooks.h"
#include "probe/probe_fixture.h"
#include "recording/in_child.h"

namespace gilscope {
namespace {

// Workers of such a program, as far apart as the two condition variables of a GIL. Their memory goes to the
// system.
class WorkerPool {
 public:
  WorkerPool() : distance_(calibrate(LoadedObject::of_cpython()).layout.switch_cond_offset) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  WorkerPool(WorkerPool&&) = delete;
  WorkerPool& operator=(WorkerPool&&) = delete;
  ~WorkerPool() { munmap(memory_, kBytes); }

  void make() {
    for (std::size_t i = 0; i < kWorkers; ++i) hooks_of(0).pthread_cond_init(cond(i), nullptr);
  }
  void wake() {
    for (std::size_t i = 0; i < kWorkers; ++i) hooks_of(0).pthread_cond_signal(cond(i));
  }
  [[nodiscard]] std::uintptr_t address() { return reinterpret_cast<std::uintptr_t>(cond(0)); }
  // As if an interpreter's GIL had been there.
  void enter_first() {
    const std::scoped_lock lock(hook_levels[0].table().mutex());
    hook_levels[0].table().insert(address());
  }

 private:
  static constexpr std::size_t kWorkers = 3000;  // more than the table of GILs takes
  static constexpr std::size_t kBytes = std::size_t{1} << 20U;

  pthread_cond_t* cond(std::size_t index) {
    return reinterpret_cast<pthread_cond_t*>(static_cast<std::byte*>(memory_) + index * distance_);
  }

  std::uintptr_t distance_;
  // NOLINTNEXTLINE(bugprone-signed-bitwise): mmap() takes ints of flags
  void* memory_ = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
};

class FalseGil : public ProbeTest {
 protected:
  void SetUp() override {
    ProbeTest::SetUp();
    if (IsSkipped()) return;
    // What the pool calls through is known once the probe ran.
    EventList list;
    Probe probe;
    probe.start(list);
  }
};

TEST_F(FalseGil, WhatOnlyLiesLikeAGilIsNone) {
  EventList list;
  Probe probe;
  {
    WorkerPool pool;
    probe.start(list);
    pool.make();
    pool.wake();
  }
  {
    const Detached detached;
  }
  probe.stop();
  EXPECT_EQ(list.size(), 3U);
  EXPECT_EQ(list.owners().size(), 1U);
  EXPECT_EQ(probe.losses().overlooked_gils, 0U);
  expect_true_list(list.events());
}

// An interpreter that shares another's GIL has one too, unused; when it ends, its memory is anybody's.
TEST_F(FalseGil, WhatIsMadeWhereAnInterpreterWasIsNone) {
  for (const bool is_told : {false, true}) {
    WorkerPool pool;
    EventList list;
    Probe probe;
    probe.start(list);
    pool.enter_first();
    if (is_told) {
      pool.make();
      EXPECT_EQ(hook_levels[0].table().find(pool.address()), nullptr);
    }
    pool.wake();
    EXPECT_EQ(hook_levels[0].table().find(pool.address()), nullptr);
    probe.stop();
    EXPECT_EQ(list.size(), 1U);
  }
}

TEST_F(FalseGil, TheTrueOneIsKnownAgainInAForkedChild) {
  WorkerPool pool;
  EventList list;
  Probe probe;
  probe.start(list);
  run("import os\nchild = os.fork()");
  PyObject* const child = PyObject_GetAttrString(PyImport_AddModule("__main__"), "child");
  const auto pid = static_cast<pid_t>(PyLong_AsLong(child));
  Py_DECREF(child);
  if (pid == 0) {
    pool.make();
    pool.wake();
    const std::size_t inherited = list.size();
    {
      const Detached detached;
    }
    const bool is_seen = list.size() == inherited + 2 && list.owners().size() == 1;
    probe.stop();
    _exit(is_seen ? 0 : 1);
  }
  probe.stop();
  EXPECT_EQ(test::wait_for(pid), 0);
}

}  // namespace
}  // namespace gilscope
