// GILs of sub-interpreters: made before the probe and after, ended, and shared.
#include <Python.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <malloc.h>
#include <map>
#include <mutex>
#include <pthread.h>
#include <set>
#include <thread>

#include "probe/hook_level.h"
#include "probe/probe_fixture.h"

namespace gilscope {
namespace {

#if PY_VERSION_HEX >= 0x030c0000

// A sub-interpreter, made by the test's thread, which comes back attached to the main one.
class Subinterpreter {
 public:
  explicit Subinterpreter(int gil) : main_(PyThreadState_Get()) {
    PyInterpreterConfig config{};
    const bool is_isolated = gil == PyInterpreterConfig_OWN_GIL;
    config.use_main_obmalloc = is_isolated ? 0 : 1;
    config.allow_threads = 1;
    config.check_multi_interp_extensions = is_isolated ? 1 : 0;
    config.gil = gil;
    const PyStatus status = Py_NewInterpreterFromConfig(&state_, &config);
    EXPECT_FALSE(PyStatus_Exception(status));
    id_ = PyInterpreterState_GetID(PyThreadState_GetInterpreter(state_));
    PyThreadState_Swap(main_);
  }
  Subinterpreter(const Subinterpreter&) = delete;
  Subinterpreter& operator=(const Subinterpreter&) = delete;
  Subinterpreter(Subinterpreter&&) = delete;
  Subinterpreter& operator=(Subinterpreter&&) = delete;
  ~Subinterpreter() {
    PyThreadState_Swap(state_);
    Py_EndInterpreter(state_);
    PyThreadState_Swap(main_);
  }

  // One visit: into it, `pairs` releases and acquires there, and back.
  void visit(int pairs) {
    PyThreadState_Swap(state_);
    for (int i = 0; i < pairs; ++i) {
      const Detached detached;
    }
    PyThreadState_Swap(main_);
  }
  // The same, once, by a thread of another kind: calls `within` there.
  template <typename Within>
  void visit_anew(Within within) const {
    PyThreadState* const state = PyThreadState_New(PyThreadState_GetInterpreter(state_));
    PyEval_RestoreThread(state);
    within();
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
  }
  [[nodiscard]] std::int64_t id() const { return id_; }

 private:
  PyThreadState* main_;
  PyThreadState* state_ = nullptr;
  std::int64_t id_ = -1;
};

std::size_t count(const EventList& list, GilId gil, EventKind kind) {
  std::size_t found = 0;
  for (const Event& event : list.events()) found += event.gil == gil && event.kind == kind ? 1 : 0;
  return found;
}

std::size_t count_gils(const EventList& list) {
  std::set<GilId> gils;
  for (const Event& event : list.events()) gils.insert(event.gil);
  return gils.size();
}

TEST_F(ProbeTest, AnOwnGilThatLivedBeforeTheProbeIsSeen) {
  Subinterpreter interpreter(PyInterpreterConfig_OWN_GIL);
  EventList list;
  Probe probe;
  probe.start(list);
  interpreter.visit(100);
  probe.stop();
  expect_true_list(list.events());
  EXPECT_EQ(count_gils(list), 2U);
  EXPECT_EQ(count(list, GilId{1}, EventKind::Acquire), 101U);
  EXPECT_EQ(count(list, GilId{1}, EventKind::Release), 101U);
  EXPECT_EQ(count(list, GilId{0}, EventKind::Acquire), 2U);
  EXPECT_EQ(count(list, GilId{0}, EventKind::Release), 1U);
  EXPECT_EQ(list.owners().at(GilId{0}), 0);
  EXPECT_EQ(list.owners().at(GilId{1}), interpreter.id());
}

// Another GIL's may come just then: two interpreters that begin at once.
TEST_F(ProbeTest, TheFirstEventOfAGilIsRecordedWhoeverIsAtTheTable) {
  const Subinterpreter interpreter(PyInterpreterConfig_OWN_GIL);
  EventList list;
  Probe probe;
  probe.start(list);
  {
    const Detached detached;
  }
  const auto own = hook_levels[0].calibration_of_holder();
  ASSERT_TRUE(own.has_value());
  GilTable& table = hook_levels[0].table();
  pthread_mutex_t* mutex = nullptr;
  table.for_each([&](const Gil& gil) {
    if (gil.key() != own->cond)
      mutex = reinterpret_cast<pthread_mutex_t*>(gil.key() + own->layout.mutex_offset);
  });
  ASSERT_NE(mutex, nullptr);
  std::atomic<bool> is_inside{false};
  std::thread visitor;
  {
    const std::scoped_lock lock(table.mutex());
    visitor = std::thread([&] { interpreter.visit_anew([&] { is_inside = true; }); });
    // Until it keeps the GIL's mutex, as in a hook that waits, or has come through without an event.
    constexpr int kMany = 1000;
    for (int kept = 0; !is_inside && kept < kMany; ++kept, std::this_thread::yield()) {
      if (pthread_mutex_trylock(mutex) != 0) continue;
      pthread_mutex_unlock(mutex);
      kept = 0;
    }
  }
  visitor.join();
  probe.stop();
  EXPECT_EQ(count(list, GilId{1}, EventKind::Acquire), 1U);
  EXPECT_EQ(count(list, GilId{1}, EventKind::Release), 1U);
}

// As on a processor whose counter is ahead of the next one's.
TEST_F(ProbeTest, TimesOfAThreadGrowFromGilToGil) {
  Subinterpreter interpreter(PyInterpreterConfig_OWN_GIL);
  EventList list;
  Probe probe;
  probe.start(list);
  hook_levels[0].table().for_each(
      [](Gil& gil) { gil.last_ticks += std::uint64_t{1} << (gil.holder == kNobody ? 0U : 50U); });
  interpreter.visit(1);
  probe.stop();
  const auto events = list.events();
  EXPECT_EQ(count_gils(list), 2U);
  EXPECT_EQ(std::ranges::adjacent_find(events, std::ranges::greater_equal{}, &Event::ticks), events.end());
  EXPECT_GT(events.back().ticks, std::uint64_t{1} << 50U);
}

TEST_F(ProbeTest, AnOwnGilMadeUnderTheProbeIsSeenAndItsNumberIsNeverUsedAgain) {
  EventList list;
  Probe probe;
  probe.start(list);
  for (std::size_t round = 1; round <= 5; ++round) {
    Subinterpreter interpreter(PyInterpreterConfig_OWN_GIL);
    const std::size_t before = count(list, GilId{static_cast<std::uint32_t>(round)}, EventKind::Acquire);
    interpreter.visit(50);
    EXPECT_EQ(count_gils(list), round + 1);
    EXPECT_EQ(count(list, GilId{static_cast<std::uint32_t>(round)}, EventKind::Acquire), before + 51);
    EXPECT_EQ(list.owners().at(GilId{static_cast<std::uint32_t>(round)}), interpreter.id());
  }
  probe.stop();
  expect_true_list(list.events());
  EXPECT_EQ(probe.losses().overlooked_gils, 0U);
}

TEST_F(ProbeTest, ASharedGilStaysOne) {
  Subinterpreter before(PyInterpreterConfig_SHARED_GIL);
  EventList list;
  Probe probe;
  probe.start(list);
  before.visit(10);
  {
    Subinterpreter after(PyInterpreterConfig_SHARED_GIL);
    after.visit(10);
  }
  before.visit(10);
  probe.stop();
  expect_true_list(list.events());
  EXPECT_EQ(count_gils(list), 1U);
}

TEST_F(ProbeTest, AnInterpreterMayEndAfterTheProbeAndTheProbeOutliveOne) {
  EventList list;
  Probe probe;
  {
    Subinterpreter shared(PyInterpreterConfig_SHARED_GIL);
    Subinterpreter own(PyInterpreterConfig_OWN_GIL);
    probe.start(list);
    own.visit(1);
  }
  probe.stop();
  {
    Subinterpreter own(PyInterpreterConfig_OWN_GIL);
    probe.start(list);
    probe.stop();
    own.visit(1);
  }
  EXPECT_EQ(count_gils(list), 2U);
}

// CPython does not destroy the GIL of an interpreter that ends; it only frees the memory, here to the system.
TEST_F(ProbeTest, AnInterpreterWhoseMemoryIsGoneIsNotTouchedAtTheStop) {
  mallopt(M_MMAP_THRESHOLD, 64 * 1024);
  EventList list;
  Probe probe;
  probe.start(list);
  for (int i = 0; i < 3; ++i) {
    Subinterpreter own(PyInterpreterConfig_OWN_GIL);
    own.visit(1);
  }
  Subinterpreter alive(PyInterpreterConfig_OWN_GIL);
  alive.visit(1);
  probe.stop();
  const std::size_t events = list.size();
  alive.visit(1);
  EXPECT_EQ(list.size(), events);
  EXPECT_EQ(count_gils(list), 5U);
}

// One after the other, or beside each other for a while: the recorder is told which GILs are no more, whether
// their memory is in use again or not.
TEST_F(ProbeTest, GilsOfInterpretersThatHaveEndedAreClosed) {
  constexpr std::size_t kInterpreters = 150;
  EventList list;
  Probe probe;
  probe.start(list);
  Subinterpreter alive(PyInterpreterConfig_OWN_GIL);
  alive.visit(1);
  {
    std::deque<Subinterpreter> some;
    for (std::size_t i = 0; i < kInterpreters; ++i) {
      some.emplace_back(i % 5 == 4 ? PyInterpreterConfig_SHARED_GIL : PyInterpreterConfig_OWN_GIL);
      some.back().visit(1);
      if (i >= 10) some.pop_front();
    }
  }
  for (int i = 0; i < 40; ++i) {
    Subinterpreter own(PyInterpreterConfig_OWN_GIL);
    own.visit(1);
  }
  alive.visit(1);
  probe.stop();
  EXPECT_EQ(probe.losses().overlooked_gils, 0U);
  const auto gils = count_gils(list);
  EXPECT_EQ(gils, 2 + kInterpreters / 5 * 4 + 40);
  EXPECT_GT(list.closed().size(), gils - 40) << "but for the last ones, which nobody has looked for yet";
  EXPECT_FALSE(list.closed().contains(GilId{0}));
  EXPECT_FALSE(list.closed().contains(GilId{1}));
  std::map<GilId, std::uint32_t> events;
  for (const Event& event : list.events()) ++events[event.gil];
  for (const auto& [gil, told] : list.closed()) EXPECT_EQ(told, events.at(gil));
}

TEST_F(ProbeTest, TheProbeCanStartInASubinterpreter) {
  Subinterpreter other(PyInterpreterConfig_OWN_GIL);
  PyThreadState* const main = PyThreadState_Get();
  PyThreadState* own = nullptr;
  PyInterpreterConfig config{};
  config.allow_threads = 1;
  config.check_multi_interp_extensions = 1;
  config.gil = PyInterpreterConfig_OWN_GIL;
  ASSERT_FALSE(PyStatus_Exception(Py_NewInterpreterFromConfig(&own, &config)));
  EventList list;
  Probe probe;
  probe.start(list);
  PyThreadState_Swap(main);
  other.visit(10);
  probe.stop();
  PyThreadState_Swap(own);
  Py_EndInterpreter(own);
  PyThreadState_Swap(main);
  expect_true_list(list.events());
  EXPECT_EQ(count_gils(list), 3U);  // own, main, other: in the order of their events
  EXPECT_NE(list.owners().at(GilId{0}), 0);
  EXPECT_EQ(count(list, GilId{2}, EventKind::Acquire), 11U);
}

#else

TEST_F(ProbeTest, SubinterpretersShareTheOneGil) {
  EventList list;
  Probe probe;
  probe.start(list);
  PyThreadState* const main = PyThreadState_Get();
  PyThreadState* const other = Py_NewInterpreter();
  ASSERT_NE(other, nullptr);
  for (int i = 0; i < 100; ++i) {
    const Detached detached;
  }
  Py_EndInterpreter(other);
  PyThreadState_Swap(main);
  probe.stop();
  expect_true_list(list.events());
  for (const Event& event : list.events()) ASSERT_EQ(event.gil, GilId{0});
  EXPECT_GE(list.count(EventKind::Acquire), 101U);
  ASSERT_EQ(list.owners().size(), 1U);
  EXPECT_EQ(list.owners().at(GilId{0}), 0);
}

#endif

}  // namespace
}  // namespace gilscope
