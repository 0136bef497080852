#include "cli/source_lines.h"

#include <chrono>
#include <fstream>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scratch_folder.h"

namespace gilscope::cli {
namespace {

using testing::IsEmpty;

class SourceLinesTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) const {
    const auto file = temporary_.path() / name;
    std::ofstream(file) << text;
    return file.string();
  }
  static RunSummary naming(const std::string& file, std::uint32_t line) {
    const CodePlace place{file, "f", line};
    RunSummary summary;
    summary.processes.push_back(
        {.blame = std::vector<BlameRow>{{.from = place, .to = place, .stack = {place}}}});
    return summary;
  }

  test::ScratchFolder temporary_;
  std::filesystem::file_time_type later_ =
      std::filesystem::file_time_type::clock::now() + std::chrono::hours(1);
};

TEST_F(SourceLinesTest, are_read_where_the_file_is) {
  const auto file = write("app.py", "def f():\n\treturn g(\t1)   \n");
  EXPECT_EQ(read_source_lines(naming(file, 2), later_), (SourceLines{{file, {{2, "return g( 1)"}}}}));
}

TEST_F(SourceLinesTest, are_short_and_steer_no_terminal) {
  const auto file = write("app.py", "x = '\x1b[31m" + std::string(5'000, 'y') + "'\n");
  const auto lines = read_source_lines(naming(file, 1), later_);
  const auto& line = lines.at(file).at(1);
  EXPECT_LT(line.size(), 200U);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

TEST_F(SourceLinesTest, are_not_there_of_what_is_no_such_file) {
  EXPECT_THAT(read_source_lines(naming(write("secret", "text\n"), 1), later_), IsEmpty());
  EXPECT_THAT(read_source_lines(naming((temporary_.path() / "gone.py").string(), 1), later_), IsEmpty());
  EXPECT_THAT(read_source_lines(naming(write("short.py", "text\n"), 2), later_), IsEmpty());
  EXPECT_THAT(read_source_lines(naming("<string>", 1), later_), IsEmpty());
  std::filesystem::create_directory(temporary_.path() / "folder.py");
  EXPECT_THAT(read_source_lines(naming((temporary_.path() / "folder.py").string(), 1), later_), IsEmpty());
  const auto pipe = (temporary_.path() / "pipe.py").string();  // to read it would be to wait for ever
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(read_source_lines(naming(pipe, 1), later_), IsEmpty());
}

TEST_F(SourceLinesTest, are_not_those_of_a_file_that_was_changed_after_the_run) {
  const auto file = write("app.py", "text\n");
  const auto before = std::filesystem::last_write_time(file) - std::chrono::seconds(1);
  EXPECT_THAT(read_source_lines(naming(file, 1), before), IsEmpty());
}

}  // namespace
}  // namespace gilscope::cli
