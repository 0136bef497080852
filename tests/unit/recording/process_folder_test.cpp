// Processes that have ended become one by their kind, and its figures are those of them all.
#include "recording/process_folder.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "analysis/event_lists.h"
#include "recording/name_families.h"
#include "recording/note_reading.h"
#include "recording/twins.h"

namespace gilscope {
namespace {

using test::acquire;
using test::release;
using test::request;

// A slot: a process's, or a sum.
class Slot {
 public:
  explicit Slot(const std::string& name = "", ProcessRole role = ProcessRole::Fork) {
    if (name == "sum") return;
    note().begin(role, 1000);
    note().name_process(name, NamedBy::Module);
  }

  [[nodiscard]] std::byte* data() const { return memory_.data(); }
  [[nodiscard]] std::byte* counters() const { return data() + sizeof(ProcessNote); }
  [[nodiscard]] ProcessNote& note() const { return *reinterpret_cast<ProcessNote*>(data()); }

 private:
  ZeroedMemory memory_{sizeof(ProcessNote) + BlameCounters::size_of(kSharedBounds)};
};

// Those of interpreters but the main one are one.
GilId gil_in_sum(GilId gil) { return gil == GilId{0} ? gil : kEndedGils; }

using FiguresByName = std::map<std::string, std::uint64_t>;
struct Told {
  std::map<std::pair<GilId, std::string>, FiguresByName> rows;
  std::map<GilId, FiguresByName> gils;
  std::map<std::tuple<GilId, std::string, std::string>, std::uint64_t> handoffs;
  test::SpanSums spans;
  std::map<std::pair<GilId, std::string>, std::vector<std::uint64_t>> long_waits;

  bool operator==(const Told&) const = default;
};

void add_maximum(std::uint64_t& most, std::uint64_t value) { most = std::max(most, value); }

void add(Told& told, const Slot& slot, std::uint64_t end) {
  const BlameCounters::View view(kSharedBounds, slot.counters());
  const auto figures = view.figures(end);
  for (const auto& row : figures.threads) {
    auto& sums = told.rows[{gil_in_sum(row.gil), test::family_of(*row.thread, slot.note())}];
    sums["threads"] += std::max<std::uint64_t>(row.folded, 1);
    sums["holds"] += row.holds;
    sums["hold ticks"] += row.hold_ticks;
    sums["waits"] += row.waits;
    sums["wait ticks"] += row.wait_ticks;
    sums["forced"] += row.forced;
    sums["voluntary"] += row.voluntary;
    sums["lifetime"] += row.lifetime;
    add_maximum(sums["longest hold"], row.hold ? row.hold->max : 0);
    add_maximum(sums["longest wait"], row.wait ? row.wait->max : 0);
    add_maximum(sums["last"], row.last);
    add_maximum(sums["before its first"], ~row.first);
  }
  for (const auto& gil : figures.gils) {
    auto& sums = told.gils[gil_in_sum(gil.gil)];
    sums["gils"] += std::max<std::uint64_t>(gil.folded, 1);
    sums["hand-offs"] += gil.handoffs;
    sums["timeouts"] += gil.timeouts;
  }
  for (const auto& pair : figures.handoffs) {
    told.handoffs[{gil_in_sum(pair.gil), test::family_of(*pair.from, slot.note()),
                   test::family_of(*pair.to, slot.note())}] += pair.count;
  }
  const auto blame = view.blame(end);
  for (const auto& [key, span] : test::sum_spans(
           blame, gil_in_sum, [&](ThreadId thread) { return test::family_of(thread, slot.note()); })) {
    auto& [holds, hold_ticks, max_hold, forced, waits] = told.spans[key];
    holds += std::get<0>(span);
    hold_ticks += std::get<1>(span);
    max_hold = std::max(max_hold, std::get<2>(span));
    forced += std::get<3>(span);
    waits += std::get<4>(span);
  }
  for (const auto& [row, waits] : blame.long_waits) {
    auto& longest = told.long_waits[{gil_in_sum(row.first), test::family_of(row.second, slot.note())}];
    for (const auto& wait : waits) longest.push_back(wait.ticks);
    std::ranges::sort(longest, std::ranges::greater());
    longest.resize(std::min(longest.size(), kLongWaits));
  }
}

TEST(FoldedProcesses, sum_to_what_they_did_in_any_legal_list) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto kinds = std::make_unique<ProcessKinds>();
    ProcessFolder folder(*kinds);
    auto sum = std::make_unique<Slot>("sum");
    Told expected;
    std::uint64_t wall = 0;
    for (unsigned number = 0; number < 6; ++number) {
      Slot part(fmt::format("Process-{}", number));
      const auto events = test::simulate(seed * 100 + number,
                                         {.threads = 2 + number % 4, .gils = 1 + number % 3, .events = 700});
      std::uint64_t end = 0;
      {
        test::Twins twins(kSharedBounds, part.counters(), &part.note());
        for (unsigned gil = 0; gil < 3; ++gil) twins.counters.open(GilId{gil}, gil);
        for (const auto& event : events) {
          part.note().name_thread(event.thread, test::name_of(event.thread));
          twins.apply(event, std::array{twins.code.point(random() % 9), twins.code.point(random() % 3)});
        }
        end = events.back().ticks;
        if (number % 2 == 0) part.note().end(end += random() % 1000);  // the others were killed
      }
      add(expected, part, end);
      wall += end - 1000;
      ASSERT_TRUE(folder.add(sum->data(), part.data()));
      // A sum becomes a part of the next one, as in the shared memory.
      if (number % 2 == 1) {
        auto next = std::make_unique<Slot>("sum");
        ASSERT_TRUE(folder.add(next->data(), sum->data()));
        sum = std::move(next);
      }
    }
    Told told;
    add(told, *sum, wall);
    EXPECT_EQ(told.rows, expected.rows);
    EXPECT_EQ(told.gils, expected.gils);
    EXPECT_EQ(told.handoffs, expected.handoffs);
    EXPECT_EQ(told.spans, expected.spans);
    EXPECT_EQ(told.long_waits, expected.long_waits);
    const auto notes = read_note(sum->note(), 0);
    ASSERT_TRUE(notes);
    EXPECT_EQ(notes->folded, 6U);
    EXPECT_EQ(notes->name, "Process-N");
    EXPECT_EQ(notes->pid, std::int64_t{1} << 31U);
    EXPECT_EQ(*notes->end - notes->begin, wall);
    EXPECT_FALSE(notes->cpu) << "of those that were killed nobody knows it";
    if (HasFailure()) break;
  }
}

TEST(FoldedProcesses, count_what_had_not_ended_up_to_their_end) {
  Slot part("");
  auto counters = std::make_unique<BlameCounters>(kSharedBounds, part.counters(), &part.note());
  test::AsHooks hooks(*counters);
  hooks.give(acquire(2000, 1));
  hooks.give(release(2100, 1));
  hooks.give(acquire(2200, 1));
  hooks.give(request(2300, 2));
  part.note().end(2500);
  Slot sum("sum");
  const auto kinds = std::make_unique<ProcessKinds>();
  ProcessFolder folder(*kinds);
  ASSERT_TRUE(folder.add(sum.data(), part.data()));
  const BlameCounters::View view(kSharedBounds, sum.counters());
  const auto rows = view.figures(10'000).threads;
  ASSERT_EQ(rows.size(), 1U) << "both have no name";
  EXPECT_EQ(rows[0].folded, 2U);
  EXPECT_EQ(rows[0].holds, 2U);
  EXPECT_EQ(rows[0].hold_ticks, 100U + 300);
  EXPECT_EQ(rows[0].voluntary, 1U);
  EXPECT_EQ(rows[0].waits, 1U);
  EXPECT_EQ(rows[0].wait_ticks, 200U);
  EXPECT_EQ(rows[0].open, OpenInterval::None);
  std::uint64_t caused = 0;
  for (const auto& [key, span] : view.blame(10'000).spans) {
    for (const auto& [waiter, wait] : span.waits) caused += wait;
  }
  EXPECT_EQ(caused, 200U);
}

TEST(FoldedProcesses,
     have_the_cpu_time_the_hooks_the_waits_for_locks_and_the_steps_beyond_their_rows_of_all) {
  const auto kinds = std::make_unique<ProcessKinds>();
  ProcessFolder folder(*kinds);
  Slot sum("sum");
  for (unsigned i = 1; i <= 3; ++i) {
    Slot part("ForkPoolWorker-1");
    BlameCounters counters(kSharedBounds, part.counters(), &part.note());
    test::AsHooks hooks(counters);
    hooks.give(acquire(2000, 1));
    part.note().end(3000);
    part.note().cpu_begin.set(100);
    part.note().cpu_end.set(100 + i);
    part.note().parent_pid.set(i);
    part.note().hooks = {.timed = i, .acquires = i, .ticks = 10 * i, .work_ticks = 100 * i};
    part.note().steps.others = i;
    LockTable& locks = part.note().locks;
    locks.add({.thread = i, .ender = 0, .begin = 2000, .ticks = 10 * i},
              locks.find_or_add({.file = "app.py", .line = 7, .function = "work", .within = ""}),
              LockTable::kNoPlace);
    ASSERT_TRUE(folder.add(sum.data(), part.data()));
  }
  const auto notes = read_note(sum.note(), 0);
  ASSERT_TRUE(notes);
  EXPECT_EQ(notes->cpu, Nanoseconds(6));
  EXPECT_EQ(notes->hooks.ticks, 60U);
  EXPECT_EQ(notes->hooks.work_ticks, 600U);
  EXPECT_EQ(notes->further_steps, 6U);
  ASSERT_EQ(notes->lock_waits.size(), 1U);
  EXPECT_EQ(notes->lock_waits.front().ticks, 60U);
  EXPECT_EQ(notes->lock_waits.front().threads, 3U);
  EXPECT_EQ(notes->lock_waits.front().place->line, 7U);
  EXPECT_EQ(notes->parent_pid, 0) << "of several";
}

TEST(FoldedProcesses, are_of_a_kind_where_they_came_in_the_same_way_and_differ_in_a_number) {
  const auto kinds = std::make_unique<ProcessKinds>();
  ProcessFolder folder(*kinds);
  const auto sum_of = [&](const std::string& name, ProcessRole role) {
    const Slot part(name, role);
    return folder.sum_of(part.data()).value();
  };
  const auto worker = sum_of("ForkPoolWorker-1", ProcessRole::Fork);
  EXPECT_EQ(sum_of("ForkPoolWorker-77", ProcessRole::Fork), worker);
  EXPECT_NE(sum_of("ForkPoolWorker-77", ProcessRole::Forkserver), worker);
  EXPECT_NE(sum_of("", ProcessRole::Fork), worker);
  // Names without end: the last have none, and are apart by how they came only.
  std::map<std::size_t, unsigned> sums;
  for (char letter = 'a'; letter <= 'z'; ++letter) {
    for (const auto role : {ProcessRole::Fork, ProcessRole::Spawn}) {
      const auto sum = sum_of(std::string(3, letter), role);
      ASSERT_LT(sum, SharedSpace::kSums);
      ++sums[sum];
    }
  }
  EXPECT_GT(sums[sum_of("zzz", ProcessRole::Fork)], 10U);
  EXPECT_NE(sum_of("zzz", ProcessRole::Fork), sum_of("zzz", ProcessRole::Spawn));
  EXPECT_EQ(folder.sum_of(Slot("sum").data()), SharedSpace::Folder::kNothing);
}

}  // namespace
}  // namespace gilscope
