// Files that are not as they should be.
#include "capture/process_reader.h"

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/golden_capture.h"
#include "capture/records.h"
#include "expect_error.h"
#include "fuzz/read_anything.h"

namespace gilscope {
namespace {

using test::read_all;
using ::testing::AllOf;
using ::testing::HasSubstr;

// The golden file, to be spoilt. Its stream of thread 4711 is block 1, that of 4712 block 2.
class ProcessReaderTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kHome = kBlockSize;
  static constexpr std::uint64_t kRecords = kHome + kBlockHeaderSize;

  ProcessReaderTest() : bytes_(test::read_file(test::golden_file())) {
    static_cast<void>(temporary_.write("f", bytes_));
  }

  template <typename Number>
  void put(std::uint64_t offset, Number value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof value);
  }
  void set_records(const std::vector<unsigned>& records) {
    for (std::size_t i = 0; i < records.size(); ++i) bytes_[kRecords + i] = static_cast<char>(records[i]);
    put(kHome + offsetof(BlockHeader, used), static_cast<std::uint32_t>(records.size()));
  }
  void make_unfinished() { put(offsetof(FileHeader, is_finished), std::uint32_t{0}); }

  // Expects the error to name the file, the byte and what was expected.
  void expect_rejected(std::uint64_t offset, const std::string& expected) {
    static_cast<void>(temporary_.write("f", bytes_));
    const auto error = test::error_of([&] {
      const ProcessReader reader(file_);
      auto sequence = reader.events();
      for (Event event{}; sequence.next(event);) {
      }
    });
    EXPECT_EQ(error.exit_code(), ExitCode::CannotRun);
    EXPECT_THAT(error.what(), AllOf(HasSubstr(file_.string() + ": byte " + std::to_string(offset) + ":"),
                                    HasSubstr(expected)));
    EXPECT_NE(error.hint(), "");
  }

  test::ScratchFolder temporary_;
  std::filesystem::path file_ = temporary_.path() / "f";
  std::string bytes_;
};

TEST_F(ProcessReaderTest, refuses_what_is_no_events_file) {
  bytes_ = "";
  expect_rejected(0, "the header");
  bytes_ = "import this\n";
  expect_rejected(12, "the header");
  bytes_ = std::string(std::size_t{5} * kBlockSize, 'x');
  expect_rejected(0, "the mark");
  EXPECT_THAT(test::error_of([&] { ProcessReader(temporary_.path() / "none"); }).what(),
              HasSubstr("No such file"));
  EXPECT_THAT(test::error_of([&] { ProcessReader{temporary_.path()}; }).what(), HasSubstr("no regular file"));
  ASSERT_EQ(mkfifo(temporary_.file("pipe").c_str(), 0600), 0);
  EXPECT_THAT(test::error_of([&] { ProcessReader(temporary_.path() / "pipe"); }).what(),
              HasSubstr("no regular file"));
}

TEST_F(ProcessReaderTest, refuses_a_future_version_and_says_who_can_read_it) {
  put(offsetof(FileHeader, version), std::uint32_t{5});
  expect_rejected(8, "version 4 of the format, found 5");
  put(offsetof(FileHeader, version), std::uint32_t{1});
  expect_rejected(8, "version 4 of the format, found 1");
}

TEST_F(ProcessReaderTest, refuses_the_other_byte_order) {
  put(offsetof(FileHeader, version), std::uint32_t{0x0100'0000});
  put(offsetof(FileHeader, byte_order), std::uint32_t{0x0403'0201});
  expect_rejected(12, "lowest byte first");
}

TEST_F(ProcessReaderTest, refuses_a_header_whose_fields_cannot_be) {
  const auto expect_rejected_with = [this](std::uint64_t offset, auto value, const std::string& expected) {
    const std::string whole = bytes_;
    put(offset, value);
    expect_rejected(offset, expected);
    bytes_ = whole;
  };
  expect_rejected_with(offsetof(FileHeader, block_size), std::uint32_t{0}, "blocks of 16384");
  expect_rejected_with(offsetof(FileHeader, clock), std::uint32_t{9}, "clock 0 or 1");
  expect_rejected_with(offsetof(FileHeader, begin), kNoTicks, "a point of time");
  expect_rejected_with(offsetof(FileHeader, reference), std::uint64_t{1} << 61U, "not after the begin");
  expect_rejected_with(offsetof(FileHeader, end), std::uint64_t{1}, "not before the begin");
  expect_rejected_with(offsetof(FileHeader, is_finished), std::uint32_t{2}, "0 or 1");
  expect_rejected_with(offsetof(FileHeader, start_method_length), std::uint32_t{65}, "64 bytes");
  expect_rejected_with(offsetof(FileHeader, metadata_length), ~std::uint32_t{0}, "3776 bytes");
  expect_rejected_with(offsetof(FileHeader, events), ~std::uint64_t{0}, "the 9 events that are there");
}

TEST_F(ProcessReaderTest, refuses_counts_and_places_beyond_the_file) {
  const std::string whole = bytes_;
  put(offsetof(FileHeader, blocks), ~std::uint32_t{0});
  expect_rejected(bytes_.size(), "a file of 4294967295 blocks");
  bytes_ = whole;
  put(offsetof(FileHeader, first_stream), std::uint32_t{1000});
  expect_rejected(bytes_.size(), "the home of a stream");
  bytes_ = whole;
  put(kHome + offsetof(BlockHeader, first), std::uint32_t{1000});
  expect_rejected(bytes_.size(), "a block of a stream");
  bytes_ = whole;
  put(kHome + offsetof(BlockHeader, used), kPayloadSize + 1);
  expect_rejected(kHome + offsetof(BlockHeader, used), "at most 16256 bytes");
}

TEST_F(ProcessReaderTest, refuses_lists_that_go_round_in_a_circle) {
  const std::string whole = bytes_;
  put(kHome + offsetof(BlockHeader, next_stream), std::uint32_t{1});
  expect_rejected(kHome, "streams, each once");
  bytes_ = whole;
  put(kHome + offsetof(BlockHeader, first), std::uint32_t{1});
  put(kHome + offsetof(BlockHeader, next), std::uint32_t{1});
  expect_rejected(kHome + offsetof(BlockHeader, sequence), "part 1");
  bytes_ = whole;
  put(kHome + offsetof(BlockHeader, first), std::uint32_t{2});
  expect_rejected(2 * std::uint64_t{kBlockSize} + offsetof(BlockHeader, stream), "the number of this stream");
  bytes_ = whole;
  put(kHome + offsetof(BlockHeader, sequence), std::uint64_t{5});
  expect_rejected(kHome + offsetof(BlockHeader, sequence), "part 0");
}

TEST_F(ProcessReaderTest, refuses_records_that_cannot_be) {
  set_records({0x08});
  expect_rejected(kRecords, "a whole event");
  set_records({0x00, 0x01, 0x0a, 0x01, 0x01});
  expect_rejected(kRecords + 2, "a whole event");
  set_records({(13U << 2U) | 3U, 0});
  expect_rejected(kRecords, "a kind of record");
  set_records({0xff});
  expect_rejected(kRecords, "a kind of record");
  const unsigned thread = (4U << 2U) | 3U;
  set_records({thread});
  expect_rejected(kRecords + 1, "a whole number");
  set_records({thread, 0x80, 0x80});
  expect_rejected(kRecords + 3, "a whole number");
  set_records({thread, 0xff, 0xff, 0xff, 0xff, 0x1f});
  expect_rejected(kRecords + 1, "a thread id of 32 bits");
  set_records({thread, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01});
  expect_rejected(kRecords + 1, "a thread id of 32 bits");
  const unsigned gil = (5U << 2U) | 3U;
  set_records({gil, 0x80, 0x80, 0x10});
  expect_rejected(kRecords + 1, "a GIL below 262144");
  const unsigned name = (7U << 2U) | 3U;
  set_records({name, 1, 3, 'a', 'b'});
  expect_rejected(kRecords + 3, "a whole name");
  set_records({name, 1, 0x80, 0x02});
  expect_rejected(kRecords + 2, "at most 255 bytes");
  const unsigned event = 3;
  set_records({event, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0});
  expect_rejected(kRecords + 1, "below 2^62 ticks");
  set_records({event, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x40, 0});
  expect_rejected(kRecords + 1, "below 2^62 ticks");
}

TEST_F(ProcessReaderTest, refuses_stacks_that_cannot_be) {
  const unsigned file = (8U << 2U) | 3U;
  const unsigned place = (9U << 2U) | 3U;
  const unsigned stack = (10U << 2U) | 3U;
  const unsigned at = (11U << 2U) | 3U;
  set_records({at, 0});
  expect_rejected(kRecords + 1, "a stack that the stream has told of");
  set_records({place, 0, 1, 0});
  expect_rejected(kRecords + 1, "a file that the stream has told of");
  set_records({stack, 1, 0});
  expect_rejected(kRecords + 2, "a place that the stream has told of");
  set_records({file, 1, 'f', place, 1, 7, 0});
  expect_rejected(kRecords + 4, "a file that the stream has told of");
  set_records({file, 1, 'f', place, 0, 7, 1, 'n', stack, 1, 0, at, 1});
  expect_rejected(kRecords + 12, "a stack that the stream has told of");
  set_records({file, 0xe9, 0x07});
  expect_rejected(kRecords + 1, "a path of at most 1000 bytes");
  set_records({file, 0xe8, 0x07});
  expect_rejected(kRecords + 3, "a whole path");
  set_records({file, 1, 'f', place, 0, 7, 0x80, 0x02});
  expect_rejected(kRecords + 6, "a name of at most 255 bytes");
  set_records({file, 1, 'f', place, 0, 0x80, 0x80, 0x80, 0x80, 0x10});
  expect_rejected(kRecords + 5, "a line of 32 bits");
  set_records({stack, 33});
  expect_rejected(kRecords + 1, "a stack of at most 32 places");
  set_records({stack, 0});
  expect_rejected(kRecords + 1, "a stack of at least one place");
}

TEST_F(ProcessReaderTest, refuses_counts_of_drops_that_overflow) {
  put(offsetof(FileHeader, other_drops), ~std::uint64_t{0});
  put(offsetof(FileHeader, drops), FileDrops{.thread = 1, .is_used = 2, .count = 1});
  expect_rejected(offsetof(FileHeader, drops), "64 bits");
}

TEST_F(ProcessReaderTest, reads_a_finished_file_cut_short_as_an_error_and_an_unfinished_one_too) {
  for (const bool is_finished : {true, false}) {
    if (!is_finished) make_unfinished();
    static_cast<void>(temporary_.write("f", bytes_));
    for (std::size_t size = bytes_.size(); size-- > 0;) {
      ASSERT_EQ(truncate(file_.c_str(), static_cast<off_t>(size)), 0);
      if (size % 7 != 0 && size % kBlockSize > 600 && size % kBlockSize < kBlockSize - 600) continue;
      ASSERT_TRUE(read_all(file_).error) << "cut at " << size;
    }
  }
}

TEST_F(ProcessReaderTest, passes_over_a_part_that_was_spilled_when_the_process_was_killed) {
  make_unfinished();
  bytes_ += bytes_.substr(kHome, kBlockSize);  // block 3: the home as it is
  put(kHome + offsetof(BlockHeader, first), std::uint32_t{3});
  static_cast<void>(temporary_.write("f", bytes_));
  test::expect_same(test::read_events(file_), test::golden_events());
}

TEST_F(ProcessReaderTest, survives_a_flip_of_any_byte) {
  for (const bool is_finished : {true, false}) {
    if (!is_finished) make_unfinished();
    static_cast<void>(temporary_.write("f", bytes_));
    const FileDescriptor file(open(file_.c_str(), O_RDWR | O_CLOEXEC));
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      const bool is_dense = i < 512 || i % kBlockSize < 384;
      // Nothing looks at what lies behind the records, nor at unused places of the table.
      if (!is_dense && i % 61 != 0) continue;
      for (const unsigned flip : {0x01U, 0x80U, 0xffU, 0x7eU}) {
        const char value = static_cast<char>(static_cast<unsigned char>(bytes_[i]) ^ flip);
        ASSERT_EQ(pwrite(file.get(), &value, 1, static_cast<off_t>(i)), 1);
        static_cast<void>(read_all(file_));  // aborts on anything but events or a good Error
      }
      ASSERT_EQ(pwrite(file.get(), &bytes_[i], 1, static_cast<off_t>(i)), 1);
    }
    EXPECT_EQ(read_all(file_).events, test::golden_events().size());
  }
}

TEST_F(ProcessReaderTest, reads_what_the_fuzzer_found_before) {
  std::size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(GILSCOPE_FUZZ_DIR) / "corpus")) {
    const auto bytes = test::read_file(entry.path());
    static_cast<void>(
        test::read_anything({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}));
    ++count;
  }
  EXPECT_GT(count, 0U);
}

}  // namespace
}  // namespace gilscope
