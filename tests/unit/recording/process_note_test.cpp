#include "recording/process_note.h"

#include <cstring>
#include <ctime>
#include <memory>
#include <pthread.h>
#include <set>
#include <string>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "probe/system_thread.h"
#include "recording/in_child.h"

namespace gilscope {
namespace {

Nanoseconds own_cpu() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec);
}

void use_cpu(Nanoseconds time) {
  for (const auto end = own_cpu() + time; own_cpu() < end;) {
  }
}

class Note : public testing::Test {
 protected:
  [[nodiscard]] std::string name_of(ThreadId thread) const {
    const auto* const found = note_->find(thread);
    return found == nullptr ? "(none)"
                            : std::string(found->name.data(), strnlen(found->name.data(), kNameBytes + 1));
  }

  // All zero bits, as in fresh memory.
  std::unique_ptr<ProcessNote> note_ = std::make_unique<ProcessNote>();
};

TEST_F(Note, finds_the_names_of_threads_again) {
  note_->name_thread(ThreadId{7}, "seven");
  note_->name_thread(ThreadId{8}, "eight");
  EXPECT_EQ(name_of(ThreadId{7}), "seven");
  EXPECT_EQ(name_of(ThreadId{8}), "eight");
  EXPECT_EQ(name_of(ThreadId{9}), "(none)");
  EXPECT_EQ(note_->threads.read(), 2U);
}

TEST_F(Note, leaves_nothing_of_a_longer_name_behind_the_new_one) {
  note_->name_thread(ThreadId{7}, "a longer name");
  note_->name_thread(ThreadId{7}, "short");
  EXPECT_EQ(name_of(ThreadId{7}), "short");
  EXPECT_EQ(note_->threads.read(), 1U);
}

TEST_F(Note, keeps_as_many_bytes_of_a_name_as_it_says) {
  note_->name_thread(ThreadId{1}, std::string(kNameBytes, 'x'));
  note_->name_thread(ThreadId{2}, std::string(kNameBytes + 1, 'y'));
  note_->name_thread(ThreadId{3}, std::string(1U << 20U, 'z'));
  EXPECT_EQ(name_of(ThreadId{1}), std::string(kNameBytes, 'x'));
  EXPECT_EQ(name_of(ThreadId{2}), std::string(kNameBytes, 'y'));
  EXPECT_EQ(name_of(ThreadId{3}), std::string(kNameBytes, 'z'));
}

TEST_F(Note, cuts_names_between_characters) {
  for (const std::string_view character : {"é", "漢", "🐍"}) {
    for (std::size_t before = kNameBytes - 5; before <= kNameBytes; ++before) {
      const std::string begin(before, 'x');
      note_->name_thread(ThreadId{7},
                         begin + std::string(character) + std::string(character) + std::string(character));
      std::string expected = begin;
      while (expected.size() + character.size() <= kNameBytes) expected += character;
      EXPECT_EQ(name_of(ThreadId{7}), expected) << character << " after " << before;
    }
  }
}

TEST_F(Note, has_the_name_of_its_process_cut_likewise) {
  EXPECT_EQ(note_->name.front(), '\0');
  note_->name_process("ForkPoolWorker-1", NamedBy::Module);
  EXPECT_STREQ(note_->name.data(), "ForkPoolWorker-1");
  note_->name_process(std::string(kNameBytes - 1, 'x') + "é", NamedBy::Module);
  EXPECT_EQ(note_->name.data(), std::string(kNameBytes - 1, 'x'));
  EXPECT_EQ(name_of(ThreadId{}), "(none)");
}

TEST_F(Note, has_the_name_that_the_best_of_those_gave_who_named_its_process) {
  EXPECT_TRUE(note_->name_process("-m gunicorn", NamedBy::Command));
  EXPECT_TRUE(note_->name_process("SpawnProcess-1", NamedBy::Module));
  EXPECT_FALSE(note_->name_process("-m gunicorn", NamedBy::Command));
  EXPECT_TRUE(note_->name_process("gunicorn: worker", NamedBy::Title));
  EXPECT_FALSE(note_->name_process("SpawnProcess-2", NamedBy::Module));
  EXPECT_STREQ(note_->name.data(), "gunicorn: worker");
  EXPECT_TRUE(note_->name_process("idle", NamedBy::Title));
  EXPECT_STREQ(note_->name.data(), "idle");
}

TEST_F(Note, has_the_kernels_name_of_a_thread_that_python_does_not_know) {
  const auto in_thread = [](const char* name, const auto& act) {
    std::thread([&] {
      pthread_setname_np(pthread_self(), name);
      act(this_thread_id());
    }).join();
  };
  in_thread("decoder", [&](ThreadId thread) {
    note_->name_native(thread);
    EXPECT_EQ(name_of(thread), "decoder");
    note_->name_thread(thread, "Dummy-12");
    EXPECT_EQ(name_of(thread), "decoder") << "Python knows no better";
    note_->name_thread(thread, "adopted");
    note_->name_native(thread);
    note_->name_natives();
    EXPECT_EQ(name_of(thread), "adopted");
  });
  in_thread("later", [&](ThreadId thread) {
    note_->name_thread(thread, "Dummy-13");
    EXPECT_EQ(name_of(thread), "later");
    pthread_setname_np(pthread_self(), "by now");
    note_->name_natives();
    EXPECT_EQ(name_of(thread), "by now");
  });
  note_->name_native(this_thread_id());
  EXPECT_EQ(name_of(this_thread_id()), "(none)") << "it is called as the process is";
  note_->name_thread(this_thread_id(), "Dummy-1");
  EXPECT_EQ(name_of(this_thread_id()), "Dummy-1");
}

TEST_F(Note, counts_the_cpu_time_of_a_native_thread_from_when_it_is_noted) {
  std::thread([&] {
    pthread_setname_np(pthread_self(), "decoder");
    use_cpu(std::chrono::milliseconds(2));
    note_->name_native(this_thread_id());
    EXPECT_GE(note_->find(this_thread_id())->cpu_begin.read(), 2'000'000U);
  }).join();
}

TEST_F(Note, survives_names_that_are_no_text) {
  note_->name_thread(ThreadId{7}, std::string(200, '\xBF'));
  EXPECT_EQ(name_of(ThreadId{7}), "");
  note_->name_thread(ThreadId{7}, "");
  EXPECT_EQ(name_of(ThreadId{7}), "");
}

TEST_F(Note, has_no_place_for_more_threads_than_it_says_and_keeps_those) {
  for (std::uint32_t i = 1; i <= ProcessNote::kThreads; ++i) {
    ASSERT_NE(note_->find_or_add(ThreadId{i}), nullptr) << i;
  }
  note_->name_thread(ThreadId{ProcessNote::kThreads}, "last");
  EXPECT_EQ(note_->find_or_add(ThreadId{99'999}), nullptr);
  note_->name_thread(ThreadId{99'999}, "nobody");
  EXPECT_EQ(name_of(ThreadId{ProcessNote::kThreads}), "last");
  EXPECT_EQ(name_of(ThreadId{99'999}), "(none)");
  EXPECT_EQ(note_->threads.read(), ProcessNote::kThreads);
}

TEST_F(Note, makes_families_of_names_that_differ_in_their_number) {
  const auto family_of = [&](std::uint32_t thread, std::string_view name) {
    note_->name_thread(ThreadId{thread}, name);
    const auto family = static_cast<std::uint32_t>(note_->family_of(ThreadId{thread}));
    EXPECT_GE(family, kFirstFamily);
    return std::string(note_->families.at(family - kFirstFamily).name.data());
  };
  EXPECT_EQ(family_of(1, "Thread-12 (process_request_thread)"), "Thread-N (process_request_thread)");
  EXPECT_EQ(family_of(2, "Thread-7 (fetch2)"), "Thread-N (fetch2)");
  EXPECT_EQ(family_of(3, "ThreadPoolExecutor-0_17"), "ThreadPoolExecutor-0_N");
  EXPECT_EQ(family_of(4, "h2-reader"), "h2-reader");
  EXPECT_EQ(family_of(5, "4711"), "N");
  EXPECT_EQ(family_of(6, std::string(kNameBytes, '9')), "N");
  EXPECT_EQ(family_of(7, ""), "(ended threads)");
  EXPECT_EQ(note_->family_of(ThreadId{99}), note_->family_of(ThreadId{7})) << "nobody named it";
}

TEST_F(Note, has_families_for_any_names) {
  std::set<ThreadId> families;
  for (unsigned i = 0; i < 1000; ++i) {
    note_->name_thread(ThreadId{1}, "pool-" + std::to_string(i) + "_0");
    families.insert(note_->family_of(ThreadId{1}));
  }
  EXPECT_LE(families.size(), ProcessNote::kFamilies / 2) << "then each number is N";
  for (char letter = 'a'; letter <= 'z'; ++letter) {
    for (char other = 'a'; other <= 'z'; ++other) {
      note_->name_thread(ThreadId{1}, std::string{letter, other});
      families.insert(note_->family_of(ThreadId{1}));
    }
  }
  EXPECT_EQ(families.size(), ProcessNote::kFamilies);
  EXPECT_EQ(note_->family_of(ThreadId{1}), ThreadId{kFirstFamily}) << "the last come all into the first";
}

TEST_F(Note, has_place_again_and_the_cpu_time_when_ended_threads_are_one_family) {
  for (std::uint32_t i = 1; i <= 3 * ProcessNote::kThreads; ++i) {
    ThreadNote* const note = note_->find_or_add(ThreadId{i});
    ASSERT_NE(note, nullptr);
    EXPECT_EQ(note->cpu_end.read(), 0U);
    EXPECT_EQ(note->cpu_wait_end.read(), 0U);
    note_->name_thread(ThreadId{i}, "Thread-" + std::to_string(i));
    note->cpu_begin.set(10);
    note->cpu_wait_begin.set(20);
    note->end(Nanoseconds(15), Nanoseconds(22));
    note_->forget(ThreadId{i}, note_->family_of(ThreadId{i}));
  }
  EXPECT_EQ(note_->threads.read(), 1U);
  EXPECT_EQ(note_->families[1].cpu_begin.read(), 0U);
  EXPECT_EQ(note_->families[1].cpu_end.read(), 5U * 3 * ProcessNote::kThreads);
  EXPECT_EQ(note_->families[1].cpu_wait_end.read(), 2U * 3 * ProcessNote::kThreads);
  EXPECT_EQ(note_->families[1].cpu_wait_begin.read(), 0U);
  note_->name_thread(ThreadId{1}, "Thread-1");
  note_->forget(ThreadId{1}, note_->family_of(ThreadId{1}));
  EXPECT_EQ(note_->families[1].cpu_begin.read(), ProcessNote::kUnknownCpu) << "nobody told of its end";
  EXPECT_EQ(note_->families[1].cpu_wait_begin.read(), ProcessNote::kUnknownCpu);
}

TEST_F(Note, has_what_ended_threads_waited_for_locks_in_their_family_and_the_sum_of_another_note) {
  const auto place = note_->locks.find_or_add({.file = "app.py", .line = 1, .function = "f", .within = ""});
  for (const std::uint32_t thread : {1U, 2U}) {
    note_->name_thread(ThreadId{thread}, "Thread-" + std::to_string(thread));
    note_->locks.add({.thread = thread, .ticks = 10 * thread}, place, LockTable::kNoPlace);
  }
  note_->locks.add({.thread = 1, .ticks = 7, .is_for_world = true}, place, LockTable::kNoPlace);
  note_->forget(ThreadId{1}, note_->family_of(ThreadId{1}));
  EXPECT_EQ(note_->locks.find(1), nullptr);
  EXPECT_EQ(note_->families[1].world_ticks.read(), 7U);
  EXPECT_EQ(note_->families[1].turn_ticks.read(), 10U);
  const auto sum = std::make_unique<ProcessNote>();
  const ThreadId family = sum->family_of_name(note_->families[1].name);
  sum->add_times(family, *note_, note_->family_of(ThreadId{2}));
  sum->add_times(family, *note_, ThreadId{2});
  EXPECT_EQ(sum->find_family(family)->turn_ticks.read(), 30U);
  EXPECT_EQ(sum->find_family(family)->work_ticks.read(), 0U);
  EXPECT_EQ(sum->find_family(family)->world_ticks.read(), 7U);
}

TEST_F(Note, has_since_when_a_thread_is_recorded_and_what_cpu_time_it_had_used_by_then) {
  std::thread([&] {
    use_cpu(std::chrono::milliseconds(2));
    note_->name_thread(this_thread_id(), "names itself", 100);
    EXPECT_EQ(note_->find(this_thread_id())->cpu_begin.read(), 0U) << "it is just beginning";
    note_->name_thread(this_thread_id(), "again", 200);
    EXPECT_EQ(note_->find(this_thread_id())->begin_ticks.read(), 100U);
  }).join();
  use_cpu(std::chrono::milliseconds(2));
  const ThreadId own = this_thread_id();
  std::thread([&] { note_->name_thread(own, "lives for long", 300); }).join();
  EXPECT_GE(note_->find(own)->cpu_begin.read(), 2'000'000U);
  EXPECT_EQ(note_->find(own)->begin_ticks.read(), 300U);
}

TEST_F(Note, says_which_process_it_is_of_from_its_begin_to_its_end) {
  EXPECT_EQ(note_->state.read(), 0U);
  note_->begin(ProcessRole::Spawn, 1'000);
  EXPECT_EQ(note_->state.read(), 1U);
  EXPECT_EQ(note_->pid.read(), static_cast<std::uint64_t>(getpid()));
  EXPECT_EQ(note_->parent_pid.read(), static_cast<std::uint64_t>(getppid()));
  EXPECT_EQ(note_->role.read(), static_cast<std::uint64_t>(ProcessRole::Spawn));
  EXPECT_EQ(note_->cpu_end.read(), 0U);
  use_cpu(std::chrono::milliseconds(2));
  note_->end(3'000);
  EXPECT_EQ(note_->state.read(), 2U);
  EXPECT_EQ(note_->started_ticks.read(), 1'000U);
  EXPECT_EQ(note_->stopped_ticks.read(), 3'000U);
  EXPECT_GE(note_->cpu_end.read() - note_->cpu_begin.read(), 2'000'000U);
}

TEST_F(Note, takes_the_cpu_times_of_living_threads_at_its_end_and_keeps_those_of_ended_ones) {
  note_->name_thread(this_thread_id(), "alive");
  ThreadNote* const ended = note_->find_or_add(ThreadId{4'000'000});  // beyond what the kernel gives
  ended->cpu_end.set(123);
  note_->end(1);
  EXPECT_GT(note_->find(this_thread_id())->cpu_end.read(), 0U);
  EXPECT_EQ(ended->cpu_end.read(), 123U);
}

TEST(ThreadCpu, is_what_the_thread_itself_reads) {
  use_cpu(std::chrono::milliseconds(2));
  const auto before = own_cpu();
  const auto read = read_thread_cpu(this_thread_id());
  ASSERT_TRUE(read);
  EXPECT_GE(*read, before);
  EXPECT_LE(*read, own_cpu());
}

TEST(ThreadCpu, of_another_thread_is_that_ones_and_unknown_once_it_is_gone) {
  ThreadId other{};
  Nanoseconds used{};
  std::thread thread([&] {
    use_cpu(std::chrono::milliseconds(5));
    other = this_thread_id();
    used = own_cpu();
    const auto read = read_thread_cpu(other);
    ASSERT_TRUE(read);
    EXPECT_GE(*read, used);
  });
  thread.join();
  wait_until_gone(other);
  EXPECT_GE(used, std::chrono::milliseconds(5));
  EXPECT_FALSE(read_thread_cpu(other));
  EXPECT_FALSE(read_thread_cpu(ThreadId{4'100'000}));
}

TEST(ThreadCpu, of_a_thread_of_another_process_is_unknown) {
  const pid_t parent = gettid();
  EXPECT_EQ(
      test::run_in_child([&] { return !read_thread_cpu(ThreadId{static_cast<std::uint32_t>(parent)}); }), 0);
}

TEST(ProcessCpu, contains_that_of_its_threads) {
  const auto before = read_process_cpu();
  std::thread([] { use_cpu(std::chrono::milliseconds(3)); }).join();
  EXPECT_GE(read_process_cpu() - before, std::chrono::milliseconds(3));
}

}  // namespace
}  // namespace gilscope
