// Processes that end in every way, and their children.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "capture/capture_fixture.h"

namespace gilscope {
namespace {

using test::Child;
using test::expect_same;
using test::make_event;
using test::read_events;
using test::Signal;

using RecorderProcessTest = test::CaptureTest;

void expect_run(const std::vector<Event>& events, unsigned first) {
  for (std::size_t i = 0; i < events.size(); ++i) ASSERT_EQ(events[i].ticks, first + i);
}

TEST_F(RecorderProcessTest, has_everything_on_disk_that_a_killed_process_recorded) {
  const Signal recorded;
  const Child child([&]() -> int {
    recorder_.start(options());
    record_run(1, 20'000);
    recorded.tell();
    for (;;) pause();
  });
  recorded.wait();
  kill(child.pid(), SIGKILL);
  child.end();
  const ProcessReader reader(only_file());
  EXPECT_FALSE(reader.facts().is_finished);
  EXPECT_FALSE(reader.facts().events);
  EXPECT_GT(reader.facts().latest.time, Nanoseconds(0)) << "its times can be told";
  const auto events = read_events(only_file());
  EXPECT_EQ(events.size(), 20'000U);
  expect_run(events, 1);
}

TEST_F(RecorderProcessTest, is_readable_at_whatever_instant_the_process_is_killed) {
  for (unsigned round = 0; round < 20; ++round) {
    const Signal begun;
    const Child child([&] {
      recorder_.start(options());
      for (unsigned first = 1;; first += 1000) {
        record_run(first, 1000);
        if (first == 1 + round * 5000) begun.tell();
      }
      return 0;
    });
    begun.wait();
    kill(child.pid(), SIGKILL);
    child.end();
    const auto events = read_events(file_of(child.pid()));
    EXPECT_GE(events.size(), round * 5000 + 1000);
    expect_run(events, 1);
  }
}

TEST_F(RecorderProcessTest, is_readable_after_exit_abort_and_exec) {
  const auto expect_whole = [&](const Child& child) {
    child.end();
    EXPECT_EQ(read_events(file_of(child.pid())).size(), 100U);
  };
  expect_whole(Child([&] {
    recorder_.start(options());
    record_run(1, 100);
    return 3;
  }));
  expect_whole(Child([&] {
    recorder_.start(options());
    record_run(1, 100);
    std::signal(SIGABRT, SIG_DFL);
    std::abort();
    return 0;
  }));
  expect_whole(Child([&] {
    recorder_.start(options());
    record_run(1, 100);
    execl("/bin/true", "true", nullptr);
    return 1;
  }));
}

TEST_F(RecorderProcessTest, gives_the_child_of_a_fork_a_file_of_its_own) {
  recorder_.start(options());
  record_run(1, 100);
  const Child child([&] {
    record_run(1000, 50, 2);
    return 0;
  });
  EXPECT_EQ(child.wait(), 0);
  record_run(101, 100);
  recorder_.stop();

  const auto of_parent = read_events(file_of(getpid()));
  EXPECT_EQ(of_parent.size(), 200U);
  expect_run(of_parent, 1);
  const auto of_child = read_events(file_of(child.pid()));
  EXPECT_EQ(of_child.size(), 50U) << "nothing of the parent's";
  expect_run(of_child, 1000);
  const auto facts = ProcessReader(file_of(child.pid())).facts();
  EXPECT_EQ(facts.pid, static_cast<std::uint32_t>(child.pid()));
  EXPECT_EQ(facts.parent_pid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(facts.start_method, "fork");
  EXPECT_TRUE(facts.process_begin);
  EXPECT_GE(facts.begin.ticks, facts.earliest.ticks);
}

TEST_F(RecorderProcessTest, lets_a_child_stop_and_start_by_itself) {
  recorder_.start(options());
  record_run(1, 100);
  const Child child([&] {
    record_run(200, 50);
    if (recorder_.stop().events != 50) return 1;
    recorder_.start(options());
    record_run(300, 50);
    const Child grandchild([&] {
      record_run(400, 7);
      return recorder_.stop().events == 7 ? 0 : 1;
    });
    if (grandchild.wait() != 0) return 2;
    return recorder_.stop().events == 50 ? 0 : 3;
  });
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(recorder_.stop().events, 100U);
  EXPECT_EQ(files().size(), 4U);
  for (const auto& file : files()) EXPECT_TRUE(ProcessReader(file).facts().is_finished);
}

TEST_F(RecorderProcessTest, makes_no_file_for_a_child_that_records_nothing) {
  recorder_.start(options());
  const Child silent([] { return 0; });
  EXPECT_EQ(silent.wait(), 0);
  EXPECT_EQ(files().size(), 1U);
}

TEST_F(RecorderProcessTest, forks_while_other_threads_record_and_end) {
  recorder_.start(options());
  std::mutex gil;
  std::uint64_t ticks = 0;
  std::atomic<bool> is_over{false};
  std::vector<std::thread> threads;
  for (unsigned id = 1; id <= 3; ++id) {
    threads.emplace_back([&, id] {
      while (!is_over) {
        std::thread([&] {
          for (unsigned i = 0; i < 500; ++i) {
            const std::scoped_lock lock(gil);
            recorder_.record(make_event(++ticks, EventKind::Acquire, id));
          }
        }).join();
      }
    });
  }
  for (unsigned round = 0; round < 20; ++round) {
    const Child child([&] {
      record_run(1, 10'000, 9);
      return 0;
    });
    EXPECT_EQ(child.wait(), 0);
    const auto events = read_events(file_of(child.pid()));
    EXPECT_EQ(events.size(), 10'000U);
    expect_run(events, 1);
  }
  is_over = true;
  for (auto& thread : threads) thread.join();
  const auto counts = recorder_.stop();
  EXPECT_EQ(counts.events, ticks);
  const auto events = read_events(file_of(getpid()));
  EXPECT_EQ(events.size(), ticks);
  expect_run(events, 1);
}

TEST_F(RecorderProcessTest, ignores_a_thread_that_ends_after_the_recorder_stopped_and_started) {
  const Signal recorded;
  const Signal restarted;
  recorder_.start(options());
  std::thread late([&] {
    recorder_.record(make_event(1, EventKind::Acquire, 2));
    recorded.tell();
    restarted.wait();
  });
  recorded.wait();
  recorder_.stop();
  recorder_.start(options());
  recorder_.record(make_event(1, EventKind::Acquire, 3));
  restarted.tell();
  late.join();
  // Were the main thread's buffer given away by `late`, this one would share it.
  std::thread([&] { recorder_.record(make_event(2, EventKind::Acquire, 4)); }).join();
  recorder_.record(make_event(3, EventKind::Acquire, 3));
  recorder_.stop();
  const ProcessReader reader(files().at(1));
  EXPECT_EQ(reader.facts().streams, 2U);
  expect_same(read_events(files().at(1)),
              {make_event(1, EventKind::Acquire, 3), make_event(2, EventKind::Acquire, 4),
               make_event(3, EventKind::Acquire, 3)});
}

}  // namespace
}  // namespace gilscope
