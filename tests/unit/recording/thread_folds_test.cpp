// Threads that have ended are folded into one row by their name, and nothing gets lost on the way.
#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <map>
#include <memory>
#include <random>
#include <sys/mman.h>
#include <thread>
#include <tuple>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "analysis/event_lists.h"
#include "capture/fake_code.h"
#include "probe/system_thread.h"
#include "recording/as_hooks.h"
#include "recording/blame_counters.h"
#include "recording/in_child.h"
#include "recording/name_families.h"
#include "recording/twins.h"

namespace gilscope {
namespace {

using test::acquire;
using test::FakeCode;
using test::release;

// Which threads have ended: those whose last event has come.
std::map<ThreadId, std::size_t> last_events;
std::size_t events_given = 0;
bool has_had_its_last_event(ThreadId thread) noexcept {
  const auto found = last_events.find(thread);
  return found == last_events.end() || found->second < events_given;
}

struct FamilyFigures {
  std::uint64_t threads = 0;
  std::uint64_t holds = 0;
  std::uint64_t hold_ticks = 0;
  std::uint64_t max_hold = 0;
  std::uint64_t waits = 0;
  std::uint64_t wait_ticks = 0;
  std::uint64_t max_wait = 0;
  std::uint64_t forced = 0;
  std::uint64_t voluntary = 0;
  std::uint64_t first = ~std::uint64_t{0};
  std::uint64_t last = 0;
  std::uint64_t lifetime = 0;

  bool operator==(const FamilyFigures&) const = default;
};

using ByFamily = std::map<std::pair<GilId, std::string>, FamilyFigures>;

ByFamily sum_rows(const MachineSnapshot& snapshot, const ProcessNote& names) {
  ByFamily sums;
  for (const auto& row : snapshot.threads) {
    FamilyFigures& sum = sums[{row.gil, test::family_of(*row.thread, names)}];
    sum.threads += std::max<std::uint64_t>(row.folded, 1);
    sum.holds += row.holds;
    sum.hold_ticks += row.hold_ticks;
    sum.max_hold = std::max(sum.max_hold, row.hold ? row.hold->max : 0);
    sum.waits += row.waits;
    sum.wait_ticks += row.wait_ticks;
    sum.max_wait = std::max(sum.max_wait, row.wait ? row.wait->max : 0);
    sum.forced += row.forced;
    sum.voluntary += row.voluntary;
    sum.first = std::min(sum.first, row.first);
    sum.last = std::max(sum.last, row.last);
    sum.lifetime += row.lifetime;
  }
  return sums;
}

std::map<std::tuple<GilId, std::string, std::string>, std::uint64_t> sum_handoffs(
    const MachineSnapshot& snapshot, const ProcessNote& names) {
  std::map<std::tuple<GilId, std::string, std::string>, std::uint64_t> sums;
  for (const auto& pair : snapshot.handoffs) {
    sums[{pair.gil, test::family_of(*pair.from, names), test::family_of(*pair.to, names)}] += pair.count;
  }
  return sums;
}

std::map<std::pair<GilId, std::string>, std::vector<std::uint64_t>> sum_long_waits(const BlameRecord& blame,
                                                                                   const ProcessNote& names) {
  std::map<std::pair<GilId, std::string>, std::vector<std::uint64_t>> longest;
  for (const auto& [row, waits] : blame.long_waits) {
    auto& of_family = longest[{row.first, test::family_of(row.second, names)}];
    for (const auto& wait : waits) of_family.push_back(wait.ticks);
  }
  for (auto& [family, waits] : longest) {
    std::ranges::sort(waits, std::ranges::greater());
    waits.resize(std::min(waits.size(), kLongWaits));
  }
  return longest;
}

// Waiters by family, over all spans.
std::map<std::string, std::uint64_t> sum_waiters(const BlameRecord& blame, const ProcessNote& names) {
  std::map<std::string, std::uint64_t> sums;
  for (const auto& [key, span] : blame.spans) {
    for (const auto& [waiter, wait] : span.waits) {
      if (wait != 0) sums[waiter == kFurtherThreads ? "further" : test::family_of(waiter, names)] += wait;
    }
  }
  return sums;
}

TEST(FoldedThreads, sum_to_what_they_did_in_any_legal_list) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    auto events = test::simulate(seed, {.threads = 2 + static_cast<unsigned>(seed % 4),
                                        .gils = 1 + static_cast<unsigned>(seed % 3),
                                        .events = 3000,
                                        .ends = 4});
    last_events.clear();
    for (std::size_t i = 0; i < events.size(); ++i) {
      events[i].ticks += i;  // as from the probe: no two at once
      last_events[events[i].thread] = i;
    }
    const auto names = std::make_unique<ProcessNote>();
    test::Twins twins({.rows = 32, .gils = 4}, nullptr, names.get());
    twins.counters.ask(has_had_its_last_event);
    std::mt19937_64 random(seed);
    const auto sum_by_family = [&](const BlameRecord& blame) {
      return test::sum_spans(
          blame, [](GilId gil) { return gil; },
          [&](ThreadId thread) { return test::family_of(thread, *names); });
    };
    const auto expect_the_same = [&](std::uint64_t now) {
      const auto& expected = twins.expected(now);
      const auto machine = twins.expected_figures(now);
      const auto view = twins.counters.view();
      const auto counted = view.blame(now);
      const auto figures = view.figures(now);
      EXPECT_LE(figures.threads.size(), 32U);
      EXPECT_EQ(sum_rows(figures, *names), sum_rows(machine, *names));
      EXPECT_EQ(sum_handoffs(figures, *names), sum_handoffs(machine, *names));
      EXPECT_EQ(sum_by_family(counted), sum_by_family(expected));
      EXPECT_EQ(sum_long_waits(counted, *names), sum_long_waits(expected, *names));
      auto waiters = sum_waiters(counted, *names);
      const auto further = waiters.extract("further");
      for (const auto& [family, waited] : sum_waiters(expected, *names)) EXPECT_LE(waiters[family], waited);
      if (further.empty()) {
        EXPECT_EQ(waiters, sum_waiters(expected, *names));
      }
    };
    for (std::size_t i = 0; i < events.size(); ++i) {
      events_given = i;
      names->name_thread(events[i].thread, test::name_of(events[i].thread));
      twins.apply(events[i], std::array{twins.code.point(random() % 5)});
      if (i % 500 == 250) expect_the_same(events[i].ticks + 5);
    }
    expect_the_same(events.back().ticks + 1000 * seed);
    if (HasFailure()) break;
  }
}

bool every_thread_has(ThreadId /*thread*/) noexcept { return true; }

class FoldedRows : public testing::Test {
 protected:
  static constexpr Bounds kBounds{.rows = 8, .gils = 2};

  FoldedRows() { tables_.queue().begin(); }
  void apply(Event event, std::optional<std::uint32_t> stack = {}) {
    auto queued = QueuedEvent::of(event);
    if (stack) queued.note_stack(stack);
    tables_.apply(queued);
  }
  void fold() { tables_.fold(*names_, every_thread_has); }
  [[nodiscard]] MachineSnapshot figures(std::uint64_t now) const { return tables_.figures({}, now); }

  ZeroedMemory memory_{BlameTables::size_of(kBounds)};
  BlameTables tables_{kBounds, memory_.data()};
  std::unique_ptr<ProcessNote> names_ = std::make_unique<ProcessNote>();
};

TEST_F(FoldedRows, take_what_is_still_told_of_a_thread_that_was_folded) {
  for (std::uint64_t i = 0; i < 5; ++i) {
    apply(acquire(100 * i + 1, 7));
    apply(release(100 * i + 11, 7));
    fold();
    const auto rows = figures(1000).threads;
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].thread, ThreadId{kFirstFamily});
    EXPECT_EQ(rows[0].holds, i + 1);
    EXPECT_EQ(rows[0].hold_ticks, 10 * (i + 1));
  }
}

TEST_F(FoldedRows, keep_who_holds_the_gil_and_who_waits_for_it) {
  apply(acquire(1, 7));
  apply(test::request(2, 8));
  fold();
  auto rows = figures(10).threads;
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].thread, ThreadId{7});
  EXPECT_EQ(rows[1].thread, ThreadId{8});
  apply(release(5, 7));
  apply(acquire(6, 8));
  fold();
  rows = figures(10).threads;
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].thread, ThreadId{8});
  EXPECT_EQ(rows[1].folded, 1U);
}

TEST_F(FoldedRows, hand_the_gil_on_as_their_family) {
  apply(acquire(1, 7));
  apply(release(2, 7));
  fold();
  apply(acquire(3, 8));
  const auto snapshot = figures(10);
  EXPECT_EQ(snapshot.gils.at(0).handoffs, 1U);
  ASSERT_EQ(snapshot.handoffs.size(), 1U);
  EXPECT_EQ(snapshot.handoffs[0].from, ThreadId{kFirstFamily});
  EXPECT_EQ(snapshot.handoffs[0].to, ThreadId{8});
}

TEST_F(FoldedRows, are_apart_where_gils_are) {
  for (unsigned gil = 0; gil < 2; ++gil) {
    for (unsigned thread = 7; thread < 10; ++thread) {
      apply(acquire(10 * thread, thread, gil));
      apply(release(10 * thread + 1 + gil, thread, gil));
    }
  }
  fold();
  const auto rows = figures(1000).threads;
  ASSERT_EQ(rows.size(), 2U);
  for (const auto& row : rows) {
    EXPECT_EQ(row.folded, 3U);
    EXPECT_EQ(row.hold_ticks, 3 * (1 + static_cast<std::uint64_t>(row.gil)));
  }
}

// A million threads, so to say: rows, spans and names do not run out, and no line gets lost.
TEST_F(FoldedRows, leave_room_for_any_number_of_threads) {
  constexpr std::uint64_t kThreads = 20'000;
  std::vector<CodePlace> places;
  for (unsigned i = 0; i < 4; ++i) places.push_back({.file = "f.py", .function = "f", .line = i + 1});
  const FakeCode code(places);
  std::array<std::optional<std::uint32_t>, 4> stacks;
  for (unsigned i = 0; i < 4; ++i) {
    const std::array stack{code.point(i)};
    stacks.at(i) = tables_.stacks().number_of(test::kGil, stack, code);
    ASSERT_TRUE(stacks.at(i));
  }
  for (std::uint64_t i = 0; i < kThreads; ++i) {
    const auto thread = static_cast<unsigned>(1000 + i);
    names_->name_thread(ThreadId{thread}, fmt::format("request-{}", i));
    apply(acquire(10 * i, thread), stacks[1]);
    apply(test::request(10 * i + 1, 7));
    apply(release(10 * i + 3, thread), stacks[2]);
    apply(acquire(10 * i + 4, 7), stacks[3]);
    apply(release(10 * i + 6, 7));
    if (i % 5 == 4) fold();
  }
  const auto snapshot = figures(10 * kThreads);
  std::uint64_t folded = 0;
  for (const auto& row : snapshot.threads) folded += row.gil == test::kGil && row.folded == kThreads ? 1 : 0;
  EXPECT_EQ(folded, 1U);
  EXPECT_EQ(snapshot.lost_events, 0U);
  std::uint64_t caused = 0;
  for (const auto& [key, span] : tables_.blame({}, 10 * kThreads).spans) {
    if (key.thread != ThreadId{kFirstFamily + 1}) continue;
    EXPECT_TRUE(key.to) << "a line";
    for (const auto& [waiter, wait] : span.waits) caused += wait;
  }
  EXPECT_EQ(caused, 2 * kThreads);
}

// Whenever the process is killed in the middle of it, the rows are those before or those after.
TEST(FoldOfRows, is_done_or_not_whenever_it_is_killed) {
  constexpr Bounds kBounds{.rows = 8, .gils = 1};
  const auto size = RowTable::size_of(kBounds);
  for (int kill_at = 1; kill_at < 12; ++kill_at) {
    SCOPED_TRACE(kill_at);
    auto* const memory = static_cast<std::byte*>(
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(memory, MAP_FAILED);
    GilMachine machine(kBounds, memory);
    for (unsigned thread = 1; thread <= 5; ++thread) {
      machine.apply(acquire(10 * thread, thread));
      machine.apply(release(10 * thread + thread, thread));
    }
    for (ThreadRow& row : machine.table().rows()) {
      if (thread_of(row.key.get()) != ThreadId{5}) row.into.set(row_key(GilId{0}, ThreadId{kFirstFamily}));
    }
    int calls = 0;
    const auto add = [&](ThreadRow& sum, const ThreadRow& row) {
      if (++calls == kill_at) raise(SIGKILL);
      sum.folded.add(1);
      sum.hold.merge(row.hold);
    };
    const auto clear = [&](ThreadRow& row) {
      if (++calls == kill_at) raise(SIGKILL);
      row.hold.clear();
    };
    const pid_t child = fork();
    if (child == 0) {
      machine.table().fold(row_key(GilId{0}, ThreadId{kFirstFamily}), add, clear);
      _exit(0);
    }
    EXPECT_EQ(test::wait_for(child), kill_at <= 8 ? -SIGKILL : 0);
    calls = 100;
    machine.table().finish_fold(clear);
    std::uint64_t holds = 0;
    std::uint64_t ticks = 0;
    for (const auto& row : machine.snapshot(1000).threads) {
      holds += row.holds;
      ticks += row.hold_ticks;
    }
    EXPECT_EQ(machine.snapshot(1000).threads.size(), kill_at <= 4 ? 5U : 2U);
    EXPECT_EQ(holds, 5U);
    EXPECT_EQ(ticks, 15U);
    // What was given back is taken again, clean.
    machine.apply(acquire(1000, 9));
    machine.apply(release(1001, 9));
    EXPECT_EQ(machine.snapshot(2000).threads.size(), kill_at <= 4 ? 6U : 3U);
    munmap(memory, size);
  }
}

// Real ones, which come and go: at first while somebody reads (the thread sanitizer looks on), then unseen.
TEST(FoldedThreads, are_counted_to_the_last_hold_while_others_look) {
  constexpr unsigned kThreads = 400;
  constexpr std::uint64_t kHolds = 20;
  const auto names = std::make_unique<ProcessNote>();
  BlameCounters counters({.rows = 128, .gils = 1}, nullptr, names.get());
  test::AsHooks hooks(counters);
  std::atomic<std::uint64_t> clock{1};
  const auto come_and_go = [&](unsigned threads) {
    for (unsigned i = 0; i < threads; ++i) {
      std::thread([&] {
        const auto id = static_cast<unsigned>(this_thread_id());
        counters.with_names([&] { names->name_thread(this_thread_id(), fmt::format("Thread-{}", i)); });
        for (std::uint64_t hold = 0; hold < kHolds; ++hold) {
          hooks.give(acquire(clock.fetch_add(1), id));
          hooks.give(release(clock.fetch_add(1), id));
        }
      }).join();
    }
  };
  std::atomic<bool> is_over = false;
  std::thread reader([&] {
    std::uint64_t latest = 0;
    while (!is_over) {
      std::uint64_t holds = 0;
      for (const auto& row : counters.view().figures(clock).threads) holds += row.holds;
      EXPECT_GE(holds, latest);
      latest = holds;
    }
  });
  come_and_go(kThreads / 2);
  is_over = true;
  reader.join();
  // Nobody folds while the reader is at the tables, which can be each time; now nobody is in the way.
  come_and_go(kThreads / 2);
  EXPECT_LT(names->threads.read(), kThreads / 2);
  const auto snapshot = counters.view().figures(clock);
  std::uint64_t holds = 0;
  std::uint64_t threads = 0;
  for (const auto& row : snapshot.threads) {
    holds += row.holds;
    threads += std::max<std::uint64_t>(row.folded, 1);
  }
  EXPECT_EQ(holds, kThreads * kHolds);
  // Who found the reader at the tables with each of its events has no row of its own.
  const bool has_each_its_row =
      std::ranges::all_of(snapshot.threads, [](const auto& row) { return !!row.thread; });
  EXPECT_TRUE(threads == kThreads || !has_each_its_row) << threads;
  EXPECT_LE(threads, kThreads);
  EXPECT_LE(snapshot.threads.size(), 128U + 1U);
}

}  // namespace
}  // namespace gilscope
