#include "capture/event_recorder.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <pthread.h>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "capture/capture_fixture.h"
#include "capture/records.h"
#include "expect_error.h"

namespace gilscope {
namespace {

using test::CaptureTest;
using test::expect_same;
using test::make_event;
using test::read_events;
using ::testing::HasSubstr;

using EventRecorderTest = CaptureTest;

TEST_F(EventRecorderTest, gives_back_every_event_as_it_was) {
  const std::vector<Event> events{make_event(1000, EventKind::Acquire),
                                  make_event(1001, EventKind::Request, 2),
                                  make_event(6'000'000, EventKind::Timeout, 2),
                                  make_event(6'000'100, EventKind::Release),
                                  make_event(6'000'200, EventKind::Acquire, 2),
                                  make_event(6'000'300, EventKind::Acquire, 1, 7),
                                  make_event(std::uint64_t{1} << 40U, EventKind::Release, 2),
                                  make_event(kMaxTicks, EventKind::Release, 1, 7)};
  const auto counts = record(events);
  EXPECT_EQ(counts.events, events.size());
  EXPECT_EQ(counts.dropped_events, 0U);
  expect_same(read_events(only_file()), events);
}

TEST_F(EventRecorderTest, gives_back_every_width_of_delta) {
  std::vector<Event> events;
  std::uint64_t ticks = 1;
  for (unsigned bit = 0; bit < 61; ++bit) {
    for (const auto kind : {EventKind::Request, EventKind::Timeout, EventKind::Acquire, EventKind::Release}) {
      if (const auto delta = std::uint64_t{1} << bit; delta < (kMaxTicks - ticks) / 4) ticks += delta;
      events.push_back(make_event(++ticks, kind, 0xffff'ffff, kMaxGils - 1));
    }
  }
  record(events);
  expect_same(read_events(only_file()), events);
}

TEST_F(EventRecorderTest, gives_back_random_legal_lists_over_many_blocks) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    std::mt19937_64 random(seed);
    std::vector<Event> events;
    std::uint64_t ticks = random() % 1000;
    for (unsigned i = 0; i < 50'000; ++i) {
      ticks += 1 + (random() >> (24 + random() % 40));
      events.push_back(make_event(ticks, static_cast<EventKind>(random() % 4),
                                  static_cast<unsigned>(1 + random() % 3),
                                  random() % 50 == 0 ? static_cast<unsigned>(random() % 5) : 0));
    }
    record(events);
    expect_same(read_events(files().at(seed - 1)), events);
  }
}

TEST_F(EventRecorderTest, takes_about_two_bytes_for_a_typical_event) {
  std::mt19937_64 random(1);
  std::vector<Event> events;
  std::uint64_t ticks = 1;
  for (unsigned i = 0; i < 100'000; ++i) {
    ticks += 60 + random() % 2000;
    events.push_back(make_event(ticks, i % 2 == 0 ? EventKind::Acquire : EventKind::Release));
  }
  record(events);
  EXPECT_LT(std::filesystem::file_size(only_file()), 3 * events.size());
}

TEST_F(EventRecorderTest, keeps_times_that_go_back_in_streams_of_their_own) {
  const std::vector<Event> events{make_event(103, EventKind::Release, 1, 1),
                                  make_event(104, EventKind::Acquire, 1, 1),
                                  make_event(105, EventKind::Release, 1, 0)};
  record({events[2], events[0], events[1]});
  expect_same(read_events(only_file()), events);
  EXPECT_EQ(ProcessReader(only_file()).facts().streams, 2U);
}

TEST_F(EventRecorderTest, leaves_a_stream_with_later_events_to_others) {
  recorder_.start(options());
  const auto record_in_thread = [&](const Event& event) {
    std::thread([&] { recorder_.record(event); }).join();
  };
  record_in_thread(make_event(105, EventKind::Acquire, 1));
  record_in_thread(make_event(104, EventKind::Acquire, 2, 1));
  record_in_thread(make_event(106, EventKind::Acquire, 3, 2));
  recorder_.stop();
  expect_same(read_events(only_file()),
              {make_event(104, EventKind::Acquire, 2, 1), make_event(105, EventKind::Acquire, 1),
               make_event(106, EventKind::Acquire, 3, 2)});
  EXPECT_EQ(ProcessReader(only_file()).facts().streams, 2U);
}

TEST_F(EventRecorderTest, records_a_thousand_short_threads_in_a_few_streams) {
  constexpr unsigned kThreads = 1000;
  std::mutex gil;
  std::uint64_t ticks = 0;
  recorder_.start(options());
  for (unsigned first = 0; first < kThreads; first += 4) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i) {
      threads.emplace_back([&, id = 1 + first + i] {
        for (unsigned turn = 0; turn < 10; ++turn) {
          const std::scoped_lock lock(gil);
          recorder_.record(make_event(++ticks, EventKind::Acquire, id));
          recorder_.record(make_event(++ticks, EventKind::Release, id));
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(recorder_.stop().events, kThreads * 20);

  const ProcessReader reader(only_file());
  EXPECT_LE(reader.facts().streams, 4U) << "a thread that ended gives its buffer back";
  std::map<ThreadId, unsigned> counts;
  std::uint64_t expected = 0;
  auto sequence = reader.events();
  for (Event event{}; sequence.next(event);) {
    EXPECT_EQ(event.ticks, ++expected);
    ++counts[event.thread];
  }
  EXPECT_EQ(counts.size(), kThreads);
  EXPECT_TRUE(std::ranges::all_of(counts, [](const auto& entry) { return entry.second == 20; }));
}

TEST_F(EventRecorderTest, records_a_thousand_threads_at_once) {
  constexpr unsigned kThreads = 1000;
  std::mutex gil;
  std::uint64_t ticks = 0;
  std::atomic<unsigned> arrived{0};
  recorder_.start(options());
  std::vector<std::thread> threads;
  for (unsigned id = 1; id <= kThreads; ++id) {
    threads.emplace_back([&, id] {
      const auto record = [&](EventKind kind) {
        const std::scoped_lock lock(gil);
        recorder_.record(make_event(++ticks, kind, id));
      };
      record(EventKind::Acquire);
      ++arrived;
      arrived.notify_all();
      for (unsigned now = arrived; now < kThreads; now = arrived) arrived.wait(now);
      record(EventKind::Release);
    });
  }
  for (auto& thread : threads) thread.join();
  recorder_.stop();
  const auto events = read_events(only_file());
  ASSERT_EQ(events.size(), 2 * kThreads);
  for (std::size_t i = 0; i < events.size(); ++i) ASSERT_EQ(events[i].ticks, i + 1);
}

TEST_F(EventRecorderTest, keeps_the_order_of_each_gil_while_threads_record_on_two_of_them) {
  constexpr unsigned kThreads = 4;
  constexpr unsigned kTurns = 20'000;
  struct Gil {
    std::mutex mutex;
    std::vector<Event> events;
    std::uint64_t last = 0;
  };
  std::array<Gil, 2> gils;
  const ProbeClock clock = ProbeClock::best();
  recorder_.start(options());
  std::vector<std::thread> threads;
  for (unsigned id = 1; id <= kThreads; ++id) {
    threads.emplace_back([&, id] {
      std::uint64_t last = 0;
      for (unsigned turn = 0; turn < kTurns; ++turn) {
        auto& gil = gils[(id + turn / 100) % 2];
        const std::scoped_lock lock(gil.mutex);
        last = gil.last = std::max({gil.last + 1, last + 1, clock.read()});
        gil.events.push_back(make_event(gil.last, EventKind::Acquire, id, (id + turn / 100) % 2));
        recorder_.record(gil.events.back());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  recorder_.stop();
  std::array<std::vector<Event>, 2> read;
  for (const auto& event : read_events(only_file())) read[static_cast<unsigned>(event.gil)].push_back(event);
  for (unsigned gil = 0; gil < 2; ++gil) {
    ASSERT_NO_FATAL_FAILURE(expect_same(read[gil], gils[gil].events)) << "GIL " << gil;
  }
}

TEST_F(EventRecorderTest, writes_a_file_of_its_own_each_time_it_starts) {
  record({make_event(1, EventKind::Acquire)});
  record({make_event(2, EventKind::Acquire)});
  ASSERT_EQ(files().size(), 2U);
  EXPECT_EQ(read_events(files()[0]).size(), 1U);
  EXPECT_EQ(read_events(files()[1]).size(), 1U);
}

TEST_F(EventRecorderTest, says_in_the_file_what_it_was_told) {
  auto with = options();
  with.begin = ClockPoint{.ticks = 77, .time = Nanoseconds(88)};
  with.process_begin = Nanoseconds(66);
  with.start_method = "spawn";
  with.metadata = R"({"executable": "python"})";
  recorder_.start(with);
  recorder_.open(GilId{0}, 0);
  recorder_.name_thread(ThreadId{1}, "MainThread");
  recorder_.name_process("SpawnProcess-1");
  recorder_.name_process("parser");
  recorder_.record(make_event(100, EventKind::Acquire));
  recorder_.note_gil(GilId{3}, -1);
  recorder_.name_thread(ThreadId{2}, std::string(1000, 'x'));
  recorder_.stop(ClockPoint{.ticks = 200, .time = Nanoseconds(300)});

  const ProcessReader reader(only_file());
  const auto& facts = reader.facts();
  EXPECT_EQ(facts.pid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(facts.parent_pid, static_cast<std::uint32_t>(getppid()));
  EXPECT_EQ(facts.clock, ClockKind::Monotonic);
  EXPECT_EQ(facts.begin.ticks, 77U);
  EXPECT_EQ(facts.latest.time, Nanoseconds(300));
  EXPECT_TRUE(facts.is_finished);
  EXPECT_EQ(facts.events, 1U);
  EXPECT_EQ(facts.process_begin, Nanoseconds(66));
  EXPECT_EQ(facts.start_method, "spawn");
  EXPECT_EQ(facts.metadata, R"({"executable": "python"})");
  EXPECT_FALSE(facts.first_drop);
  auto sequence = reader.events();
  for (Event event{}; sequence.next(event);) {
  }
  const std::map<ThreadId, std::string> names{{ThreadId{1}, "MainThread"},
                                              {ThreadId{2}, std::string(255, 'x')}};
  EXPECT_EQ(sequence.names().threads, names);
  EXPECT_EQ(sequence.names().process, "parser");
  const std::map<GilId, std::int64_t> owners{{GilId{0}, 0}, {GilId{3}, -1}};
  EXPECT_EQ(sequence.names().owners, owners);
}

TEST_F(EventRecorderTest, tells_the_kernels_name_of_a_thread_that_has_one_of_its_own_before_pythons) {
  recorder_.start(options());
  std::array<unsigned, 3> threads{};
  const auto record_as = [&](unsigned& thread, const char* name, const char* of_python) {
    std::thread([&, name, of_python] {
      if (name != nullptr) pthread_setname_np(pthread_self(), name);
      thread = static_cast<unsigned>(gettid());
      recorder_.record(make_event(100, EventKind::Acquire, thread, 0));
      if (of_python != nullptr) recorder_.name_thread(ThreadId{thread}, of_python);
      recorder_.record(make_event(200, EventKind::Release, thread, 0));
    }).join();
  };
  record_as(threads[0], "decoder-1", nullptr);
  record_as(threads[1], "decoder-2", "adopted");
  record_as(threads[2], nullptr, nullptr);
  recorder_.stop();
  const ProcessReader reader(only_file());
  auto sequence = reader.events();
  for (Event event{}; sequence.next(event);) {
  }
  const auto& names = sequence.names().threads;
  EXPECT_EQ(names.size(), 2U);
  EXPECT_EQ(names.at(ThreadId{threads[0]}), "decoder-1");
  EXPECT_EQ(names.at(ThreadId{threads[1]}), "adopted");
}

TEST_F(EventRecorderTest, leaves_errno_alone) {
  recorder_.start(options());
  errno = 42;
  for (unsigned i = 1; i < 50'000; ++i)
    recorder_.record(make_event(std::uint64_t{i} * 1000, EventKind::Acquire));
  EXPECT_EQ(errno, 42);
  errno = 0;
}

TEST_F(EventRecorderTest, is_no_place_where_a_thread_is_cancelled) {
  constexpr unsigned kEvents = 50'000;
  recorder_.start(options());
  std::atomic<unsigned> recorded{0};
  std::thread thread([&] {
    pthread_cancel(pthread_self());  // pending from here on; a write() would be its end, amid noexcept
    for (unsigned i = 1; i <= kEvents; ++i) recorder_.record(make_event(i, EventKind::Acquire));
    recorded = kEvents;
    pthread_testcancel();
    recorded = 0;
  });
  thread.join();
  EXPECT_EQ(recorded, kEvents);
  EXPECT_EQ(recorder_.stop().events, kEvents);
  EXPECT_EQ(read_events(only_file()).size(), kEvents);
}

TEST_F(EventRecorderTest, gets_back_the_buffers_of_threads_that_record_until_their_very_end) {
  static EventRecorder* recorder = nullptr;
  static std::uint64_t ticks = 0;
  recorder = &recorder_;
  recorder_.start(options());
  static pthread_key_t key;  // younger than the recorder's, so its destructor comes after
  ASSERT_EQ(
      pthread_key_create(&key, [](void*) { recorder->record(make_event(++ticks, EventKind::Release)); }), 0);
  for (unsigned i = 0; i < 100; ++i) {
    // The same id again and again, as the operating system has it.
    std::thread([&] {
      pthread_setspecific(key, &key);
      recorder_.record(make_event(++ticks, EventKind::Acquire));
    }).join();
  }
  pthread_key_delete(key);
  EXPECT_EQ(recorder_.stop().events, 200U);
  EXPECT_EQ(read_events(only_file()).size(), 200U);
  EXPECT_EQ(ProcessReader(only_file()).facts().streams, 1U);
}

TEST_F(EventRecorderTest, runs_once_in_a_process) {
  recorder_.start(options());
  EventRecorder other;
  const auto error = test::error_of([&] { other.start(options()); });
  EXPECT_THAT(error.what(), HasSubstr("already"));
  recorder_.stop();
  other.start(options());
}

TEST_F(EventRecorderTest, refuses_a_folder_that_is_no_capture) {
  auto with = options();
  with.folder = temporary_.path();
  EXPECT_THAT(test::error_of([&] { recorder_.start(with); }).what(), HasSubstr("capture.size"));
  EXPECT_FALSE(recorder_.is_running());
  with.folder = "/proc/self";
  EXPECT_EQ(test::error_of([&] { recorder_.start(with); }).exit_code(), ExitCode::CannotRun);
}

TEST_F(EventRecorderTest, drops_what_has_no_place_in_the_format) {
  recorder_.start(options());
  recorder_.record(make_event(1, EventKind::Acquire));
  recorder_.record(make_event(2, EventKind::Acquire, 1, kMaxGils));
  recorder_.record(make_event(kMaxTicks + 1, EventKind::Release));
  recorder_.record(make_event(3, EventKind::Release));
  EXPECT_EQ(recorder_.stop().dropped_events, 2U);
  EXPECT_EQ(read_events(only_file()).size(), 2U);
}

}  // namespace
}  // namespace gilscope
