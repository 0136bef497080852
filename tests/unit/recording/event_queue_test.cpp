// Events come out of the queue in the order of their GIL, whoever put them in and whatever stands there.
#include "recording/event_queue.h"

#include <array>
#include <csignal>
#include <memory>
#include <random>
#include <sys/mman.h>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "probe/system_thread.h"
#include "recording/in_child.h"

namespace gilscope {
namespace {

class EventQueueTest : public testing::Test {
 protected:
  EventQueueTest() { queue->begin(); }

  static QueuedEvent event(std::uint32_t gil, std::uint32_t sequence) {
    return QueuedEvent::of({.gil = GilId{gil}, .kind = EventKind::Acquire, .sequence = sequence});
  }
  static void put(EventRing& ring, const QueuedEvent& event) {
    ring.events[ring.head.get() % EventRing::kEvents] = event;
    ring.head.add(1);
  }
  EventRing& ring(std::uint32_t thread) { return *queue->ring_of(thread); }
  std::vector<QueuedEvent> drain(std::uint64_t limit = ~std::uint64_t{0}) {
    std::vector<QueuedEvent> taken;
    is_empty = queue->drain(limit, [&](const QueuedEvent& event) { taken.push_back(event); });
    return taken;
  }

  std::unique_ptr<EventQueue> queue = std::make_unique<EventQueue>();
  std::uint32_t own = static_cast<std::uint32_t>(this_thread_id());
  bool is_empty = false;
};

TEST_F(EventQueueTest, gives_events_of_each_gil_in_their_order) {
  constexpr std::uint32_t kGils = 3;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::mt19937_64 random(seed);
    const auto threads = 1 + random() % 20;
    std::array<std::uint32_t, kGils> given{};
    std::array<std::uint32_t, kGils> taken{};
    std::fill_n(queue->next.begin(), kGils, Cell{});
    const auto take_all = [&] {
      for (const auto& got : drain()) EXPECT_EQ(got.sequence, taken.at(got.gil)++);
      EXPECT_EQ(taken, given);
    };
    for (int i = 0; i < 2000; ++i) {
      const auto gil = static_cast<std::uint32_t>(random() % kGils);
      EventRing& of_thread = queue->rings[random() % threads];
      queue->rings_used.set(threads);
      if (of_thread.head.get() - of_thread.tail.get() == EventRing::kEvents) take_all();
      put(of_thread, event(gil, given.at(gil)++));
    }
    take_all();
    if (HasFailure()) FAIL() << seed;
  }
}

TEST_F(EventQueueTest, waits_for_an_event_that_is_not_there_yet) {
  EventRing& early = ring(own);
  put(early, event(0, 1));
  put(early, event(1, 0));
  EXPECT_TRUE(drain().empty()) << "of GIL 0 the first is missing; that of GIL 1 is of the same thread, later";
  std::uint32_t other = 0;
  std::thread([&] {
    other = static_cast<std::uint32_t>(this_thread_id());
    put(ring(other), event(0, 0));
  }).join();
  EXPECT_EQ(drain().size(), 3U);
  EXPECT_TRUE(is_empty);
}

TEST_F(EventQueueTest, stops_when_asked_and_goes_on_from_there) {
  EventRing& of_one = ring(own);
  EventRing& of_another = queue->rings[1];
  queue->rings_used.set(2);
  for (std::uint32_t i = 0; i < 300; ++i) put(i % 2 == 0 ? of_one : of_another, event(0, i));
  std::uint64_t taken = 0;
  while (!is_empty) taken += drain(10).size();
  EXPECT_EQ(taken, 300U);
}

TEST_F(EventQueueTest, has_a_sequence_that_begins_again_after_four_billions) {
  queue->next[0].set((std::uint64_t{1} << 32U) - 1);
  put(ring(own), event(0, ~std::uint32_t{0}));
  put(ring(own), event(0, 0));
  EXPECT_EQ(drain().size(), 2U);
}

TEST_F(EventQueueTest, gives_a_thread_the_same_ring_again) {
  EventRing* const first = queue->ring_of(own);
  EXPECT_EQ(queue->ring_of(own), first);
  EXPECT_EQ(queue->rings_used.get(), 1U);
}

// One after the other: their rings are used again, and what is in them is not lost.
TEST_F(EventQueueTest, has_place_for_any_number_of_threads_that_end) {
  std::uint32_t given = 0;
  for (int i = 0; i < 300; ++i) {
    ThreadId id{};
    std::thread([&] {
      id = this_thread_id();
      EventRing* const mine = queue->ring_of(static_cast<std::uint32_t>(id));
      ASSERT_NE(mine, nullptr);
      put(*mine, event(0, given++));
    }).join();
    wait_until_gone(id);
  }
  EXPECT_LE(queue->rings_used.get(), 64U);
  EXPECT_EQ(drain().size(), given);
}

TEST_F(EventQueueTest, has_no_ring_for_more_threads_at_once_than_it_has_rings) {
  for (auto& taken : queue->rings) taken.owner.set(own);
  queue->rings_used.set(EventQueue::kRings);
  std::thread([&] {
    EXPECT_EQ(queue->ring_of(static_cast<std::uint32_t>(this_thread_id())), nullptr);
  }).join();
}

TEST_F(EventQueueTest, of_another_process_may_hold_anything) {
  std::mt19937_64 random(7);  // NOLINT(bugprone-random-generator-seed): the same test every time
  auto* const words = reinterpret_cast<std::uint64_t*>(queue.get());
  const auto begin = offsetof(EventQueue, rings_used) / sizeof *words;
  for (std::size_t i = begin; i < sizeof(EventQueue) / sizeof *words; ++i) {
    words[i] = random() % 8 == 0 ? random() : random() % 4;
  }
  std::uint64_t taken = 0;
  queue->drain(100'000, [&](const QueuedEvent& /*event*/) { ++taken; });
  EXPECT_LE(taken, 100'000U + EventRing::kEvents * EventQueue::kRings);
}

// The memory outlives a process that was killed while it had the lock.
TEST(EventQueueLock, is_free_again_when_its_owner_was_killed) {
  void* const memory =
      mmap(nullptr, sizeof(EventQueue), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto& queue = *static_cast<EventQueue*>(memory);
  EXPECT_FALSE(queue.lock_within(Nanoseconds(1))) << "nobody has begun";
  queue.begin();
  const pid_t child = fork();
  if (child == 0) {
    queue.lock();
    raise(SIGKILL);
  }
  EXPECT_EQ(test::wait_for(child), -SIGKILL);
  EXPECT_TRUE(queue.try_lock());
  std::thread([&] { EXPECT_FALSE(queue.lock_within(Nanoseconds(1))); }).join();
  queue.unlock();
  EXPECT_TRUE(queue.lock_within(Nanoseconds(1)));
  queue.unlock();
  munmap(memory, sizeof(EventQueue));
}

}  // namespace
}  // namespace gilscope
