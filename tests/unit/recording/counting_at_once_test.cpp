// What is counted while threads go on, and others read.
#include <array>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <random>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/event_lists.h"
#include "capture/fake_code.h"
#include "recording/as_hooks.h"
#include "recording/blame_counters.h"

namespace gilscope {
namespace {

using test::acquire;
using test::release;

// A GIL as CPython has it, as far as a recorder sees: events come with its mutex held, in the order of their
// ticks.
class PretendedGil {
 public:
  PretendedGil(test::AsHooks& hooks, unsigned id, std::atomic<std::uint64_t>& clock)
      : hooks_(hooks), id_(id), clock_(clock) {}

  void take(unsigned thread) {
    std::unique_lock lock(mutex_);
    if (held_) {
      record(thread, EventKind::Request);
      released_.wait(lock, [&] { return !held_; });
    }
    held_ = true;
    record(thread, EventKind::Acquire);
  }
  void drop(unsigned thread) {
    {
      const std::scoped_lock lock(mutex_);
      record(thread, EventKind::Release);
      held_ = false;
    }
    released_.notify_one();
  }

 private:
  void record(unsigned thread, EventKind kind) {
    hooks_.give({.ticks = clock_.fetch_add(1), .gil = GilId{id_}, .thread = ThreadId{thread}, .kind = kind});
  }
  test::AsHooks& hooks_;
  unsigned id_;
  std::atomic<std::uint64_t>& clock_;
  std::mutex mutex_;
  std::condition_variable released_;
  bool held_ = false;
};

MachineSnapshot read(const BlameCounters& counters, std::uint64_t now) {
  return counters.view().figures(now);
}

void expect_consistent(const MachineSnapshot& snapshot, std::uint64_t end) {
  for (const auto& gil : snapshot.gils) {
    std::uint64_t held = 0;
    std::uint64_t holds = 0;
    for (const auto& row : snapshot.threads) {
      if (row.gil != gil.gil) continue;
      held += row.hold_ticks;
      holds += row.holds;
    }
    EXPECT_LE(held, end);
    EXPECT_LE(gil.handoffs, holds);
    for (const auto violations : gil.violations) EXPECT_EQ(violations, 0U);
  }
  for (const auto& row : snapshot.threads) {
    EXPECT_EQ(row.holds, row.forced + row.voluntary + (row.open == OpenInterval::Hold ? 1 : 0));
    EXPECT_EQ(row.hold.has_value(), row.holds > 0);
    EXPECT_LE(row.waits, row.holds + 1);
    // At least a tick each, but for an open one that began after `now`.
    EXPECT_GE(row.hold_ticks + 1, row.holds);
    if (!row.hold) continue;
    EXPECT_LE(row.hold->p50, row.hold->max);
  }
}

TEST(CountingAtOnce, are_consistent_while_threads_record_on_two_gils_at_once) {
  constexpr unsigned kThreads = 6;
  constexpr unsigned kTurns = 5000;
  BlameCounters counters({.rows = 64, .gils = 4});
  std::atomic<std::uint64_t> clock{1};
  test::AsHooks hooks(counters);
  std::array<PretendedGil, 2> gils{PretendedGil{hooks, 0, clock}, PretendedGil{hooks, 1, clock}};
  std::atomic<unsigned> running{kThreads};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (unsigned turn = 0; turn < kTurns; ++turn) {
        // Threads 0 and 1 keep to a GIL of their own, the others go from one to the other.
        auto& gil = gils[thread < 2 ? thread : turn % 2];
        gil.take(thread);
        gil.drop(thread);
      }
      --running;
    });
  }
  std::uint64_t holds_before = 0;
  while (running > 0) {
    const auto snapshot = read(counters, clock);
    expect_consistent(snapshot, clock);
    std::uint64_t holds = 0;
    for (const auto& row : snapshot.threads) holds += row.holds;
    EXPECT_GE(holds, holds_before) << "figures only grow";
    holds_before = holds;
  }
  for (auto& thread : threads) thread.join();

  const auto snapshot = read(counters, clock);
  expect_consistent(snapshot, clock);
  EXPECT_EQ(snapshot.threads.size(), 2 + (kThreads - 2) * 2U);
  std::uint64_t holds = 0;
  for (const auto& row : snapshot.threads) {
    holds += row.holds;
    EXPECT_EQ(row.open, OpenInterval::None);
  }
  EXPECT_EQ(holds, std::uint64_t{kThreads} * kTurns);
}

// Counters, and their tables for a reader that is looked at between its steps.
struct ReadInSteps {
  explicit ReadInSteps(const Bounds& bounds)
      : memory(BlameCounters::size_of(bounds)),
        counters(bounds, memory.data()),
        tables(bounds, memory.data()),
        hooks(counters) {}

  ZeroedMemory memory;
  BlameCounters counters;
  BlameTables tables;
  test::AsHooks hooks;
};

// An event that is put while somebody has the lock tells nothing of quiet holds; figures do not get less for
// that.
TEST(CountingAtOnce, count_a_hold_that_began_while_the_lock_was_taken) {
  ReadInSteps reading({.rows = 4, .gils = 1});
  auto& [memory, counters, tables, hooks] = reading;
  const auto count_of_first = [&](const std::vector<QuietFigures>& quiet) {
    return tables.figures(quiet, 100).threads.at(0).holds;
  };
  hooks.give(acquire(10, 1));
  auto quiet = tables.read_quiet_holds();
  hooks.give(test::request(11, 2));
  hooks.give(release(12, 1));
  hooks.give(acquire(13, 2));
  hooks.give(release(14, 2));
  tables.queue().lock();
  hooks.give(acquire(20, 1));
  EXPECT_TRUE(tables.drain(1000));
  tables.settle(quiet);
  EXPECT_EQ(count_of_first(quiet), 2U);
  auto again = tables.read_quiet_holds();
  tables.settle(again);
  EXPECT_EQ(count_of_first(again), 2U);
  tables.queue().unlock();
  hooks.give(release(21, 1));
  const auto row = counters.view().figures(100).threads.at(0);
  EXPECT_EQ(row.holds, 2U);
  EXPECT_EQ(row.hold_ticks, 3U);
}

// Nor for a quiet hold that ended just before such an event.
TEST(CountingAtOnce, count_a_hold_that_ended_before_the_lock_was_taken) {
  ReadInSteps reading({.rows = 4, .gils = 2});
  auto& [memory, counters, tables, hooks] = reading;
  hooks.give(acquire(1, 1, 1));
  hooks.give(release(2, 1, 1));
  hooks.give(acquire(10, 1));
  auto quiet = tables.read_quiet_holds();
  hooks.give(release(11, 1));
  tables.queue().lock();
  hooks.give(acquire(12, 1, 1));
  hooks.give(release(13, 1, 1));
  hooks.give(acquire(14, 1));
  EXPECT_TRUE(tables.drain(1000));
  tables.settle(quiet);
  for (const auto& row : tables.figures(quiet, 100).threads) EXPECT_EQ(row.holds, 2U);
  tables.queue().unlock();
}

// The hardest for a reader: one thread that does nothing but take and drop a GIL.
TEST(CountingAtOnce, are_readable_at_the_greatest_rate) {
  BlameCounters counters({.rows = 4, .gils = 1});
  test::AsHooks hooks(counters);
  std::atomic<bool> is_done{false};
  std::atomic<std::uint64_t> clock{1};
  std::thread writer([&] {
    for (std::uint64_t ticks = 2; !is_done; ticks += 2) {
      hooks.give(acquire(ticks, 1));
      hooks.give(release(ticks + 1, 1));
      clock.store(ticks, std::memory_order_relaxed);
    }
  });
  for (int i = 0; i < 2000; ++i) {
    const auto snapshot = read(counters, clock);
    for (const auto& row : snapshot.threads) {
      ASSERT_EQ(row.holds, row.voluntary + (row.open == OpenInterval::Hold ? 1 : 0));
      ASSERT_LE(row.holds - row.hold_ticks, 1U) << "each lasts one tick, an open one one or none";
    }
  }
  is_done = true;
  writer.join();
}

// Each thread has its own GIL and comes first to it, while the rows give out.
TEST(CountingAtOnce, hand_out_rows_to_gils_that_come_at_once) {
  constexpr unsigned kGils = 8;
  constexpr unsigned kThreadsOfGil = 40;
  BlameCounters counters({.rows = 200, .gils = kGils});
  test::AsHooks hooks(counters);
  std::vector<std::thread> threads;
  threads.reserve(kGils);
  for (unsigned gil = 0; gil < kGils; ++gil) {
    threads.emplace_back([&hooks, gil] {
      for (unsigned turn = 0; turn < 50; ++turn) {
        for (unsigned thread = 0; thread < kThreadsOfGil; ++thread) {
          const std::uint64_t ticks = 10 * (std::uint64_t{turn} * kThreadsOfGil + thread + 1);
          hooks.give(acquire(ticks, thread, gil));
          hooks.give(release(ticks + 3, thread, gil));
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto snapshot = read(counters, 1'000'000);
  std::uint64_t own_rows = 0;
  std::array<std::uint64_t, kGils> holds{};
  for (const auto& row : snapshot.threads) {
    own_rows += row.thread ? 1U : 0U;
    holds[static_cast<std::size_t>(row.gil)] += row.holds;
    EXPECT_EQ(row.hold_ticks, 3 * row.holds);
  }
  EXPECT_EQ(own_rows, 200U);
  for (const auto count : holds) EXPECT_EQ(count, 50U * kThreadsOfGil);
}

std::size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  }
  return 0;
}

TEST(CountingAtOnce, take_no_memory_for_events) {
  BlameCounters counters;
  test::AsHooks hooks(counters);
  std::mt19937_64 random(1);  // NOLINT(bugprone-random-generator-seed): the same test every time
  std::uint64_t ticks = 0;
  const auto record = [&](int pairs) {
    for (int i = 0; i < pairs; ++i) {
      const auto thread = static_cast<unsigned>(i % 4);
      hooks.give(acquire(ticks += random() % 1000, thread));
      hooks.give(release(ticks += random() % 100'000, thread));
    }
  };
  record(50'000);
  const auto before = resident_kib();
  record(5'000'000);
  EXPECT_LT(resident_kib(), before + 1024);
  std::uint64_t holds = 0;
  for (const auto& row : read(counters, ticks).threads) holds += row.holds;
  EXPECT_EQ(holds, 5'050'000U);
}

}  // namespace
}  // namespace gilscope
