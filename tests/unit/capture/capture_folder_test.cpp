#include "capture/capture_folder.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/capture_fixture.h"
#include "expect_error.h"

namespace gilscope {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class CaptureFolderTest : public ::testing::Test {
 protected:
  void create(Existing existing = Existing::Keep) const {
    create_capture(folder_, {.gilscope = "1"}, existing);
  }
  [[nodiscard]] Error error_of_create(Existing existing) const {
    return test::error_of([&] { create(existing); });
  }

  test::ScratchFolder temporary_;
  std::filesystem::path folder_ = temporary_.path() / "capture";
};

TEST_F(CaptureFolderTest, gives_back_what_the_run_was) {
  create_capture(folder_, {.gilscope = "1.2", .command = {"a b", "\xff"}, .python = {{"x", 1}}, .machine = 7},
                 Existing::Keep);
  const auto capture = read_capture(folder_);
  EXPECT_EQ(capture.metadata.gilscope, "1.2");
  EXPECT_EQ(capture.metadata.command, (std::vector<std::string>{"a b", "\xef\xbf\xbd"}));
  EXPECT_EQ(capture.metadata.python, (nlohmann::json{{"x", 1}}));
  EXPECT_EQ(capture.metadata.machine, 7);
  EXPECT_TRUE(capture.processes.empty());
}

TEST_F(CaptureFolderTest, refuses_a_folder_that_exists) {
  create();
  const auto error = error_of_create(Existing::Keep);
  EXPECT_EQ(error.exit_code(), ExitCode::Usage);
  EXPECT_THAT(error.hint(), HasSubstr("--force"));
}

TEST_F(CaptureFolderTest, overwrites_an_empty_folder_and_a_capture) {
  std::filesystem::create_directory(folder_);
  create(Existing::Overwrite);
  static_cast<void>(temporary_.write("capture/12-1.events", "old"));
  static_cast<void>(temporary_.write("capture/12-2.events.part", "old"));
  create(Existing::Overwrite);
  EXPECT_TRUE(read_capture(folder_).processes.empty());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "12-2.events.part"));
}

TEST_F(CaptureFolderTest, deletes_nothing_of_a_folder_with_anything_else_in_it) {
  create();
  static_cast<void>(temporary_.write("capture/thesis.txt", "years"));
  EXPECT_THAT(error_of_create(Existing::Overwrite).what(), HasSubstr("thesis.txt"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 3);
}

TEST_F(CaptureFolderTest, deletes_nothing_of_a_folder_that_is_no_capture_of_ours) {
  static_cast<void>(temporary_.write("capture/party.events", "my diary"));
  EXPECT_THAT(error_of_create(Existing::Overwrite).what(), HasSubstr("no capture"));
  static_cast<void>(temporary_.write("capture/capture.json", R"({"schema": "camera.capture/3"})"));
  EXPECT_THAT(error_of_create(Existing::Overwrite).what(), HasSubstr("gilscope.capture/1"));
  EXPECT_EQ(test::read_file(folder_ / "party.events"), "my diary");
}

TEST_F(CaptureFolderTest, deletes_nothing_through_a_link) {
  create();
  static_cast<void>(temporary_.write("diary", "my diary"));
  std::filesystem::create_symlink(temporary_.path() / "diary", folder_ / "1-1.events");
  EXPECT_EQ(error_of_create(Existing::Overwrite).exit_code(), ExitCode::Usage);
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "1-1.events"));
}

TEST_F(CaptureFolderTest, refuses_a_place_where_no_folder_can_be) {
  static_cast<void>(temporary_.write("capture", "a file"));
  EXPECT_EQ(error_of_create(Existing::Overwrite).exit_code(), ExitCode::Usage);
  folder_ = temporary_.path() / "none" / "capture";
  EXPECT_THAT(error_of_create(Existing::Keep).what(), HasSubstr("No such file"));
  folder_ = "/proc/self/capture";
  EXPECT_EQ(error_of_create(Existing::Keep).exit_code(), ExitCode::CannotRun);
}

TEST_F(CaptureFolderTest, refuses_to_read_what_is_no_capture) {
  EXPECT_THAT(test::error_of([&] { static_cast<void>(read_capture(folder_)); }).what(),
              HasSubstr("capture.json"));
  for (const auto* text : {"", "{", "[]", "[1e999]", "7", R"({"schema": 1})",
                           R"({"schema": "gilscope.capture/2"})", R"({"schema": "gilscope.capture/1"})",
                           R"({"schema": "gilscope.capture/1", "gilscope": 1, "command": {}})"}) {
    static_cast<void>(temporary_.write("capture/capture.json", text));
    const auto error = test::error_of([&] { static_cast<void>(read_capture(folder_)); });
    EXPECT_EQ(error.exit_code(), ExitCode::CannotRun);
    EXPECT_THAT(error.what(), HasSubstr("capture.json: byte ")) << text;
  }
  static_cast<void>(temporary_.write("capture/capture.json", std::string(100'000, '[')));
  EXPECT_THAT(test::error_of([&] { static_cast<void>(read_capture(folder_)); }).what(),
              HasSubstr("100 levels"));
}

TEST_F(CaptureFolderTest, refuses_counts_that_are_not_16_bytes) {
  create();
  EXPECT_EQ(read_capture(folder_).unfiled_drops, 0U);
  for (const auto size : {0U, 15U, 17U}) {
    static_cast<void>(temporary_.write("capture/capture.size", std::string(size, 'x')));
    EXPECT_THAT(test::error_of([&] { static_cast<void>(read_capture(folder_)); }).what(),
                HasSubstr("capture.size: byte "));
  }
}

TEST_F(CaptureFolderTest, lists_the_files_of_processes_and_nothing_else) {
  create();
  for (const auto* name : {"9-1.events", "10-1.events", "10-2.events.part", "notes.txt"}) {
    static_cast<void>(temporary_.write("capture/" + std::string(name), ""));
  }
  EXPECT_THAT(read_capture(folder_).processes,
              UnorderedElementsAre(folder_ / "9-1.events", folder_ / "10-1.events"));
}

}  // namespace
}  // namespace gilscope
