// A state machine in memory of somebody else's: what one process writes there another one reads alike.
#include "analysis/row_table.h"

#include <algorithm>
#include <new>
#include <sys/mman.h>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/event_lists.h"
#include "analysis/gil_machine.h"
#include "analysis/snapshots.h"

namespace gilscope {
namespace {

using test::acquire;
using test::expect_alike;
using test::release;

constexpr Bounds kSmallTable{.rows = 16, .gils = 4};

class GivenMemory : public testing::Test {
 protected:
  [[nodiscard]] std::byte* memory() const { return memory_.data(); }

 private:
  ZeroedMemory memory_{RowTable::size_of(kSmallTable)};
};

TEST_F(GivenMemory, reads_alike_through_another_table_over_the_same_bytes) {
  GilMachine machine(kSmallTable, memory());
  GilMachine own(kSmallTable);
  const RowTable reader(kSmallTable, memory());
  const auto events = test::simulate(1, {.threads = 6, .gils = 3, .events = 500});
  for (std::size_t i = 0; i < events.size(); ++i) {
    machine.apply(events[i]);
    own.apply(events[i]);
    if (i % 50 == 0) expect_alike(read_machine(reader, events[i].ticks), own.snapshot(events[i].ticks));
  }
  expect_alike(read_machine(reader, events.back().ticks), own.snapshot(events.back().ticks));
}

TEST_F(GivenMemory, reads_alike_where_it_is_mapped_elsewhere) {
  GilMachine machine(kSmallTable, memory());
  for (const auto& event : test::simulate(2, {.threads = 30, .gils = 2, .events = 800})) machine.apply(event);
  std::vector<std::byte> copy(RowTable::size_of(kSmallTable) + 64);
  auto* const aligned = copy.data() + (64 - reinterpret_cast<std::uintptr_t>(copy.data()) % 64) % 64;
  std::copy_n(memory(), RowTable::size_of(kSmallTable), aligned);
  expect_alike(read_machine(RowTable(kSmallTable, aligned), ~0U), machine.snapshot(~0U));
}

TEST_F(GivenMemory, holds_what_was_lost) {
  GilMachine machine(kSmallTable, memory());
  machine.apply(acquire(1, 1, kSmallTable.gils));
  machine.apply(release(2, 1, kSmallTable.gils));
  EXPECT_EQ(RowTable(kSmallTable, memory()).lost(), 2U);
}

TEST_F(GivenMemory, is_not_given_back) {
  {
    GilMachine machine(kSmallTable, memory());
    machine.apply(acquire(1, 1));
  }
  EXPECT_EQ(read_machine(RowTable(kSmallTable, memory()), 5).threads.size(), 1U);
}

TEST_F(GivenMemory, goes_on_where_the_last_one_stopped) {
  GilMachine(kSmallTable, memory()).apply(acquire(1, 1));
  GilMachine next(kSmallTable, memory());
  next.apply(release(4, 1));
  EXPECT_EQ(next.snapshot(9).threads.at(0).hold_ticks, 3U);
}

TEST(OpenedGil, has_its_interpreter_from_its_first_event_on) {
  GilMachine machine(kSmallTable);
  machine.open(GilId{1}, 7);
  EXPECT_TRUE(machine.snapshot(1).gils.empty());
  machine.apply(acquire(1, 1, 1));
  machine.apply(acquire(2, 2, 0));
  const auto gils = machine.snapshot(3).gils;
  ASSERT_EQ(gils.size(), 2U);
  EXPECT_FALSE(gils[0].interpreter) << "nobody said";
  EXPECT_EQ(gils[1].interpreter, 7);
}

TEST(OpenedGil, may_be_the_main_interpreters_and_be_opened_again) {
  GilMachine machine(kSmallTable);
  machine.open(GilId{0}, 0);
  machine.apply(acquire(1, 1));
  EXPECT_EQ(machine.snapshot(1).gils.at(0).interpreter, 0);
  machine.open(GilId{0}, 3);
  EXPECT_EQ(machine.snapshot(1).gils.at(0).interpreter, 3);
}

TEST(OpenedGil, beyond_the_bound_is_ignored) {
  GilMachine machine(kSmallTable);
  machine.open(GilId{kSmallTable.gils}, 1);
  machine.open(GilId{~0U}, 1);
  EXPECT_TRUE(machine.snapshot(1).gils.empty());
}

}  // namespace
}  // namespace gilscope
