#include "analysis/gil_machine.h"

#include <algorithm>
#include <initializer_list>

#include <gtest/gtest.h>

#include "analysis/event_lists.h"

namespace gilscope {
namespace {

using test::acquire;
using test::kGil;
using test::release;
using test::request;
using test::timeout;

constexpr Bounds kSmall{.rows = 16, .gils = 4};

class MachineOfEvents : public testing::Test {
 protected:
  void feed(std::initializer_list<Event> events) {
    for (const auto& event : events) found_ = machine_.apply(event);
  }
  void expect_only(Violation violation) {
    EXPECT_TRUE(found_.has(violation));
    const auto counts = machine_.snapshot(1000).gils.at(0).violations;
    EXPECT_EQ(counts[static_cast<std::size_t>(violation)], 1U);
    EXPECT_EQ(std::ranges::count(counts, 0U), static_cast<std::ptrdiff_t>(kViolations) - 1);
  }
  ThreadSnapshot row(unsigned thread, std::uint64_t now, unsigned gil = 0) {
    for (const auto& row : machine_.snapshot(now).threads) {
      if (row.thread == ThreadId{thread} && row.gil == GilId{gil}) return row;
    }
    ADD_FAILURE() << "no row of thread " << thread;
    return {};
  }
  GilSnapshot gil(unsigned id = 0) { return machine_.snapshot(1000).gils.at(id); }
  bool is_clean() {
    return std::ranges::all_of(gil().violations, [](auto count) { return count == 0; });
  }

  GilMachine machine_{kSmall};
  Violations found_;
};

TEST_F(MachineOfEvents, starts_empty) {
  const auto snapshot = machine_.snapshot(5);
  EXPECT_TRUE(snapshot.gils.empty());
  EXPECT_TRUE(snapshot.threads.empty());
}

TEST_F(MachineOfEvents, counts_uncontended_holds) {
  feed({acquire(10, 1), release(15, 1), acquire(20, 1), release(40, 1)});
  const auto figures = row(1, 100);
  EXPECT_EQ(figures.holds, 2U);
  EXPECT_EQ(figures.hold_ticks, 25U);
  EXPECT_EQ(figures.hold, (Percentiles{5, 20, 20, 20}));
  EXPECT_EQ(figures.voluntary, 2U);
  EXPECT_EQ(figures.forced, 0U);
  EXPECT_EQ(figures.waits, 0U);
  EXPECT_EQ(figures.wait, std::nullopt);
  EXPECT_EQ(figures.first, 10U);
  EXPECT_EQ(figures.last, 40U);
  EXPECT_EQ(figures.open, OpenInterval::None);
  EXPECT_EQ(gil().handoffs, 0U);
  EXPECT_TRUE(is_clean());
}

TEST_F(MachineOfEvents, measures_the_wait_for_a_hold_and_the_hand_off) {
  feed({acquire(10, 1), request(12, 2), release(30, 1), acquire(33, 2), release(34, 2)});
  EXPECT_EQ(row(2, 100).waits, 1U);
  EXPECT_EQ(row(2, 100).wait_ticks, 21U);
  EXPECT_EQ(row(2, 100).wait.value().max, 21U);
  EXPECT_EQ(row(2, 100).first, 12U);
  EXPECT_EQ(row(1, 100).waits, 0U);
  EXPECT_EQ(gil().handoffs, 1U);
  EXPECT_TRUE(is_clean());
}

TEST_F(MachineOfEvents, a_thread_that_takes_the_gil_back_hands_nothing_off) {
  feed({acquire(10, 1), request(12, 2), release(30, 1), acquire(31, 1), release(40, 1), acquire(41, 2)});
  EXPECT_EQ(gil().handoffs, 1U);
  EXPECT_EQ(row(2, 100).wait_ticks, 29U);
}

TEST_F(MachineOfEvents, a_release_is_forced_where_a_timeout_came_in_its_hold) {
  feed({acquire(10, 1), request(11, 2), timeout(16, 2), timeout(17, 2), release(18, 1), acquire(19, 2),
        release(20, 2)});
  EXPECT_EQ(row(1, 100).forced, 1U);
  EXPECT_EQ(row(1, 100).voluntary, 0U);
  EXPECT_EQ(row(2, 100).forced, 0U) << "the timeout was in the hold before";
  EXPECT_EQ(row(2, 100).voluntary, 1U);
  EXPECT_EQ(gil().timeouts, 2U);
  EXPECT_TRUE(is_clean());
}

TEST_F(MachineOfEvents, a_timeout_while_nobody_holds_forces_nobody) {
  feed({acquire(10, 1), request(11, 2), release(15, 1), timeout(16, 2), acquire(17, 1), release(18, 1)});
  EXPECT_EQ(row(1, 100).forced, 0U);
  EXPECT_TRUE(is_clean());
}

TEST_F(MachineOfEvents, keeps_gils_apart) {
  feed({acquire(10, 1, 0), acquire(11, 2, 1), request(12, 3, 1), release(13, 1, 0), release(20, 2, 1),
        acquire(21, 3, 1), acquire(22, 2, 0), release(23, 2, 0)});
  EXPECT_EQ(row(1, 100, 0).hold_ticks, 3U);
  EXPECT_EQ(row(2, 100, 1).hold_ticks, 9U);
  EXPECT_EQ(row(2, 100, 0).hold_ticks, 1U);
  EXPECT_EQ(row(3, 100, 1).wait_ticks, 9U);
  EXPECT_EQ(gil(0).handoffs, 1U);
  EXPECT_EQ(gil(1).handoffs, 1U);
}

TEST_F(MachineOfEvents, counts_open_intervals_up_to_the_snapshot_and_marks_them) {
  feed({acquire(10, 1), request(12, 2)});
  EXPECT_EQ(row(1, 50).open, OpenInterval::Hold);
  EXPECT_EQ(row(1, 50).holds, 1U);
  EXPECT_EQ(row(1, 50).hold_ticks, 40U);
  EXPECT_EQ(row(1, 50).hold.value().max, 40U);
  EXPECT_EQ(row(1, 50).last, 50U);
  EXPECT_EQ(row(1, 50).forced + row(1, 50).voluntary, 0U);
  EXPECT_EQ(row(2, 50).open, OpenInterval::Wait);
  EXPECT_EQ(row(2, 50).waits, 1U);
  EXPECT_EQ(row(2, 50).wait_ticks, 38U);
  EXPECT_EQ(row(2, 50).wait.value().p50, 38U);
  feed({release(60, 1), acquire(61, 2), release(62, 2)});
  EXPECT_EQ(row(1, 100).hold_ticks, 50U) << "a snapshot changes nothing";
  EXPECT_EQ(row(2, 100).wait_ticks, 49U);
  EXPECT_EQ(row(2, 100).open, OpenInterval::None);
}

TEST_F(MachineOfEvents, counts_nothing_of_what_began_after_now) {
  feed({acquire(10, 1), request(12, 2)});
  EXPECT_EQ(row(1, 5).hold_ticks, 0U);
  EXPECT_EQ(row(2, 5).wait_ticks, 0U);
}

TEST_F(MachineOfEvents, begins_with_the_hold_of_whoever_has_the_gil) {
  machine_.begin(kGil, ThreadId{1}, 100);
  feed({request(110, 2), release(120, 1), acquire(121, 2)});
  EXPECT_EQ(row(1, 200).holds, 1U);
  EXPECT_EQ(row(1, 200).hold_ticks, 20U);
  EXPECT_EQ(gil().handoffs, 1U);
  EXPECT_EQ(gil().first, 100U);
  EXPECT_TRUE(is_clean());
}

TEST_F(MachineOfEvents, counts_no_hold_of_which_it_saw_only_the_release) {
  feed({request(110, 2), release(120, 1), acquire(121, 2)});
  EXPECT_EQ(row(1, 200).holds, 0U);
  EXPECT_EQ(row(1, 200).hold, std::nullopt);
  EXPECT_EQ(row(2, 200).wait_ticks, 11U);
  EXPECT_EQ(gil().handoffs, 1U);
  EXPECT_TRUE(is_clean());
}

TEST_F(MachineOfEvents, takes_a_first_timeout_for_a_wait_that_began_before) {
  feed({timeout(110, 2), release(120, 1), acquire(121, 2)});
  EXPECT_EQ(row(2, 200).wait_ticks, 11U);
  EXPECT_TRUE(is_clean());
}

TEST_F(MachineOfEvents, finds_holds_that_overlap) {
  feed({acquire(10, 1), acquire(15, 2)});
  expect_only(Violation::AcquireWhileHeld);
  EXPECT_EQ(row(1, 100).hold_ticks, 5U) << "ends where the next begins";
  EXPECT_EQ(row(1, 100).cut, 1U);
  EXPECT_EQ(row(1, 100).voluntary, 0U);
  EXPECT_EQ(row(2, 20).hold_ticks, 5U);
}

TEST_F(MachineOfEvents, finds_an_acquire_by_the_holder) {
  feed({acquire(10, 1), acquire(15, 1)});
  expect_only(Violation::AcquireTwice);
  EXPECT_EQ(row(1, 20).hold_ticks, 10U);
}

TEST_F(MachineOfEvents, finds_a_release_without_hold) {
  feed({acquire(10, 1), release(11, 1), release(12, 1)});
  expect_only(Violation::ReleaseWithoutHold);
}

TEST_F(MachineOfEvents, finds_a_release_of_a_gil_that_began_free) {
  machine_.begin(kGil, std::nullopt, 5);
  feed({release(10, 1)});
  expect_only(Violation::ReleaseWithoutHold);
}

TEST_F(MachineOfEvents, finds_a_release_by_another_thread) {
  feed({acquire(10, 1), release(11, 2)});
  expect_only(Violation::ReleaseByOther);
  EXPECT_EQ(row(1, 20).hold_ticks, 10U);
}

TEST_F(MachineOfEvents, finds_a_request_of_the_holder) {
  feed({acquire(10, 1), request(11, 1)});
  expect_only(Violation::RequestWhileHolding);
  EXPECT_EQ(row(1, 20).waits, 0U);
}

TEST_F(MachineOfEvents, finds_a_second_request_and_waits_from_it) {
  feed({acquire(10, 1), request(11, 2), request(15, 2)});
  expect_only(Violation::RequestTwice);
  EXPECT_EQ(row(2, 20).waits, 1U);
  EXPECT_EQ(row(2, 20).wait_ticks, 5U);
}

TEST_F(MachineOfEvents, finds_a_request_of_a_free_gil) {
  feed({acquire(10, 1), release(11, 1), request(12, 2)});
  expect_only(Violation::RequestWhileFree);
}

TEST_F(MachineOfEvents, finds_a_timeout_outside_a_wait) {
  feed({acquire(5, 2), release(6, 2), acquire(10, 1), timeout(12, 2)});
  expect_only(Violation::TimeoutOutsideWait);
}

TEST_F(MachineOfEvents, takes_time_that_goes_back_for_time_that_stands_still) {
  feed({acquire(10, 1), release(20, 1), acquire(15, 1)});
  expect_only(Violation::TimeWentBack);
  feed({release(25, 1)});
  EXPECT_EQ(row(1, 100).hold_ticks, 15U);
}

TEST_F(MachineOfEvents, counts_events_of_gils_beyond_its_bound_as_lost) {
  feed({acquire(10, 1, 4), release(11, 1, 4'000'000'000U), acquire(12, 1, 3)});
  machine_.begin(GilId{4}, ThreadId{1}, 13);
  EXPECT_EQ(machine_.snapshot(20).lost_events, 2U);
  EXPECT_EQ(machine_.snapshot(20).gils.size(), 1U);
}

// Holds that are counted elsewhere.
TEST_F(MachineOfEvents, counts_no_hold_that_ended_unseen) {
  feed({acquire(10, 1)});
  EXPECT_NE(machine_.end_unseen(test::kGil), nullptr);
  EXPECT_EQ(machine_.end_unseen(test::kGil), nullptr) << "nobody holds it";
  feed({acquire(30, 2)});
  EXPECT_EQ(row(1, 40).holds, 0U);
  EXPECT_EQ(machine_.snapshot(40).gils.front().handoffs, 1U);
  EXPECT_TRUE(is_clean());
}

TEST_F(MachineOfEvents, counts_a_hold_from_where_it_began_unseen) {
  feed({acquire(10, 1), request(40, 2), timeout(45, 2)});
  const Event end = release(50, 1);
  machine_.begin_unseen(end, machine_.find_place(end), 30);
  feed({end});
  EXPECT_EQ(row(1, 60).hold_ticks, 20U);
  EXPECT_EQ(row(1, 60).forced, 1U) << "that it was asked for is known all the same";
  EXPECT_TRUE(is_clean());
}

// Else it would have waited for longer than it lived.
TEST_F(MachineOfEvents, knows_the_first_event_of_a_thread_that_had_its_row_only_then) {
  ASSERT_NE(machine_.row_of(kGil, ThreadId{2}, 30), nullptr);
  feed({acquire(5, 1), request(10, 2), release(29, 1), acquire(30, 2), release(35, 2)});
  EXPECT_EQ(row(2, 100).first, 10U);
  EXPECT_EQ(row(2, 100).lifetime, 25U);
  const Event end = release(50, 3);
  machine_.begin_unseen(end, machine_.find_place(end), 40);
  feed({end});
  EXPECT_EQ(row(3, 100).lifetime, 10U);
}

TEST_F(MachineOfEvents, merges_threads_that_find_no_row_left) {
  for (unsigned thread = 0; thread < 16; ++thread) feed({acquire(10, thread), release(10, thread)});
  feed({acquire(20, 50), request(21, 51), request(22, 52), timeout(23, 51), release(25, 50), acquire(26, 51),
        release(30, 51)});
  const auto snapshot = machine_.snapshot(40);
  ASSERT_EQ(snapshot.threads.size(), 17U);
  const auto& others = snapshot.threads.back();
  EXPECT_EQ(others.thread, std::nullopt);
  EXPECT_EQ(others.holds, 2U);
  EXPECT_EQ(others.hold_ticks, 9U);
  EXPECT_EQ(others.forced, 1U);
  EXPECT_EQ(others.waits, 2U);
  EXPECT_EQ(others.wait_ticks, 5U + 18U) << "one of them still waits";
  EXPECT_EQ(others.open, OpenInterval::Wait);
  EXPECT_EQ(gil().handoffs, 15U + 2U);
  EXPECT_TRUE(is_clean());
}

TEST_F(MachineOfEvents, counts_the_waits_that_it_cannot_follow) {
  for (unsigned thread = 0; thread < 16; ++thread) feed({acquire(10, thread), release(10, thread)});
  feed({acquire(20, 3)});
  for (unsigned thread = 100; thread < 100 + kStrangers + 3; ++thread) feed({request(30, thread)});
  EXPECT_EQ(gil().uncounted_waits, 3U);
  EXPECT_EQ(machine_.snapshot(31).threads.back().waits, kStrangers);
  feed({release(40, 3), acquire(40, 100), release(41, 100), acquire(41, 100 + kStrangers), release(42, 100)});
  EXPECT_TRUE(found_.has(Violation::ReleaseByOther));
}

}  // namespace
}  // namespace gilscope
