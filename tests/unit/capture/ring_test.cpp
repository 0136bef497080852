// Rings: of a process's file the oldest parts are written over, and what is left is read as a capture that
// begins there.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "capture/capture_fixture.h"
#include "capture/fake_code.h"
#include "capture/ring_copy.h"
#include "support/error.h"

namespace gilscope::test {
namespace {

constexpr std::uint64_t kLeastBytes = 16 * kBlockSize;

class RingTest : public CaptureTest {
 protected:
  [[nodiscard]] RecordingOptions ring_options(std::uint64_t bytes = kLeastBytes) const {
    RecordingOptions ring = options();
    ring.max_size = bytes;
    ring.is_ring = true;
    return ring;
  }

  // A pair each ten ticks, of two threads in turns that wait for each other.
  void record_turns(std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t ticks = begin; ticks < end; ticks += 10) {
      const unsigned thread = 1 + ticks / 10 % 2;
      add(make_event(ticks, EventKind::Acquire, thread));
      add(make_event(ticks + 4, EventKind::Request, 3 - thread));
      add(make_event(ticks + 9, EventKind::Release, thread));
    }
  }
  void add(const Event& event) {
    recorder_.record(event);
    recorded_.push_back(event);
  }
  // Of all that was recorded.
  [[nodiscard]] std::vector<Event> after(std::uint64_t ticks) const {
    std::vector<Event> events;
    std::ranges::copy_if(recorded_, std::back_inserter(events),
                         [&](const Event& event) { return event.ticks > ticks; });
    return events;
  }

  std::vector<Event> recorded_;
};

// Without what is said of what was on as the ring begins.
std::vector<Event> of_file(std::vector<Event> events, std::uint64_t begin) {
  std::erase_if(events, [&](const Event& event) { return event.ticks <= begin; });
  return events;
}

TEST_F(RingTest, keeps_all_events_while_there_is_space) {
  recorder_.start(ring_options());
  record_turns(100, 2000);
  recorder_.stop();
  EXPECT_EQ(ProcessReader(only_file()).facts().begin.ticks, 0U);
  expect_same(read_events(only_file()), recorded_);
}

TEST_F(RingTest, keeps_the_latest_events_without_a_gap) {
  recorder_.start(ring_options());
  record_turns(100, 1'000'000);
  recorder_.stop();
  const auto begin = ProcessReader(only_file()).facts().begin.ticks;
  EXPECT_GT(begin, 500'000U);
  EXPECT_LT(begin, 900'000U);
  expect_same(of_file(read_events(only_file()), begin), after(begin));
}

TEST_F(RingTest, takes_no_more_space_however_long_it_goes_on) {
  recorder_.start(ring_options());
  record_turns(100, 1'000'000);
  const auto size = size_of_folder();
  record_turns(1'000'000, 3'000'000);
  EXPECT_EQ(size_of_folder(), size);
  EXPECT_LE(size, kLeastBytes + 4 * kBlockSize);
  recorder_.stop();
}

TEST_F(RingTest, knows_who_held_and_who_waited_as_it_begins) {
  recorder_.start(ring_options());
  add(make_event(1, EventKind::Acquire, 7, 1));
  const Signal has_asked;
  const Signal is_to_end;
  std::thread waiter([&] {
    recorder_.record(make_event(2, EventKind::Request, 8, 1));
    has_asked.tell();
    is_to_end.wait();
  });
  has_asked.wait();
  std::thread([&] { record_turns(100, 1'000'000); }).join();
  add(make_event(1'000'001, EventKind::Release, 7, 1));
  is_to_end.tell();
  waiter.join();
  recorder_.stop();
  const auto file = only_file();
  const auto begin = ProcessReader(file).facts().begin.ticks;
  ASSERT_GT(begin, 2U);
  const auto events = read_events(file);
  EXPECT_NE(std::ranges::find(events, make_event(begin, EventKind::Acquire, 7, 1)), events.end());
  EXPECT_NE(std::ranges::find(events, make_event(begin, EventKind::Request, 8, 1)), events.end());
  EXPECT_EQ(events.back(), make_event(1'000'001, EventKind::Release, 7, 1));
}

TEST_F(RingTest, tells_stacks_in_each_part_anew) {
  recorder_.start(ring_options());
  std::vector<CodePlace> places;
  for (unsigned i = 0; i < 67; ++i) places.push_back({"/srv/app.py", "work", i + 1});
  const FakeCode code(places);
  std::uint64_t ticks = 1;
  for (unsigned i = 0; i < 100'000; ++i) {
    const std::vector<CodePoint> stack{code.point(i % 50), code.point(60 + i % 7)};
    recorder_.record_at(make_event(++ticks, EventKind::Acquire), stack, code);
    recorder_.record_at(make_event(++ticks, EventKind::Release), stack, code);
  }
  recorder_.stop();
  const ProcessReader reader(only_file());
  const auto begin = reader.facts().begin.ticks;
  EXPECT_GT(begin, 1000U);
  auto sequence = reader.events();
  std::uint64_t count = 0;
  for (Event event{}; sequence.next(event);) {
    if (event.ticks <= begin) continue;
    const auto i = static_cast<unsigned>((event.ticks - 2) / 2);
    const std::vector<CodePlace> expected{places[i % 50], places[60 + i % 7]};
    ASSERT_EQ(places_of(sequence.names().stacks, sequence.stands()), expected) << event.ticks;
    ++count;
  }
  EXPECT_EQ(count, 200'001U - begin);
}

TEST_F(RingTest, a_copy_has_what_was_there_from_a_time_on_up_to_another) {
  recorder_.start(ring_options());
  record_turns(100, 1'000'000);
  const auto copy = temporary_.path() / "copy";
  const RingSpan span{.begin = 950'000, .end = {.ticks = 990'000, .time = Nanoseconds(990'000)}};
  ASSERT_TRUE(copy_ring(only_file(), copy, span));
  recorder_.stop();
  const ProcessReader reader(copy);
  EXPECT_TRUE(reader.facts().is_finished);
  EXPECT_EQ(reader.facts().begin.ticks, 950'000U);
  EXPECT_EQ(reader.facts().latest.ticks, 990'000U);
  auto expected = after(950'000);
  std::erase_if(expected, [](const Event& event) { return event.ticks > 990'000; });
  expect_same(of_file(read_events(copy), 950'000), expected);
  EXPECT_LT(std::filesystem::file_size(copy), std::filesystem::file_size(only_file()));
}

TEST_F(RingTest, a_copy_of_a_process_that_ended_before_is_none) {
  recorder_.start(ring_options());
  record_turns(100, 2000);
  recorder_.stop(ClockPoint{.ticks = 3000, .time = Nanoseconds(3000)});
  const auto copy = temporary_.path() / "copy";
  EXPECT_FALSE(
      copy_ring(only_file(), copy, {.begin = 4000, .end = {.ticks = 5000, .time = Nanoseconds(5000)}}));
  EXPECT_FALSE(std::filesystem::exists(copy));
}

// Somebody copies while others write: whatever comes in between, there is no gap, and no part of two. Where
// all is written over meanwhile nothing is left.
TEST_F(RingTest, a_copy_that_is_made_meanwhile_has_no_gap) {
  recorder_.start(ring_options(std::uint64_t{1} << 20U));
  std::atomic<bool> is_over{false};
  std::atomic<std::uint64_t> written{0};
  std::thread writer([&] {
    for (std::uint64_t ticks = 10; !is_over; ticks += 10) {
      recorder_.record(make_event(ticks, EventKind::Acquire));
      recorder_.record(make_event(ticks + 5, EventKind::Release));
      written = ticks;
    }
  });
  const auto check = [&](const std::string& name) {
    const auto copy = temporary_.path() / name;
    EXPECT_TRUE(
        copy_ring(only_file(), copy, {.begin = 0, .end = {.ticks = kMaxTicks, .time = Nanoseconds(1)}}));
    const auto events = of_file(read_events(copy), ProcessReader(copy).facts().begin.ticks);
    for (std::size_t k = 1; k < events.size(); ++k) {
      if (events[k].ticks != events[k - 1].ticks + 5 || events[k].kind == events[k - 1].kind) {
        ADD_FAILURE() << "a gap before event " << k;
        break;
      }
    }
    return events.size();
  };
  while (written < 3'000'000) std::this_thread::yield();
  for (unsigned i = 0; i < 5; ++i) check("copy-" + std::to_string(i));
  is_over = true;
  writer.join();
  EXPECT_GT(check("last"), 10'000U);
  recorder_.stop();
}

// Whatever stands there: an error that says where, or events; never more of them than there were.
TEST_F(RingTest, damaged_rings_are_refused_or_read) {
  recorder_.start(ring_options());
  record_turns(100, 400'000);
  recorder_.stop();
  std::ifstream file(only_file(), std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  std::minstd_rand random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
  std::uint64_t refused = 0;
  for (unsigned i = 0; i < 30; ++i) {
    std::string damaged = whole;
    // The heads of blocks, mostly: of their records other tests have seen to it.
    for (unsigned k = 0; k < 8; ++k) {
      const std::size_t block = random() % (whole.size() / kBlockSize);
      damaged[block * kBlockSize + random() % (k < 6 ? kBlockHeaderSize : kBlockSize)] =
          static_cast<char>(random());
    }
    const auto path = temporary_.path() / "damaged";
    std::ofstream(path, std::ios::binary | std::ios::trunc) << damaged;
    try {
      EXPECT_LE(read_events(path).size(), recorded_.size() + 8);
    } catch (const Error& error) {
      ++refused;
      EXPECT_NE(std::string(error.what()).find("byte"), std::string::npos) << error.what();
    }
  }
  EXPECT_GT(refused, 0U);
}

}  // namespace
}  // namespace gilscope::test
