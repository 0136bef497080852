// What is blamed live is what Blame makes of the same events; and its memory ends somewhere.
#include "recording/blame_counters.h"

#include <atomic>
#include <functional>
#include <random>
#include <semaphore>
#include <sys/mman.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>

#include "analysis/event_lists.h"
#include "analysis/snapshots.h"
#include "capture/fake_code.h"
#include "recording/as_hooks.h"
#include "recording/twins.h"
#include "support/file.h"

namespace gilscope {
namespace {

using test::acquire;
using test::FakeCode;
using test::kGil;
using test::make_places;
using test::places_of;
using test::release;
using test::request;
using test::Twins;

// Where spans begin and end, by the places' names: ids differ from recorder to recorder.
using NamedSpan = std::tuple<GilId, std::optional<ThreadId>, std::vector<CodePlace>, std::vector<CodePlace>>;
using Figures = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                           std::uint64_t, std::uint64_t, std::map<ThreadId, std::uint64_t>>;

std::map<NamedSpan, Figures> name(const BlameRecord& blame) {
  std::map<NamedSpan, Figures> named;
  for (const auto& [key, span] : blame.spans) {
    auto waits = span.waits;
    std::erase_if(waits, [](const auto& wait) { return wait.second == 0; });
    if (span.holds == 0 && waits.empty()) continue;
    named[{key.gil, key.thread, places_of(blame.stacks, key.from), places_of(blame.stacks, key.to)}] = {
        span.holds,      span.hold_ticks,      span.max_hold_ticks, span.max_wait_ticks,
        span.late_holds, span.late_wait_ticks, span.forced,         waits};
  }
  return named;
}

// Of each thread and GIL: how long, and where it stood then.
using NamedWaits =
    std::map<std::pair<GilId, ThreadId>, std::multiset<std::pair<std::uint64_t, std::vector<CodePlace>>>>;

// But for the shortest: of equals there may be others that had no place.
NamedWaits name_long_waits(const BlameRecord& blame) {
  NamedWaits named;
  for (const auto& [row, waits] : blame.long_waits) {
    for (const auto& [ticks, stack] : waits) {
      if (ticks > waits.back().ticks) named[row].emplace(ticks, places_of(blame.stacks, stack));
    }
  }
  return named;
}

void expect_the_same(Twins& twins, std::uint64_t now) {
  const BlameRecord& expected = twins.expected(now);
  const auto view = twins.counters.view();
  const auto counted = view.blame(now);
  EXPECT_EQ(name(counted), name(expected));
  EXPECT_EQ(name_long_waits(counted), name_long_waits(expected));
  EXPECT_EQ(counted.switch_intervals, expected.switch_intervals);
  for (const auto& [row, waits] : expected.long_waits) {
    EXPECT_EQ(counted.long_waits.at(row).size(), waits.size());
    EXPECT_EQ(counted.long_waits.at(row).back().ticks, waits.back().ticks);
  }
  test::expect_alike(view.figures(now), twins.expected_figures(now));
}

TEST(BlameCounters, blame_whom_blame_blames_in_any_legal_list) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    // Up to six threads: as many waiters as a span tells apart.
    auto events = test::simulate(seed, {.threads = 2 + static_cast<unsigned>(seed % 5),
                                        .gils = 1 + static_cast<unsigned>(seed % 3),
                                        .events = 600});
    for (std::size_t i = 0; i < events.size(); ++i)
      events[i].ticks += i;  // as from the probe: no two at once
    std::mt19937_64 random(seed);
    Twins twins;
    for (std::size_t i = 0; i < events.size(); ++i) {
      std::vector<CodePoint> stack;
      for (auto depth = random() % 4; depth > 0; --depth) stack.push_back(twins.code.point(random() % 5));
      twins.apply(events[i], stack);
      if (i % 100 == 50) expect_the_same(twins, events[i].ticks + 5);
    }
    expect_the_same(twins, events.back().ticks + 1000 * seed);
    if (HasFailure()) break;
  }
}

// Another thread of the system's, as a recorder remembers of each where it stood.
class OtherThread {
 public:
  OtherThread() = default;
  OtherThread(const OtherThread&) = delete;
  OtherThread& operator=(const OtherThread&) = delete;
  OtherThread(OtherThread&&) = delete;
  OtherThread& operator=(OtherThread&&) = delete;
  ~OtherThread() { call(nullptr); }

  void call(std::function<void()> task) {
    task_ = std::move(task);
    is_there_.release();
    is_done_.acquire();
  }

 private:
  void serve() {
    while (is_there_.acquire(), task_ != nullptr) {
      task_();
      is_done_.release();
    }
    is_done_.release();
  }

  std::function<void()> task_;
  std::binary_semaphore is_there_{0};
  std::binary_semaphore is_done_{0};
  std::jthread thread_{[this] { serve(); }};
};

TEST(BlameCounters, blame_the_same_where_a_stack_is_not_told_again) {
  Twins twins;
  OtherThread other;
  // By the thread that the event is of: this one is 1.
  const auto by = [&](unsigned thread, const std::function<void()>& task) {
    thread == 1 ? task() : other.call(task);
  };
  std::uint64_t now = 1000;
  twins.apply(acquire(now, 1), {});
  for (unsigned turn = 0; turn < 100; ++turn) {
    // They take turns, each at a place of its own that changes now and then.
    const unsigned holder = 1 + turn % 2;
    const unsigned waiter = 3 - holder;
    const std::array here{twins.code.point(holder + turn / 10)};
    by(waiter, [&] { twins.apply(request(now += 7, waiter), {}); });
    by(holder, [&] { twins.apply(release(now += 11 + turn, holder), here); });
    by(waiter, [&] {
      if (turn == 0) return twins.apply(acquire(now += 3, waiter), {});
      twins.apply_again(acquire(now += 3, waiter), std::array{twins.code.point(waiter + (turn - 1) / 10)});
    });
  }
  expect_the_same(twins, now + 5);
}

// More at once than there are rings: each of its events goes straight to the tables, after those that came
// before.
TEST(BlameCounters, blame_the_same_where_a_thread_finds_no_ring) {
  constexpr Bounds kBounds{.rows = 64, .gils = 4};
  const ZeroedMemory memory(BlameCounters::size_of(kBounds));
  Twins twins(kBounds, memory.data());
  EventQueue& queue = BlameTables(kBounds, memory.data()).queue();
  for (EventRing& ring : queue.rings) ring.owner.set(static_cast<std::uint64_t>(gettid()));
  queue.rings_used.set(EventQueue::kRings);
  auto events = test::simulate(3, {.threads = 5, .gils = 2, .events = 600});
  for (std::size_t i = 0; i < events.size(); ++i) events[i].ticks += i;
  std::thread([&] {
    for (std::size_t i = 0; i < events.size(); ++i) {
      const std::array stack{twins.code.point(i % 5)};
      twins.apply(events[i], stack);
    }
  }).join();
  for (const EventRing& ring : queue.rings) ASSERT_EQ(ring.head.get(), 0U);
  expect_the_same(twins, events.back().ticks + 1000);
}

std::map<ThreadId, std::uint64_t> sum_of_waits(const Spans& spans) {
  std::map<ThreadId, std::uint64_t> sum;
  for (const auto& [key, span] : spans) {
    for (const auto& [thread, wait] : span.waits) sum[thread] += wait;
  }
  return sum;
}

TEST(BlameCounters, more_waiters_than_are_told_apart_are_summed_to_the_tick) {
  for (const unsigned threads : {10U, 50U, 200U}) {
    SCOPED_TRACE(threads);
    const auto events = test::simulate(threads, {.threads = threads, .gils = 2, .events = 20'000});
    Twins twins;
    for (const auto& event : events) twins.apply(event, {});
    const auto now = events.back().ticks + 12345;
    const auto snapshot = twins.counters.view().figures(now);
    std::uint64_t waited = 0;
    for (const auto& row : snapshot.threads) waited += row.wait_ticks;
    std::uint64_t caused = 0;
    for (const auto& [thread, wait] : sum_of_waits(twins.counters.view().blame(now).spans)) caused += wait;
    EXPECT_EQ(caused, waited);
  }
}

TEST(BlameCounters, with_every_hold_those_for_which_nobody_waits_are_in_spans) {
  Twins twins;
  twins.counters.take_every_hold();
  const std::array begin{twins.code.point(1)};
  const std::array end{twins.code.point(2)};
  twins.hooks.give_at(acquire(10, 1), begin, twins.code);
  twins.hooks.give_at(release(40, 1), end, twins.code);
  twins.hooks.give_at(acquire(50, 1), end, twins.code);
  const auto spans = name(twins.counters.view().blame(55));
  const auto places = make_places(3);
  const Figures first{1, 30, 30, 0, 0, 0, 0, {}};
  const Figures open{1, 5, 5, 0, 0, 0, 0, {}};
  EXPECT_THAT(spans, testing::UnorderedElementsAre(
                         testing::Pair(NamedSpan{kGil, ThreadId{1}, {places[1]}, {places[2]}}, first),
                         testing::Pair(NamedSpan{kGil, ThreadId{1}, {places[2]}, {}}, open)));
}

TEST(BlameCounters, beyond_their_bounds_lose_lines_and_no_wait) {
  Twins twins;
  const FakeCode code(make_places(20'000));
  std::uint64_t ticks = 0;
  for (std::size_t i = 0; i < 20'000; ++i) {
    const std::array stack{code.point(i)};
    for (const auto& event : {acquire(ticks, 1), request(ticks + 1, 2), release(ticks + 3, 1),
                              acquire(ticks + 4, 2), release(ticks + 5, 2)}) {
      twins.hooks.give(event, stack, code);
    }
    ticks += 10;
  }
  const auto blame = twins.counters.view().blame(ticks);
  EXPECT_EQ(sum_of_waits(blame.spans).at(ThreadId{2}), 20'000U * 3);
  std::uint64_t holds = 0;
  std::uint64_t without_lines = 0;
  for (const auto& [key, span] : blame.spans) {
    holds += span.holds;
    if (!key.to) without_lines += span.holds;
  }
  EXPECT_EQ(holds, 20'000U);
  EXPECT_GT(without_lines, 0U);
  EXPECT_LE(blame.spans.size(), SpanTable::kRows);
}

// More interpreters at once than there are places for: the program goes on, and is told.
TEST(BlameCounters, lose_events_of_gils_beyond_their_bound_and_no_others) {
  BlameCounters counters({.rows = 8, .gils = 1});
  counters.open(GilId{0}, 0);
  for (std::uint32_t i = 0; i < 2 * EventRing::kEvents; ++i) {
    auto beyond = acquire(10 * i + 1, 1, i % 2 == 0 ? 2 : EventQueue::kGils);
    beyond.sequence = i / 2;
    counters.record(beyond);
    auto event = i % 2 == 0 ? acquire(10 * i + 2, 1) : release(10 * i + 2, 1);
    event.sequence = i;
    counters.record(event);
  }
  const auto figures = counters.view().figures(100'000);
  EXPECT_EQ(figures.lost_events, 2 * EventRing::kEvents);
  ASSERT_EQ(figures.threads.size(), 1U);
  EXPECT_EQ(figures.threads.front().holds, EventRing::kEvents);
}

// It cannot happen; if it does, the program goes on.
TEST(BlameCounters, lose_what_waits_for_an_event_that_never_comes) {
  BlameCounters counters({.rows = 8, .gils = 2});
  counters.open(GilId{0}, 0);
  for (std::uint32_t i = 0; i < EventRing::kEvents + 10; ++i) {
    auto event = acquire(10 * i, 1);
    event.sequence = i + 1;
    counters.record(event);
  }
  EXPECT_EQ(counters.view().figures(100'000).lost_events, 10U);
}

TEST(BlameCounters, are_as_if_just_made_when_they_begin_anew) {
  Twins twins;
  const std::array stack{twins.code.point(1)};
  const std::array events{acquire(10, 1), request(11, 2), release(20, 1), acquire(25, 1)};
  for (const auto& event : events) twins.hooks.give(event, stack, twins.code);
  ASSERT_FALSE(twins.counters.view().blame(30).spans.empty());
  twins.counters.begin_anew();
  EXPECT_TRUE(twins.counters.view().blame(30).spans.empty());
  EXPECT_TRUE(twins.counters.view().figures(30).threads.empty());
  test::AsHooks hooks(twins.counters);
  for (const auto& event : events) hooks.give(event, stack, twins.code);
  EXPECT_EQ(twins.counters.view().figures(30).threads.front().holds, 2U);
}

// The memory of a thousand processes is read at a run's end: of what nobody has written to, the first page of
// each table comes with that, and no more.
TEST(BlameCounters, are_read_with_few_pages_more_of_their_memory) {
  constexpr Bounds kBounds{.rows = 64, .gils = 4};
  const FileDescriptor file(memfd_create("test", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(file.get(), static_cast<off_t>(BlameCounters::size_of(kBounds))), 0);
  void* const memory =
      mmap(nullptr, BlameCounters::size_of(kBounds), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_NE(memory, MAP_FAILED);
  BlameCounters counters(kBounds, static_cast<std::byte*>(memory));
  test::AsHooks hooks(counters);
  for (std::uint64_t i = 0; i < 100; ++i) {
    hooks.give(acquire(10 * i, 1));
    hooks.give(release(10 * i + 3 + i % 5, 1));
  }
  const auto blocks = [&] {
    struct stat status{};
    fstat(file.get(), &status);
    return status.st_blocks;
  };
  static_cast<void>(counters.view());  // what is in the queue comes to the tables
  const auto before = blocks();
  {
    const BlameCounters::View view(kBounds, static_cast<std::byte*>(memory));
    EXPECT_EQ(view.figures(2000).threads.front().holds, 100U);
    EXPECT_TRUE(view.blame(2000).spans.empty());
  }
  constexpr blkcnt_t kBlocksOfPage = 4096 / 512;
  EXPECT_LE(blocks(), before + 8 * kBlocksOfPage);
  munmap(memory, BlameCounters::size_of(kBounds));
}

// Under two GILs at once, and read meanwhile: the thread sanitizer looks on.
TEST(BlameCounters, are_written_under_several_gils_and_read_at_once) {
  const FakeCode code(make_places(500));
  BlameCounters counters({.rows = 64, .gils = 4});
  test::AsHooks hooks(counters);
  std::atomic<bool> is_over = false;
  const auto drive = [&](unsigned gil) {
    for (std::uint64_t i = 0; i < 5000; ++i) {
      const std::array stack{code.point(i % 500), code.point(gil)};
      for (const auto& event : {acquire(10 * i, 1 + 2 * gil, gil), request(10 * i + 1, 2 + 2 * gil, gil),
                                release(10 * i + 5, 1 + 2 * gil, gil), acquire(10 * i + 6, 2 + 2 * gil, gil),
                                release(10 * i + 7, 2 + 2 * gil, gil)}) {
        hooks.give(event, stack, code);
      }
    }
  };
  std::thread reader([&] {
    std::uint64_t latest = 0;
    while (!is_over) {
      std::uint64_t holds = 0;
      for (const auto& [key, span] : counters.view().blame(100'000).spans) holds += key.to ? span.holds : 0;
      EXPECT_GE(holds, latest);
      latest = holds;
    }
  });
  {
    std::vector<std::jthread> writers;
    for (unsigned gil = 0; gil < 2; ++gil) writers.emplace_back(drive, gil);
  }
  is_over = true;
  reader.join();
  const auto sum = sum_of_waits(counters.view().blame(100'000).spans);
  EXPECT_EQ(sum.at(ThreadId{2}), 5000U * 5);
  EXPECT_EQ(sum.at(ThreadId{4}), 5000U * 5);
}

}  // namespace
}  // namespace gilscope
