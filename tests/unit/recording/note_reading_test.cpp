// Notes in memory that other processes write to: whatever stands there, reading them is safe.
#include "recording/note_reading.h"

#include <array>
#include <cstring>
#include <memory>
#include <random>
#include <semaphore>
#include <span>
#include <thread>
#include <unistd.h>
#include <utility>

#include <gtest/gtest.h>

#include "capture/format.h"
#include "probe/system_thread.h"

namespace gilscope {
namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};

class NoteReading : public testing::Test {
 protected:
  NoteReading() {
    note_->begin(ProcessRole::Spawn, 1'000);
    note_->name_process("Spawn-1", NamedBy::Module);
    note_->name_thread(ThreadId{7}, "seven");
    note_->hooks.add_event(true, 500);
    note_->hooks.add_event(false, 300);
    note_->hooks.add_work(40'000);
    note_->end(3'000);
  }

  std::unique_ptr<ProcessNote> note_ = std::make_unique<ProcessNote>();
};

TEST_F(NoteReading, gives_what_was_noted) {
  const auto notes = read_note(*note_, 5'000);
  ASSERT_TRUE(notes);
  EXPECT_EQ(notes->pid, getpid());
  EXPECT_EQ(notes->parent_pid, getppid());
  EXPECT_EQ(notes->start_method, "spawn");
  EXPECT_EQ(notes->name, "Spawn-1");
  EXPECT_EQ(notes->begin, 1'000U);
  EXPECT_EQ(notes->end, 3'000U);
  EXPECT_TRUE(notes->cpu);
  ASSERT_EQ(notes->threads.size(), 1U);
  EXPECT_EQ(notes->threads.front().name, "seven");
  EXPECT_EQ(notes->hooks.timed, 2U);
  EXPECT_EQ(notes->hooks.acquires, 1U);
  EXPECT_EQ(notes->hooks.ticks, 800U);
  EXPECT_EQ(notes->hooks.work_ticks, 40'000U);
}

TEST_F(NoteReading, takes_no_more_time_of_hooks_than_a_file_may_have) {
  note_->hooks.ticks = kAll;
  EXPECT_EQ(read_note(*note_, 5'000)->hooks.ticks, kMaxTicks);
}

TEST(HookTimes, take_no_time_in_which_the_thread_was_set_aside) {
  HookTimes times{};
  times.add_event(false, kAll);
  EXPECT_EQ(times.ticks, HookTimes::kMostTicks);
}

TEST_F(NoteReading, takes_no_numbers_that_no_process_has) {
  const auto expect_none_with = [&](Cell& cell, std::uint64_t value) {
    const auto whole = cell.read();
    cell.set(value);
    EXPECT_FALSE(read_note(*note_, 5'000)) << value;
    cell.set(whole);
    EXPECT_TRUE(read_note(*note_, 5'000));
  };
  expect_none_with(note_->state, 0);
  expect_none_with(note_->state, 3);
  expect_none_with(note_->pid, 0);
  expect_none_with(note_->pid, std::uint64_t{1} << 31U);
  expect_none_with(note_->parent_pid, kAll);
  expect_none_with(note_->role, 6);
  expect_none_with(note_->role, kAll);
  expect_none_with(note_->started_ticks, kAll);
  expect_none_with(note_->started_ticks, 3'001);
  expect_none_with(note_->stopped_ticks, 999);
  expect_none_with(note_->stopped_ticks, kAll);
}

TEST_F(NoteReading, leaves_out_cpu_times_that_go_back_and_threads_without_an_id) {
  note_->cpu_end.set(note_->cpu_begin.read() - 1);
  note_->notes[0].cpu_begin.set(10);
  note_->notes[0].cpu_end.set(9);
  note_->notes[0].cpu_wait_begin.set(10);
  note_->notes[0].cpu_wait_end.set(10);  // of 9
  note_->notes[1].thread.set(std::uint64_t{1} << 32U);
  note_->threads.set(3);
  const auto notes = read_note(*note_, 5'000);
  ASSERT_TRUE(notes);
  EXPECT_FALSE(notes->cpu);
  ASSERT_EQ(notes->threads.size(), 1U);
  EXPECT_FALSE(notes->threads.front().cpu);
  EXPECT_FALSE(notes->threads.front().cpu_wait);
}

TEST_F(NoteReading, gives_how_long_threads_waited_for_a_cpu_where_that_is_known) {
  note_->notes[0].cpu_wait_begin.set(10);
  note_->notes[0].end(std::nullopt, Nanoseconds(10));
  EXPECT_EQ(read_note(*note_, 5'000)->threads.front().cpu_wait, Nanoseconds{});
  note_->notes[0].cpu_wait_end.set(0);
  note_->pid.set(static_cast<std::uint64_t>(getppid()));
  EXPECT_FALSE(read_note(*note_, 5'000)->threads.front().cpu_wait) << "it was killed";
}

TEST_F(NoteReading, gives_how_long_a_thread_is_in_the_recording_where_its_begin_and_its_cpu_time_are_known) {
  ThreadNote& thread = note_->notes[0];
  const auto life = [&] { return read_note(*note_, 5'000)->threads.front().life_ticks; };
  thread.begin_ticks.set(1'400);
  EXPECT_FALSE(life());
  thread.cpu_end.set(300);
  EXPECT_EQ(life(), 1'600U) << "up to the end of the recording";
  thread.end_ticks.set(2'000);
  EXPECT_EQ(life(), 600U);
  thread.end_ticks.set(kAll);
  EXPECT_EQ(life(), 1'600U);
  thread.end_ticks.set(1);
  EXPECT_FALSE(life());
  thread.begin_ticks.set(0);
  EXPECT_FALSE(life());
}

TEST_F(NoteReading, counts_a_wait_that_is_on_for_what_it_is) {
  note_->locks.is_watched = 1;
  const auto turn = note_->locks.find_or_add({.file = "app.py", .line = 1, .function = "f"});
  const auto work =
      note_->locks.find_or_add({.file = "app.py", .line = 1, .function = "f", .wait_for = WaitFor::Work});
  const auto world =
      note_->locks.find_or_add({.file = "app.py", .line = 1, .function = "f", .lock_kind = LockKind::World});
  const auto waits_at = [&](std::size_t place) {
    note_->locks.begin(7, {.since = 2'900, .lock = 0x1000, .place = place});
    const auto thread = read_note(*note_, 5'000)->threads.front();
    return std::array{thread.turn_ticks.value(), thread.work_ticks.value(), thread.world_ticks.value()};
  };
  EXPECT_EQ(waits_at(turn), (std::array<std::uint64_t, 3>{100, 0, 0}));
  EXPECT_EQ(waits_at(work), (std::array<std::uint64_t, 3>{0, 100, 0}));
  EXPECT_EQ(waits_at(world), (std::array<std::uint64_t, 3>{0, 0, 100}));
}

TEST_F(NoteReading, has_a_long_wait_for_a_lock_as_one_that_is_open_and_none_for_the_world) {
  const auto turn = note_->locks.find_or_add({.file = "app.py", .line = 1, .function = "f"});
  const auto world =
      note_->locks.find_or_add({.file = "app.py", .line = 2, .function = "f", .lock_kind = LockKind::World});
  for (const auto& [thread, place] : {std::pair(7U, turn), std::pair(8U, world)}) {
    note_->locks.begin(thread, {.since = 1'500, .lock = 0x1000, .place = place});
    note_->locks.look(thread, 2'500, {});
  }
  const auto waits = read_note(*note_, 5'000)->open_lock_waits;
  ASSERT_EQ(waits.size(), 1U);
  EXPECT_EQ(waits.front().thread, ThreadId{7});
  EXPECT_EQ(waits.front().since, 1'500U);
}

TEST_F(NoteReading, asks_the_system_for_a_threads_waits_only_if_it_has_run_since) {
  std::binary_semaphore is_there(0);
  std::binary_semaphore may_end(0);
  ThreadId id{};
  std::thread thread([&] {
    id = this_thread_id();
    is_there.release();
    may_end.acquire();
  });
  is_there.acquire();
  note_->notes[0].thread.set(static_cast<std::uint64_t>(id));
  note_->notes[0].cpu_begin.set(0);
  note_->notes[0].cpu_wait_begin.set(0);
  constexpr Nanoseconds kNever(1'234'567'890'123'456'789);
  const auto read = [&] { return read_note(*note_, 5'000)->threads.front().cpu_wait.value(); };
  EXPECT_LT(read(), kNever);
  do {  // it may be on its way to sleep
    note_->notes[0].cpu_wait_told.set(static_cast<std::uint64_t>(kNever.count()) + 1);
  } while (read() != kNever);
  note_->notes[0].cpu_when_told.set(1);  // as if it had run
  EXPECT_LT(read(), kNever);
  may_end.release();
  thread.join();
}

TEST_F(NoteReading, ends_with_what_there_is_place_for) {
  note_->threads.set(kAll);
  note_->name.fill('x');
  for (auto& thread : note_->notes) {
    thread.thread.set(1);
    thread.name.fill('y');
  }
  const auto notes = read_note(*note_, 5'000);
  ASSERT_TRUE(notes);
  EXPECT_EQ(notes->name, std::string(kNameBytes + 1, 'x'));
  EXPECT_EQ(notes->threads.size(), ProcessNote::kThreads);
  EXPECT_EQ(notes->threads.back().name, std::string(kNameBytes + 1, 'y'));
  EXPECT_EQ(note_->find_or_add(ThreadId{9}), nullptr);
}

TEST_F(NoteReading, survives_any_bytes) {
  std::minstd_rand random(15);
  auto* const words = reinterpret_cast<std::uint64_t*>(note_.get());
  const std::span head(words, 9);
  const ProcessNote whole = *note_;
  for (unsigned round = 0; round < 2'000; ++round) {
    *note_ = whole;
    for (auto& word : head) {
      if (random() % 3 == 0) word = (std::uint64_t{random()} << (random() % 40)) - random() % 2;
    }
    if (round % 100 == 0) std::memset(note_.get(), static_cast<int>(random() % 256), sizeof *note_);
    const auto notes = read_note(*note_, 5'000);
    if (!notes) continue;
    EXPECT_GE(notes->pid, 1);
    EXPECT_LE(notes->begin, notes->end.value_or(kAll));
    EXPECT_GE(notes->cpu.value_or(Nanoseconds{}).count(), 0);
  }
}

}  // namespace
}  // namespace gilscope
