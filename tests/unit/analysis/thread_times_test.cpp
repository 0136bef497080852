#include "analysis/thread_times.h"

#include <gtest/gtest.h>

#include "analysis/process_records.h"

namespace gilscope {
namespace {

using test::kMillisecondTicks;
using test::make_process;

constexpr Nanoseconds ms(std::int64_t count) { return Nanoseconds(count * 1'000'000); }

Nanoseconds sum_of(const ThreadTimes& times) {
  const auto known = [](const std::optional<Nanoseconds>& part) { return part.value_or(Nanoseconds{}); };
  return times.python + times.for_gil + known(times.for_turn) + known(times.for_work) + known(times.stopped) +
         known(times.native) + known(times.no_cpu) + times.asleep;
}

// One thread that lived for 100 ms, had the GIL for 30 ms, waited for it for 20 ms, and for locks for 5 ms
// and 15 ms.
ProcessRecord record_of(ThreadRecord thread) {
  auto record = make_process(4001, {{.thread = 7,
                                     .holds = 3,
                                     .hold_ticks = 30 * kMillisecondTicks,
                                     .waits = 2,
                                     .wait_ticks = 20 * kMillisecondTicks}});
  record.figures.end = 100 * kMillisecondTicks;
  thread.id = ThreadId{7};
  thread.turn_ticks = 5 * kMillisecondTicks;
  thread.work_ticks = 15 * kMillisecondTicks;
  record.threads = {thread};
  return record;
}

TEST(ThreadTimes, divide_a_life_that_had_a_cpu_whenever_it_wanted_one) {
  const auto times =
      find_thread_times(record_of({.name = "worker", .cpu = ms(40), .cpu_wait = Nanoseconds{}}));
  ASSERT_EQ(times.size(), 1U);
  const ThreadTimes& only = times.front();
  EXPECT_EQ(only.name, "worker");
  EXPECT_EQ(only.life, ms(100));
  EXPECT_EQ(only.python, ms(30));
  EXPECT_EQ(only.native, ms(10));
  EXPECT_EQ(only.for_gil, ms(20));
  EXPECT_EQ(only.for_turn, ms(5));
  EXPECT_EQ(only.for_work, ms(15));
  EXPECT_EQ(only.stopped, ms(0));
  EXPECT_EQ(only.no_cpu, ms(0));
  EXPECT_EQ(only.asleep, ms(20));
}

// A thread that computes in Python, and is woken late after each wait: it does nothing in C.
TEST(ThreadTimes, give_the_cpu_time_to_python_first_where_cpus_lack) {
  const auto only = find_thread_times(record_of({.cpu = ms(20), .cpu_wait = ms(20)})).front();
  EXPECT_EQ(only.python, ms(20));
  EXPECT_EQ(only.native, ms(0));
  EXPECT_EQ(only.no_cpu, ms(20));
  EXPECT_EQ(only.asleep, ms(20));
  EXPECT_EQ(sum_of(only), only.life);
}

TEST(ThreadTimes, say_that_who_sleeps_with_the_gil_is_asleep) {
  const auto only = find_thread_times(record_of({.cpu = ms(1), .cpu_wait = ms(0)})).front();
  EXPECT_EQ(only.python, ms(1));
  EXPECT_EQ(only.native, ms(0));
  EXPECT_EQ(only.asleep, ms(59));
  EXPECT_EQ(sum_of(only), only.life);
}

// CPU time that the system counts beside the recording: it cannot be more than there was.
TEST(ThreadTimes, are_no_longer_than_the_life) {
  const auto only = find_thread_times(record_of({.cpu = ms(500), .cpu_wait = ms(500)})).front();
  EXPECT_EQ(only.python, ms(30));
  EXPECT_EQ(only.native, ms(30));
  EXPECT_EQ(only.no_cpu, ms(0));
  EXPECT_EQ(only.asleep, ms(0));
  EXPECT_EQ(sum_of(only), only.life);
}

TEST(ThreadTimes, leave_out_what_nobody_knows) {
  auto record = record_of({});
  record.threads.front().turn_ticks.reset();
  record.threads.front().work_ticks.reset();
  const auto only = find_thread_times(record).front();
  EXPECT_EQ(only.python, ms(30));
  EXPECT_FALSE(only.native || only.no_cpu || only.for_turn || only.for_work);
  EXPECT_EQ(only.asleep, ms(50));
  record.threads.front().cpu = ms(40);
  EXPECT_FALSE(find_thread_times(record).front().no_cpu);
  EXPECT_EQ(find_thread_times(record).front().native, ms(10));
  record.threads.clear();
  EXPECT_EQ(find_thread_times(record).front().thread, ThreadId{7});
  EXPECT_EQ(find_thread_times(record).front().life, ms(100));
}

TEST(ThreadTimes, go_on_to_the_end_of_the_recording_where_the_thread_does) {
  auto record = record_of({});
  record.figures.end = 400 * kMillisecondTicks;
  EXPECT_EQ(find_thread_times(record).front().life, ms(100));
  record.threads.front().has_outlived = true;
  EXPECT_EQ(find_thread_times(record).front().life, ms(400));
  EXPECT_EQ(find_thread_times(record).front().asleep, ms(330));
}

TEST(ThreadTimes, are_of_a_thread_over_all_of_its_gils) {
  auto record =
      make_process(4001, {{.thread = 7, .holds = 1, .hold_ticks = 10 * kMillisecondTicks},
                          {.thread = 7, .gil = 1, .holds = 1, .hold_ticks = 40 * kMillisecondTicks},
                          {.thread = 8, .gil = 1, .holds = 1, .hold_ticks = 60 * kMillisecondTicks}});
  const auto times = find_thread_times(record);
  ASSERT_EQ(times.size(), 2U);
  EXPECT_EQ(times[0].thread, ThreadId{8}) << "who did most comes first";
  EXPECT_EQ(times[1].python, ms(50));
  EXPECT_EQ(times[1].life, ms(100));
}

TEST(ThreadTimes, of_a_family_are_those_of_its_threads_one_after_the_other) {
  auto record = record_of({.cpu = ms(40), .cpu_wait = ms(0), .has_outlived = true});
  auto& row = record.figures.threads.front();
  row.folded = 3;
  row.lifetime = 250 * kMillisecondTicks;
  const auto only = find_thread_times(record).front();
  EXPECT_EQ(only.folded, 3U);
  EXPECT_EQ(only.life, ms(250));
}

// A free-threaded Python may have its GIL on, and stops its world all the same.
TEST(ThreadTimes, have_a_stopped_world_beside_a_gil) {
  auto record = record_of({.cpu = ms(40), .cpu_wait = ms(0)});
  record.threads.front().world_ticks = 8 * kMillisecondTicks;
  const auto only = find_thread_times(record).front();
  EXPECT_EQ(only.stopped, ms(8));
  EXPECT_EQ(only.asleep, ms(12));
  EXPECT_EQ(sum_of(only), only.life);
}

// One thread that lived for 100 ms, waited for locks for 5 ms and 15 ms, and stood for 20 ms.
ProcessRecord record_without_gil(ThreadRecord thread) {
  thread.id = ThreadId{7};
  thread.turn_ticks = 5 * kMillisecondTicks;
  thread.work_ticks = 15 * kMillisecondTicks;
  thread.world_ticks = 20 * kMillisecondTicks;
  thread.life_ticks = 100 * kMillisecondTicks;
  return {.pid = 4001, .threads = {thread}};
}

TEST(ThreadTimesWithoutAGil, divide_a_life_by_its_waits_and_what_the_system_tells) {
  const auto times =
      find_thread_times_without_gil(record_without_gil({.name = "worker", .cpu = ms(40), .cpu_wait = ms(2)}));
  ASSERT_EQ(times.size(), 1U);
  const ThreadTimes& only = times.front();
  EXPECT_EQ(only.name, "worker");
  EXPECT_EQ(only.life, ms(100));
  EXPECT_EQ(only.python, ms(40));
  EXPECT_EQ(only.for_gil, ms(0));
  EXPECT_EQ(only.for_turn, ms(5));
  EXPECT_EQ(only.for_work, ms(15));
  EXPECT_EQ(only.stopped, ms(20));
  EXPECT_FALSE(only.native) << "nobody sees who detaches";
  EXPECT_EQ(only.no_cpu, ms(2));
  EXPECT_EQ(only.asleep, ms(18));
  EXPECT_EQ(sum_of(only), only.life);
}

TEST(ThreadTimesWithoutAGil, are_no_longer_than_the_life_which_is_no_shorter_than_the_waits) {
  auto record = record_without_gil({.cpu = ms(500), .cpu_wait = ms(500)});
  EXPECT_EQ(find_thread_times_without_gil(record).front().python, ms(60));
  EXPECT_EQ(find_thread_times_without_gil(record).front().no_cpu, ms(0));
  record.threads.front().life_ticks = 10 * kMillisecondTicks;
  const auto only = find_thread_times_without_gil(record).front();
  EXPECT_EQ(only.life, ms(40)) << "it had waited before it had a name";
  EXPECT_EQ(only.python, ms(0));
  EXPECT_EQ(sum_of(only), only.life);
}

TEST(ThreadTimesWithoutAGil, are_of_threads_whose_life_and_cpu_time_are_known) {
  auto record = record_without_gil({});
  EXPECT_TRUE(find_thread_times_without_gil(record).empty());
  record.threads.front().cpu = ms(40);
  auto& thread = record.threads.front();
  thread.turn_ticks.reset();
  thread.work_ticks.reset();
  thread.world_ticks.reset();
  const auto only = find_thread_times_without_gil(record).front();
  EXPECT_FALSE(only.for_turn || only.for_work || only.stopped || only.no_cpu);
  EXPECT_EQ(only.asleep, ms(60));
  thread.life_ticks.reset();
  EXPECT_TRUE(find_thread_times_without_gil(record).empty());
}

}  // namespace
}  // namespace gilscope
