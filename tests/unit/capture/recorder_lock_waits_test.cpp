// Waits for locks, through the file and back.
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "capture/capture_fixture.h"
#include "capture/fake_code.h"
#include "capture/records.h"
#include "expect_error.h"
#include "golden.h"

namespace gilscope {
namespace {

using test::FakeCode;
using test::make_event;

constexpr unsigned kOwner = 4242;

class RecorderLockWaitsTest : public test::CaptureTest {
 protected:
  void record_wait(std::uint64_t begin, std::uint64_t ticks, WaitFor wait_for, Stand stand = {}) {
    recorder_.record_wait(LockWait{.thread = kOwner, .ender = 7, .begin = begin, .ticks = ticks}, wait_for,
                          stand);
  }

  struct Read {
    std::vector<Event> events;
    std::vector<CapturedWait> waits;
    std::vector<std::vector<CodePlace>> stands;  // of the waits
  };
  [[nodiscard]] Read read() const {
    Read all;
    const ProcessReader reader(only_file());
    auto sequence = reader.events();
    sequence.take_lock_waits([&](const CapturedWait& wait) {
      all.waits.push_back(wait);
      all.stands.push_back(test::places_of(sequence.names().stacks, wait.stands));
    });
    for (Event event{}; sequence.next(event);) all.events.push_back(event);
    return all;
  }
};

TEST_F(RecorderLockWaitsTest, come_back_between_events_that_are_as_they_were) {
  const FakeCode code({{"/srv/pool.py", "Pool.get", 31}, {"/srv/app.py", "main", 3}});
  recorder_.start(options());
  const std::vector events{make_event(100, EventKind::Acquire, kOwner),
                           make_event(200, EventKind::Release, kOwner),
                           make_event(std::uint64_t{1} << 40U, EventKind::Acquire, kOwner),
                           make_event((std::uint64_t{1} << 40U) + 5, EventKind::Release, kOwner)};
  recorder_.record(events[0]);
  recorder_.record(events[1]);
  const auto stand = recorder_.stand_at(210, std::array{code.point(0), code.point(1)}, code);
  record_wait(210, std::uint64_t{1} << 35U, WaitFor::Turn, stand);
  recorder_.record(events[2]);
  recorder_.record(events[3]);
  record_wait((std::uint64_t{1} << 40U) + 10, 90, WaitFor::World);
  EXPECT_EQ(recorder_.stop().events, events.size());
  const auto all = read();
  test::expect_same(all.events, events);
  ASSERT_EQ(all.waits.size(), 2U);
  EXPECT_EQ(all.waits[0].begin, 210U);
  EXPECT_EQ(all.waits[0].end, 210 + (std::uint64_t{1} << 35U));
  EXPECT_EQ(all.waits[0].thread, ThreadId{kOwner});
  EXPECT_EQ(all.waits[0].ender, ThreadId{7});
  EXPECT_EQ(all.waits[0].wait_for, WaitFor::Turn);
  EXPECT_EQ(all.waits[1].wait_for, WaitFor::World);
  EXPECT_EQ(all.stands, (std::vector<std::vector<CodePlace>>{
                            {{"/srv/pool.py", "Pool.get", 31}, {"/srv/app.py", "main", 3}}, {}}));
}

// As of a Python without a GIL.
TEST_F(RecorderLockWaitsTest, may_be_all_that_a_thread_does) {
  const FakeCode code({{"/srv/pool.py", "Pool.get", 31}});
  recorder_.start(options());
  constexpr std::uint64_t kWaits = 10'000;
  for (std::uint64_t i = 0; i < kWaits; ++i) {
    const auto begin = 1000 + i * 100;
    const auto stand = recorder_.stand_at(begin, std::array{code.point(0)}, code);
    record_wait(begin, i % 90, WaitFor::Turn, stand);
  }
  EXPECT_EQ(recorder_.stop().events, 0U);
  EXPECT_EQ(code.described, 1U);
  const auto all = read();
  EXPECT_TRUE(all.events.empty());
  ASSERT_EQ(all.waits.size(), kWaits);
  for (std::uint64_t i = 0; i < kWaits; ++i) {
    ASSERT_EQ(all.waits[i].begin, 1000 + i * 100);
    ASSERT_EQ(all.waits[i].end, 1000 + i * 100 + i % 90);
    ASSERT_EQ(all.stands[i].size(), 1U);
  }
}

TEST_F(RecorderLockWaitsTest, know_no_stack_of_a_stream_that_they_have_no_more) {
  const FakeCode code({{"/srv/pool.py", "Pool.get", 31}});
  recorder_.start(options());
  recorder_.record(make_event(100, EventKind::Acquire, kOwner));
  const auto stand = recorder_.stand_at(110, std::array{code.point(0)}, code);
  ASSERT_NE(stand.owner, 0U);
  record_wait(120, 5, WaitFor::Turn, {.owner = stand.owner + 1, .stack = stand.stack});
  recorder_.stop();
  EXPECT_EQ(read().stands, (std::vector<std::vector<CodePlace>>{{}}));
}

TEST_F(RecorderLockWaitsTest, that_nobody_records_leave_no_trace) {
  const FakeCode code({{"/srv/pool.py", "Pool.get", 31}});
  const auto stand = recorder_.stand_at(100, std::array{code.point(0)}, code);
  EXPECT_EQ(stand.owner, 0U);
  record_wait(100, 5, WaitFor::Turn, stand);
  EXPECT_FALSE(recorder_.is_running());
}

TEST_F(RecorderLockWaitsTest, are_refused_where_they_cannot_be) {
  // A stream that has one event, and then this record; the file is read whatever its numbers are.
  const auto reject = [&](std::uint64_t length, std::uint64_t wait_for, std::uint64_t stack) {
    recorder_.start(options());
    recorder_.record(make_event(100, EventKind::Acquire, kOwner));
    recorder_.stop();
    const auto file = only_file();
    auto bytes = test::read_file(file);
    BlockHeader home{};
    std::memcpy(&home, bytes.data() + kBlockSize, sizeof home);
    RecordWriter writer(
        reinterpret_cast<std::byte*>(bytes.data() + kBlockSize + kBlockHeaderSize + home.used));
    writer.control(ControlKind::LockWait);
    for (const std::uint64_t number : {std::uint64_t{10}, length, wait_for, std::uint64_t{0}, stack})
      writer.number(number);
    home.used += writer.size();
    std::memcpy(bytes.data() + kBlockSize, &home, sizeof home);
    std::filesystem::remove(file);
    std::ofstream(file, std::ios::binary) << bytes;
    const auto text = std::string(test::error_of([&] { static_cast<void>(read()); }).what());
    std::filesystem::remove(file);
    return text;
  };
  EXPECT_THAT(reject(111, 0, 0), ::testing::HasSubstr("begins after the clock did"));
  EXPECT_THAT(reject(10, 3, 0), ::testing::HasSubstr("0 to 2"));
  EXPECT_THAT(reject(10, 0, 1), ::testing::HasSubstr("a stack that the stream has told of"));
}

}  // namespace
}  // namespace gilscope
