// What the recorder does where there is no space: drops, counts, goes on.
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <numeric>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "capture/capture_fixture.h"
#include "capture/records.h"
#include "expect_error.h"

namespace gilscope {
namespace {

using test::Child;
using test::make_event;
using test::read_events;

constexpr unsigned kMany = 100'000;

// A disk that is full while the test says so.
constinit std::atomic<int> disk_error{0};

const CaptureSystem& fragile_system() {
  static CaptureSystem system = real_system();
  system.reserve = [](int file, std::uint64_t offset, std::uint64_t size) noexcept {
    return disk_error != 0 ? disk_error.load() : real_system().reserve(file, offset, size);
  };
  system.write = [](int file, const void* data, std::size_t size, std::uint64_t offset) noexcept {
    if (disk_error == 0) return real_system().write(file, data, size, offset);
    real_system().write(file, data, size / 2, offset);  // as much as there was space for
    return disk_error.load();
  };
  return system;
}

class RecorderLimitsTest : public test::CaptureTest {
 protected:
  void TearDown() override { disk_error = 0; }

  void record_many(unsigned thread = 1, std::uint64_t first = 1, unsigned count = kMany) {
    for (unsigned i = 0; i < count; ++i) {
      recorder_.record(make_event(first + i * std::uint64_t{100},
                                  i % 2 == 0 ? EventKind::Acquire : EventKind::Release, thread));
    }
  }
};

TEST_F(RecorderLimitsTest, drops_and_counts_exactly_what_is_beyond_the_size) {
  auto with = options();
  with.max_size = size_of_folder() + 5 * std::uint64_t{kBlockSize} + 100;
  recorder_.start(with);
  record_many();
  std::thread([&] { record_many(2, std::uint64_t{kMany} * 100); }).join();
  const auto counts = recorder_.stop();
  EXPECT_LE(size_of_folder(), with.max_size);
  EXPECT_EQ(counts.events + counts.dropped_events, 2 * kMany);

  const ProcessReader reader(only_file());
  const auto& facts = reader.facts();
  const auto events = read_events(only_file());
  EXPECT_EQ(events.size(), counts.events);
  EXPECT_GT(events.size(), 4 * kPayloadSize / 2 - 100) << "the space that there is, is used";
  EXPECT_EQ(facts.dropped_events, counts.dropped_events);
  ASSERT_EQ(facts.dropped_by.size(), 2U);
  EXPECT_EQ(facts.dropped_by[0].events + events.size(), kMany);
  EXPECT_EQ(facts.dropped_by[1].events, kMany) << "it found no space at all";
  EXPECT_EQ(facts.first_drop, 1 + events.size() * 100) << "nothing is missing before";
}

TEST_F(RecorderLimitsTest, shares_the_size_among_processes) {
  auto with = options();
  with.max_size = size_of_folder() + 8 * std::uint64_t{kBlockSize};
  recorder_.start(with);
  record_many();
  const Child child([&] {
    record_many(3, std::uint64_t{kMany} * 100);
    return recorder_.stop().dropped_events == kMany ? 0 : 1;  // no space even for a file
  });
  EXPECT_EQ(child.wait(), 0);
  recorder_.stop();
  EXPECT_EQ(files().size(), 1U);
  EXPECT_EQ(read_capture(folder_).unfiled_drops, kMany) << "no dropped event is kept quiet about";
  EXPECT_LE(size_of_folder(), with.max_size);
}

// It is mapped by nobody: a store to a mapping of it would be SIGBUS.
TEST_F(RecorderLimitsTest, bears_that_its_file_of_the_size_is_cut_short) {
  const auto file = folder_ / kSizeFile;
  auto with = options();
  with.max_size = size_of_folder() + 3 * std::uint64_t{kBlockSize};
  recorder_.start(with);
  ASSERT_EQ(truncate(file.c_str(), 0), 0);
  record_many(1, 1, 10);
  const Child child([&] {
    record_many();
    return recorder_.stop().dropped_events == kMany ? 0 : 1;  // a file has no home as well
  });
  EXPECT_EQ(child.wait(), 0);
  recorder_.stop();
  EXPECT_EQ(read_events(files().at(0)).size() + read_events(files().at(1)).size(), 10U);
  EXPECT_EQ(std::filesystem::file_size(file), 16U) << "it is whole again";
  EXPECT_LE(size_of_folder(), with.max_size);
}

TEST_F(RecorderLimitsTest, shares_the_size_with_processes_that_have_the_same_memory) {
  SharedCounts counts{};
  auto with = options();
  with.counts = &counts;
  recorder_.start(with);
  const auto used = size_of_folder();
  EXPECT_EQ(counts.used_bytes, used);
  recorder_.stop();
  with.max_size = used + 2 * std::uint64_t{kBlockSize};
  counts.unfiled_drops = 7;  // another one's
  recorder_.start(with);
  record_many(1, 1, 10);
  EXPECT_EQ(counts.used_bytes, with.max_size);
  recorder_.stop();
  EXPECT_EQ(read_capture(folder_).unfiled_drops, 7U);
}

TEST_F(RecorderLimitsTest, tells_of_dropped_events_before_it_is_killed) {
  auto with = options();
  with.max_size = size_of_folder() + std::uint64_t{kBlockSize};
  recorder_.start(with);
  const Child child([&] {
    record_many(1, 1, 5'000);
    raise(SIGKILL);
    return 0;
  });
  EXPECT_EQ(child.wait(), SIGKILL);
  EXPECT_EQ(read_capture(folder_).unfiled_drops, 4'097U) << "the first, and then each 4096";
}

TEST_F(RecorderLimitsTest, counts_the_drops_of_more_threads_than_the_table_has_room_for) {
  auto with = options();
  with.max_size = size_of_folder() + std::uint64_t{kBlockSize};
  recorder_.start(with);
  for (unsigned thread = 1; thread <= kDropEntries + 10; ++thread) {
    recorder_.record(make_event(thread, EventKind::Acquire, thread));
    recorder_.record(make_event(thread, EventKind::Release, thread));
  }
  recorder_.record(make_event(9999, EventKind::Acquire, 1));
  recorder_.stop();
  const auto facts = ProcessReader(only_file()).facts();
  EXPECT_EQ(facts.dropped_by.size(), kDropEntries);
  EXPECT_EQ(facts.dropped_by.front().events, 3U);
  EXPECT_EQ(facts.dropped_events, 2 * (kDropEntries + 10) + 1);
}

TEST_F(RecorderLimitsTest, stays_below_the_limit_on_the_size_of_files) {
  const Child child([&] {
    std::signal(SIGXFSZ, SIG_DFL);
    const rlimit limit{.rlim_cur = 5 * kBlockSize + 1000, .rlim_max = RLIM_INFINITY};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    recorder_.start(options());
    record_many();
    const auto counts = recorder_.stop();
    return counts.events + counts.dropped_events == kMany && counts.dropped_events > 0 ? 0 : 1;
  });
  EXPECT_EQ(child.wait(), 0) << "128 + 25 is SIGXFSZ";
  EXPECT_LE(std::filesystem::file_size(only_file()), 5 * kBlockSize + 1000);
  EXPECT_GT(read_events(only_file()).size(), 3 * kPayloadSize / 2);
}

TEST_F(RecorderLimitsTest, goes_on_when_a_full_disk_has_space_again) {
  auto with = options();
  with.system = &fragile_system();
  recorder_.start(with);
  record_many();
  disk_error = ENOSPC;
  record_many(1, std::uint64_t{kMany} * 100);
  disk_error = 0;
  record_many(1, std::uint64_t{kMany} * 200);
  const auto counts = recorder_.stop();
  EXPECT_GT(counts.dropped_events, kMany / 2);
  EXPECT_LT(counts.dropped_events, kMany + 5000) << "it asks again after some thousand events";
  const auto events = read_events(only_file());
  EXPECT_EQ(events.size(), counts.events);
  EXPECT_EQ(events.size() + counts.dropped_events, 3 * kMany);
  EXPECT_EQ(events.back().ticks, std::uint64_t{kMany} * 300 - 100);
  EXPECT_TRUE(ProcessReader(only_file()).facts().first_drop);
}

TEST_F(RecorderLimitsTest, reserves_the_space_of_a_buffer_before_it_is_stored_to) {
  auto with = options();
  with.system = &fragile_system();
  recorder_.start(with);
  disk_error = ENOSPC;
  record_many(1, 1, 10);  // a mapping on a full disk would be SIGBUS here
  disk_error = 0;
  EXPECT_EQ(recorder_.stop().dropped_events, 10U);
}

TEST_F(RecorderLimitsTest, refuses_to_start_on_a_full_disk) {
  auto with = options();
  with.system = &fragile_system();
  disk_error = ENOSPC;
  const auto error = test::error_of([&] { recorder_.start(with); });
  EXPECT_THAT(error.what(), ::testing::HasSubstr("No space left"));
  EXPECT_TRUE(files().empty()) << "nothing is left behind";
  disk_error = 0;
  recorder_.start(with);
}

TEST_F(RecorderLimitsTest, drops_in_a_child_whose_folder_is_gone) {
  recorder_.start(options());
  record_many(1, 1, 10);
  const auto away = temporary_.path() / "away";
  std::filesystem::rename(folder_, away);
  const Child child([&] {
    record_many(2, 2000);
    return recorder_.stop().dropped_events == kMany ? 0 : 1;
  });
  EXPECT_EQ(child.wait(), 0);
  std::filesystem::rename(away, folder_);
  recorder_.stop();
  EXPECT_EQ(read_events(only_file()).size(), 10U);
}

TEST_F(RecorderLimitsTest, never_writes_to_a_file_that_got_its_descriptor) {
  const auto other = temporary_.file("precious");
  const Child child([&] {
    recorder_.start(options());
    record_many(1, 1, 10);
    for (int descriptor = 3; descriptor < 100; ++descriptor) close(descriptor);  // as a daemon does
    for (int i = 0; i < 50; ++i) {
      if (open(other.c_str(), O_RDWR | O_CREAT, 0666) < 0) return 2;
    }
    record_many(1, 2000);
    const auto counts = recorder_.stop();
    return counts.dropped_events == 0 ? 0 : 1;
  });
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(std::filesystem::file_size(other), 0U);
  EXPECT_EQ(read_events(only_file()).size(), kMany + 10);
}

}  // namespace
}  // namespace gilscope
