// What becomes of an events file that somebody cuts short while it is recorded, and of the name that its
// process had no time to give it.
#include <csignal>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/capture_fixture.h"
#include "expect_error.h"

namespace gilscope {
namespace {

using test::Child;
using test::read_events;
using test::Signal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CutFilesTest : public test::CaptureTest {
 protected:
  [[nodiscard]] std::filesystem::path live_file_of(pid_t pid) const {
    return folder_ / (std::to_string(pid) + "-1.events.live");
  }
};

TEST_F(CutFilesTest, loses_nothing_of_a_file_that_is_cut_short) {
  recorder_.start(options());
  record_run(1, 20'000);
  ASSERT_EQ(truncate(file_of(getpid()).c_str(), 0), 0);
  record_run(20'001, 20'000);
  EXPECT_EQ(read_events(only_file()).size(), 40'000U) << "while it is recorded";
  EXPECT_EQ(recorder_.stop().events, 40'000U);
  EXPECT_EQ(read_events(only_file()).size(), 40'000U);
  EXPECT_THAT(files(), ElementsAre(file_of(getpid())));
  EXPECT_FALSE(std::filesystem::exists(live_file_of(getpid())));
}

TEST_F(CutFilesTest, goes_on_where_the_folder_is_not_there_any_more) {
  recorder_.start(options());
  record_run(1, 20'000);
  std::filesystem::rename(folder_, temporary_.path() / "moved");
  record_run(20'001, 20'000);
  recorder_.stop();
  folder_ = temporary_.path() / "moved";
  EXPECT_EQ(read_events(only_file()).size(), 40'000U) << "under the name that it had";
}

TEST_F(CutFilesTest, gives_the_file_of_a_killed_process_its_name) {
  const Signal recorded;
  const Child child([&]() -> int {
    recorder_.start(options());
    record_run(1, 20'000);
    recorded.tell();
    for (;;) pause();
  });
  recorded.wait();
  settle_capture(folder_);
  EXPECT_TRUE(std::filesystem::exists(live_file_of(child.pid()))) << "it is alive";
  EXPECT_EQ(read_events(only_file()).size(), 20'000U);
  kill(child.pid(), SIGKILL);
  child.end();
  EXPECT_EQ(read_events(only_file()).size(), 20'000U);
  settle_capture(folder_);
  EXPECT_FALSE(std::filesystem::exists(live_file_of(child.pid())));
  EXPECT_THAT(files(), ElementsAre(file_of(child.pid())));
  EXPECT_EQ(read_events(only_file()).size(), 20'000U);
}

TEST_F(CutFilesTest, settles_nothing_that_is_no_file_of_a_process) {
  static_cast<void>(temporary_.write("capture/mine.events.live", "my diary"));
  std::filesystem::create_symlink(temporary_.path() / "diary", folder_ / "1-1.events.live");
  settle_capture(folder_);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "mine.events.live"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "1-1.events.live"));
  settle_capture(folder_ / "none");
}

TEST_F(CutFilesTest, says_what_is_missing_where_only_the_empty_file_was_copied) {
  static_cast<void>(temporary_.write("capture/12-1.events", ""));
  const auto error = test::error_of([&] { ProcessReader reader(only_file()); });
  EXPECT_THAT(error.what(), HasSubstr("12-1.events: byte 0: expected the header"));
  EXPECT_THAT(error.what(), HasSubstr("12-1.events.live"));
  static_cast<void>(temporary_.write("capture/12-1.events.part", ""));
  EXPECT_THAT(files(), IsEmpty()) << "it was killed before it had recorded anything";
}

}  // namespace
}  // namespace gilscope
