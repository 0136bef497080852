// Many streams at once: what is in memory of each.
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "capture/capture_fixture.h"
#include "capture/stream_reader.h"

namespace gilscope {
namespace {

using test::make_event;

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages >> pages;
  return pages * 4096;
}

class StreamWindowTest : public test::CaptureTest {
 protected:
  // Events of all widths with names in between, long and short: more than some parts of one stream.
  void record_much() {
    recorder_.start(options());
    std::uint64_t ticks = 1;
    for (unsigned i = 0; i < 20'000; ++i) {
      ticks += std::uint64_t{1} << (i % 31);
      recorder_.record(make_event(ticks, i % 2 == 0 ? EventKind::Acquire : EventKind::Release, 1, i / 5000));
      if (i % 7 == 0) recorder_.name_thread(ThreadId{i}, std::string(i % 300, 'n'));
    }
    recorder_.stop();
  }
};

TEST_F(StreamWindowTest, gives_every_stream_2_kib_at_least_and_a_part_at_most) {
  EXPECT_EQ(StreamReader::window_of(0), kPayloadSize);
  EXPECT_EQ(StreamReader::window_of(1), kPayloadSize);
  EXPECT_EQ(StreamReader::window_of(8192), 8192U);
  EXPECT_EQ(StreamReader::window_of(65536), 2048U);
}

TEST_F(StreamWindowTest, reads_the_same_whatever_the_window) {
  record_much();
  const BlockFile file(only_file());
  for (const bool is_finished : {true, false}) {
    CaptureNames whole_names;
    StreamReader whole(file, 1, is_finished, whole_names);
    for (const std::uint32_t window : {2048U, 2049U, 5000U, kPayloadSize - 1}) {
      CaptureNames names;
      StreamReader narrow(file, 1, is_finished, names, window);
      StreamReader same(file, 1, is_finished, whole_names);
      std::size_t count = 0;
      while (same.advance()) {
        ASSERT_TRUE(narrow.advance());
        ASSERT_EQ(narrow.event(), same.event()) << "event " << count << ", window " << window;
        ++count;
      }
      EXPECT_FALSE(narrow.advance());
      EXPECT_EQ(count, 20'000U);
      EXPECT_EQ(names.threads, whole_names.threads);
    }
  }
}

// A file may be sparse: 250 MiB that take a twentieth of it on disk.
TEST_F(StreamWindowTest, takes_memory_by_what_is_in_the_streams) {
  constexpr std::uint32_t kStreams = 16'000;
  record({make_event(1, EventKind::Acquire)});
  const auto path = only_file();
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto put = [&](std::uint64_t offset, const auto& value) {
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(reinterpret_cast<const char*>(&value), sizeof value);
  };
  put(offsetof(FileHeader, is_finished), std::uint32_t{0});
  for (std::uint32_t home = 1; home <= kStreams; ++home) {
    const std::uint32_t next = home < kStreams ? home + 1 : 0;
    put(home * std::uint64_t{kBlockSize},
        BlockHeader{.magic = kBlockMagic, .stream = home, .used = 2, .thread = home, .next_stream = next});
    put(home * std::uint64_t{kBlockSize} + kBlockHeaderSize, std::array<char, 2>{2U << 2U, 1});
  }
  file.close();
  std::filesystem::resize_file(path, (kStreams + 1) * std::uint64_t{kBlockSize});

  const ProcessReader reader(path);
  const auto before = resident_bytes();
  auto sequence = reader.events();
  EXPECT_LT(resident_bytes(), before + (std::size_t{64} << 20U));
  std::size_t count = 0;
  for (Event event{}; sequence.next(event);) ++count;
  EXPECT_EQ(count, kStreams);
}

}  // namespace
}  // namespace gilscope
