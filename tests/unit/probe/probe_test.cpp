// Exactness: n releases and acquires are n events each, in their order, by their thread.
#include <Python.h>

#include "probe/probe.h"

#include <sys/wait.h>
#include <thread>

#include "probe/elf_slots.h"
#include "probe/page.h"
#include "probe/probe_fixture.h"
#include "probe/slot_patch.h"

namespace gilscope {
namespace {

TEST_F(ProbeTest, EveryReleaseAndAcquireIsOneEvent) {
  constexpr std::size_t kPairs = 10'000;
  EventList list;
  Probe probe;
  probe.start(list);
  for (std::size_t i = 0; i < kPairs; ++i) {
    const Detached detached;
  }
  probe.stop();
  const auto events = list.events();
  ASSERT_EQ(events.size(), 1 + 2 * kPairs);
  EXPECT_EQ(events.front().kind, EventKind::Acquire);
  for (std::size_t i = 0; i < events.size(); ++i) {
    ASSERT_EQ(events[i].kind, i % 2 == 0 ? EventKind::Acquire : EventKind::Release) << i;
    ASSERT_EQ(events[i].thread, this_thread_id());
    ASSERT_EQ(events[i].gil, GilId{0});
  }
  expect_true_list(events);
}

TEST_F(ProbeTest, PythonsOwnReadsAreTwoEventsEach) {
  run("import os; fd = os.open('/dev/zero', os.O_RDONLY)");
  EventList list;
  Probe probe;
  probe.start(list);
  run("for _ in range(10000): os.read(fd, 1)");
  probe.stop();
  run("os.close(fd)");
  EXPECT_EQ(list.count(EventKind::Acquire), 10'001U);
  EXPECT_EQ(list.count(EventKind::Release), 10'000U);
  expect_true_list(list.events());
}

TEST_F(ProbeTest, TwoThreadsThatTakeTurnsAreSeenInTurns) {
  constexpr int kTurns = 2'000;
  EventList list;
  std::binary_semaphore mine(0);
  std::binary_semaphore theirs(0);
  ThreadId other_id{};
  Probe probe;
  std::thread thread([&] {
    other_id = this_thread_id();
    AttachedThread other;
    for (int i = 0; i < kTurns; ++i) {
      theirs.acquire();
      other.attach();
      other.detach();
      mine.release();
    }
    theirs.acquire();
  });
  probe.start(list);
  for (int i = 0; i < kTurns; ++i) {
    const Detached detached;
    theirs.release();
    mine.acquire();
  }
  probe.stop();
  theirs.release();
  {
    const Detached detached;
    thread.join();
  }
  const auto events = list.events();
  expect_true_list(events);
  ASSERT_EQ(list.count(EventKind::Acquire), 1U + 2 * kTurns);
  ASSERT_EQ(list.count(EventKind::Release), 2U * kTurns);
  EXPECT_EQ(list.count(EventKind::Request), 0U);
  for (std::size_t i = 0; i + 4 < events.size(); i += 4) {
    EXPECT_EQ(events[i].thread, this_thread_id());
    EXPECT_EQ(events[i + 1].thread, this_thread_id());
    EXPECT_EQ(events[i + 2].thread, other_id);
    EXPECT_EQ(events[i + 3].thread, other_id);
  }
}

TEST_F(ProbeTest, AWaiterRequestsOnceAndTimesOutEveryInterval) {
  EventList list;
  std::binary_semaphore may_ask(0);
  Probe probe;
  std::thread thread([&] {
    may_ask.acquire();
    AttachedThread other;
    other.attach();
    other.detach();
  });
  probe.start(list);
  may_ask.release();
  // No bytecode runs here, so nobody sees the waiter's wish.
  while (list.count(EventKind::Timeout) < 3) std::this_thread::yield();
  {
    const Detached detached;
    thread.join();
  }
  probe.stop();
  expect_true_list(list.events());
  EXPECT_EQ(list.count(EventKind::Request), 1U);
  EXPECT_EQ(list.count(EventKind::Acquire), 4U);  // of them one to end the thread's state
  EXPECT_EQ(list.count(EventKind::Release), 3U);
}

TEST_F(ProbeTest, TwoLoopsOfBytecodeForceEachOther) {
  EventList list;
  Probe probe;
  probe.start(list);
  run(R"(
import threading
turns = [0]
def take_turns(own):
    while turns[0] < 20:
        if turns[0] % 2 == own: turns[0] += 1
threads = [threading.Thread(target=take_turns, args=(own,)) for own in range(2)]
for t in threads: t.start()
for t in threads: t.join()
)");
  probe.stop();
  const auto events = list.events();
  expect_true_list(events);
  // Between two turns the one must have made the other give it up: neither ever waits for anything else.
  EXPECT_GE(list.count(EventKind::Timeout), 19U);
  EXPECT_GE(list.count(EventKind::Request), 19U);
  // After a timeout of theirs, the next release comes by the one who was asked, and the asker takes over.
  std::size_t handed_over = 0;
  for (std::size_t i = 0; i + 2 < events.size(); ++i) {
    if (events[i].kind == EventKind::Timeout && events[i + 1].kind == EventKind::Release &&
        events[i + 2].kind == EventKind::Acquire && events[i + 2].thread == events[i].thread) {
      ++handed_over;
    }
  }
  EXPECT_GT(handed_over, 0U);
}

TEST_F(ProbeTest, AThousandShortThreads) {
  EventList list;
  Probe probe;
  probe.start(list);
  run(R"(
import threading
seen = []
for _ in range(1000):
    t = threading.Thread(target=lambda: seen.append(threading.get_native_id()))
    t.start(); t.join()
assert len(seen) == 1000
)");
  probe.stop();
  expect_true_list(list.events());
  EXPECT_GE(list.count(EventKind::Acquire), 2'000U);
}

TEST_F(ProbeTest, AfterTheStopThereIsNoEventAndTheProbeStartsAgain) {
  EventList first;
  EventList second;
  Probe probe;
  for (EventList* list : {&first, &second}) {
    probe.start(*list);
    {
      const Detached detached;
    }
    probe.stop();
    EXPECT_EQ(list->size(), 3U);
    {
      const Detached detached;
    }
    EXPECT_EQ(list->size(), 3U);
    expect_true_list(list->events());
    EXPECT_EQ(list->events().front().gil, GilId{0});
  }
  EXPECT_EQ(first.size(), 3U);
}

TEST_F(ProbeTest, SlotsAndPageProtectionsEndAsTheyWere) {
  const LoadedObject cpython = LoadedObject::of_cpython();
  std::vector<std::uintptr_t*> slots;
  for (const char* function : {"pthread_cond_signal", "pthread_cond_timedwait", "pthread_cond_init",
                               "pthread_cond_destroy", "pthread_mutex_lock"}) {
    for (const Slot& slot : cpython.find_slots(function)) slots.push_back(slot.place);
  }
  EventList list;
  Probe probe;
  // The first start resolves what the dynamic linker had left for the first call.
  probe.start(list);
  probe.stop();
  std::vector<std::pair<std::uintptr_t, std::string>> before;
  for (auto* slot : slots) before.emplace_back(*slot, page_flags(reinterpret_cast<std::uintptr_t>(slot)));
  probe.start(list);
  EXPECT_NE(*cpython.find_slots("pthread_cond_signal").front().place, before.front().first);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    EXPECT_EQ(page_flags(reinterpret_cast<std::uintptr_t>(slots[i])), before[i].second);
  }
  probe.stop();
  for (std::size_t i = 0; i < slots.size(); ++i) {
    EXPECT_EQ(*slots[i], before[i].first);
    EXPECT_EQ(page_flags(reinterpret_cast<std::uintptr_t>(slots[i])), before[i].second);
  }
  EXPECT_FALSE(probe.losses().were_slots_overwritten);
}

TEST_F(ProbeTest, SomebodyElsesHookIsRefused) {
  const Slot slot = LoadedObject::of_cpython().find_slots("pthread_cond_timedwait").front();
  const std::uintptr_t original = *slot.place;
  EventList list;
  const SlotPatch foreign(
      {{.slot = slot, .original = original, .replacement = reinterpret_cast<std::uintptr_t>(&getpid)}});
  Probe probe;
  try {
    probe.start(list);
    ADD_FAILURE() << "not refused";
  } catch (const ProbeError& error) {
    EXPECT_EQ(error.failure(), ProbeFailure::AlreadyRunning);
    EXPECT_NE(std::string_view(error.what()).find("pthread_cond_timedwait"), std::string_view::npos);
  }
  EXPECT_FALSE(probe.is_running());
}

}  // namespace
}  // namespace gilscope
