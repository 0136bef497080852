// One process: what it did while the recording ran is in the record, and nothing else.
#include <Python.h>

#include "recording/recording.h"

#include <algorithm>
#include <thread>

#include "recording/recording_fixture.h"

namespace gilscope {
namespace {

using std::chrono::milliseconds;

void pass(Nanoseconds time) {
  for (const auto end = ProbeClock::read_monotonic() + time; ProbeClock::read_monotonic() < end;) {
  }
}

TEST_F(RecordingTest, has_every_hold_and_release_and_nothing_of_before_and_after) {
  Recording recording(Reach::ThisProcess);
  {
    const Detached detached;
  }
  recording.start();
  for (int i = 0; i < 1000; ++i) {
    const Detached detached;
  }
  recording.stop();
  {
    const Detached detached;
  }
  const RecordedRun run = recording.collect();
  ASSERT_EQ(run.processes.size(), 1U);
  const auto& process = run.processes.front();
  EXPECT_EQ(process.pid, getpid());
  EXPECT_EQ(process.parent_pid, getppid());
  EXPECT_EQ(process.role, ProcessRole::First);
  ASSERT_EQ(process.figures.gils.size(), 1U);
  EXPECT_EQ(process.figures.gils.front().interpreter, 0);
  EXPECT_EQ(process.figures.gils.front().handoffs, 0U);
  ASSERT_EQ(process.figures.threads.size(), 1U);
  const auto& row = process.figures.threads.front();
  EXPECT_EQ(row.thread, this_thread_id());
  EXPECT_EQ(row.holds, 1001U);
  EXPECT_EQ(row.voluntary, 1000U);
  EXPECT_EQ(row.forced, 0U);
  EXPECT_EQ(row.waits, 0U);
  EXPECT_EQ(row.open, OpenInterval::Hold);
  ASSERT_EQ(process.threads.size(), 1U);
  EXPECT_EQ(process.threads.front().id, this_thread_id());
  EXPECT_EQ(process.threads.front().name, "MainThread");
  EXPECT_EQ(run.losses.unrecorded_processes, 0U);
  EXPECT_FALSE(run.losses.were_slots_overwritten);
}

TEST_F(RecordingTest, has_the_time_that_its_hooks_took_and_the_notes_have_it_for_a_capture) {
  Recording recording(Reach::ThisProcess, {}, Stacks::Every);
  recording.start();
  for (std::uint32_t i = 0; i < 3 * HookTimes::kOneOf; ++i) {
    const Detached detached;
  }
  recording.stop();
  const auto hooks = recording.collect().processes.front().hooks;
  EXPECT_EQ(hooks.timed, 6U);
  EXPECT_EQ(hooks.acquires, 3U);
  EXPECT_GT(hooks.ticks, 0U);
  EXPECT_EQ(recording.notes().processes.front().hooks.ticks, hooks.ticks);
}

TEST_F(RecordingTest, has_what_readings_took_while_it_ran) {
  Recording recording(Reach::ThisProcess);
  recording.start();
  const auto first = recording.collect().readings;
  EXPECT_GT(first, Nanoseconds::zero());
  const auto second = recording.collect().readings;
  EXPECT_GT(second, first);
  recording.stop();
  EXPECT_EQ(recording.collect().readings, second);
  EXPECT_EQ(recording.collect().readings, second);
}

TEST_F(RecordingTest, has_times_as_they_were) {
  Recording recording(Reach::ThisProcess);
  const auto begin = ProbeClock::read_monotonic();
  recording.start();
  const auto started = ProbeClock::read_monotonic();
  pass(milliseconds(10));
  {
    const Detached detached;
    pass(milliseconds(20));
  }
  const auto stopping = ProbeClock::read_monotonic();
  recording.stop();
  const auto end = ProbeClock::read_monotonic();
  const auto process = recording.collect().processes.front();
  // The tick's length is measured over these 30 ms, by two pairs of readings: far better than 1 %.
  const auto tolerance = milliseconds(1);
  EXPECT_GE(process.wall, stopping - started - tolerance);
  EXPECT_LE(process.wall, end - begin + tolerance);
  const auto held = process.tick.of(process.figures.threads.front().hold_ticks);
  EXPECT_GE(held, milliseconds(10) - tolerance);
  EXPECT_LE(held, process.wall - milliseconds(20) + tolerance);
  // On a busy machine it may have had little of the time; never more than there was.
  ASSERT_TRUE(process.cpu);
  EXPECT_GT(*process.cpu, Nanoseconds::zero());
  EXPECT_LE(*process.cpu, end - begin + tolerance);
}

TEST_F(RecordingTest, knows_cpu_times_within_the_recording_only) {
  pass(milliseconds(20));
  Recording recording(Reach::ThisProcess);
  const auto before = read_process_cpu();
  recording.start();
  pass(milliseconds(5));
  recording.stop();
  const auto used = read_process_cpu() - before;
  pass(milliseconds(5));
  const auto process = recording.collect().processes.front();
  ASSERT_TRUE(process.cpu);
  ASSERT_TRUE(process.threads.front().cpu);
  EXPECT_LE(*process.cpu, used);
  EXPECT_LE(*process.threads.front().cpu, used);
}

TEST_F(RecordingTest, is_read_while_it_runs_and_stands_still_after_its_stop) {
  Recording recording(Reach::WithChildren);
  recording.start();
  EXPECT_TRUE(recording.is_running());
  const auto early = recording.collect().processes.front();
  EXPECT_EQ(count_holds(early), 1U);
  {
    const Detached detached;
  }
  const auto later = recording.collect().processes.front();
  EXPECT_EQ(count_holds(later), 2U);
  EXPECT_GT(later.wall, early.wall);
  ASSERT_TRUE(later.threads.front().cpu);
  recording.stop();
  EXPECT_FALSE(recording.is_running());
  const auto last = recording.collect().processes.front();
  EXPECT_GE(last.wall, later.wall);
  {
    const Detached detached;
  }
  const auto again = recording.collect().processes.front();
  EXPECT_EQ(count_holds(again), 2U);
  EXPECT_EQ(again.wall, last.wall);
  EXPECT_EQ(again.cpu, last.cpu);
  EXPECT_EQ(again.threads.front().cpu, last.threads.front().cpu);
  recording.stop();
  EXPECT_EQ(recording.collect().processes.front().wall, last.wall);
}

// Each of them all that happens while it runs, and a child of a fork for itself.
TEST_F(RecordingTest, runs_within_another) {
  for (const auto reach : {Reach::ThisProcess, Reach::WithChildren}) {
    Recording outer(Reach::WithChildren);
    Recording inner(reach);
    outer.start();
    run("read(100)");
    const auto before = count_holds(outer.collect().processes.front());
    inner.start();
    run("read(1000)");
    run("child(lambda: read(500))");
    const auto within = count_holds(inner.collect().processes.front());
    inner.stop();
    run("read(100)");
    outer.stop();
    EXPECT_GE(before, 100U);
    EXPECT_GE(within, 1000U);
    EXPECT_LT(within, 1400U);
    const auto run = outer.collect();
    EXPECT_GE(count_holds(run.processes.front()), before + within + 100);
    ASSERT_EQ(run.processes.size(), 2U);
    EXPECT_GE(count_holds(run.processes.back()), 500U);
    EXPECT_EQ(inner.collect().processes.size(), reach == Reach::WithChildren ? 2U : 1U);
    EXPECT_FALSE(run.losses.were_slots_overwritten);
  }
}

TEST_F(RecordingTest, can_follow_another) {
  for (const auto reach : {Reach::WithChildren, Reach::ThisProcess, Reach::WithChildren}) {
    Recording recording(reach);
    EXPECT_EQ(recording.path().empty(), reach == Reach::ThisProcess);
    recording.start();
    {
      const Detached detached;
    }
    recording.stop();
    EXPECT_EQ(count_holds(recording.collect().processes.front()), 2U);
  }
}

TEST_F(RecordingTest, stops_where_it_goes_out_of_scope) {
  {
    Recording recording(Reach::WithChildren);
    recording.start();
  }
  Recording next(Reach::ThisProcess);
  next.start();
  EXPECT_TRUE(next.is_running());
}

// A thread of C++ takes the GIL twice: for its turn, and to end its state.
void take_turn_in_threads(int threads) {
  const Detached detached;
  for (int i = 0; i < threads; ++i) {
    std::thread([] {
      AttachedThread thread;
      thread.attach();
      thread.detach();
    }).join();
  }
}

TEST_F(RecordingTest, counts_every_hold_of_a_thousand_short_threads) {
  Recording recording(Reach::WithChildren);
  recording.start();
  take_turn_in_threads(1000);
  recording.stop();
  const auto process = recording.collect().processes.front();
  EXPECT_EQ(count_holds(process), 2U + 2 * 1000U);
  EXPECT_EQ(count_releases(process), 1U + 2 * 1000U);
  EXPECT_TRUE(
      std::ranges::all_of(process.figures.threads, [](const auto& row) { return row.thread.has_value(); }));
}

TEST_F(RecordingTest, counts_the_holds_of_any_number_of_threads_in_few_rows) {
  Recording recording(Reach::WithChildren);
  recording.start();
  take_turn_in_threads(1500);
  recording.stop();
  const auto process = recording.collect().processes.front();
  EXPECT_EQ(count_holds(process), 2U + 2 * 1500U);
  EXPECT_LT(process.figures.threads.size(), 300U);
  std::uint64_t threads = 0;
  for (const auto& row : process.figures.threads) threads += std::max<std::uint64_t>(row.folded, 1);
  EXPECT_EQ(threads, 1 + 1500U);
  const auto family = std::ranges::find(process.threads, ThreadId{kFirstFamily}, &ThreadRecord::id);
  ASSERT_NE(family, process.threads.end());
  EXPECT_EQ(family->name, "(ended threads)");
  EXPECT_FALSE(family->cpu) << "nobody told of it";
}

TEST_F(RecordingTest, keeps_names_and_cpu_times_of_threads_that_have_ended) {
  Recording recording(Reach::WithChildren);
  recording.start();
  ThreadId ended{};
  std::thread([&] {
    ended = this_thread_id();
    recording.name_thread(ended, "worker");
    pass(milliseconds(3));
    recording.end_thread(ended);
  }).join();
  recording.stop();
  const auto threads = recording.collect().processes.front().threads;
  const auto found = std::ranges::find(threads, ended, &ThreadRecord::id);
  ASSERT_NE(found, threads.end());
  EXPECT_EQ(found->name, "worker");
  ASSERT_TRUE(found->cpu);
  EXPECT_GT(*found->cpu, Nanoseconds::zero());
}

TEST_F(RecordingTest, does_not_know_the_cpu_time_of_a_thread_that_ended_untold) {
  Recording recording(Reach::ThisProcess);
  recording.start();
  ThreadId ended{};
  std::thread([&] { recording.name_thread(ended = this_thread_id(), "worker"); }).join();
  wait_until_gone(ended);
  recording.stop();
  const auto threads = recording.collect().processes.front().threads;
  const auto found = std::ranges::find(threads, ended, &ThreadRecord::id);
  ASSERT_NE(found, threads.end());
  EXPECT_FALSE(found->cpu);
}

}  // namespace
}  // namespace gilscope
