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

  std::filesystem::path make_folder(const std::string& name) const {
    const auto folder = temporary_.path() / name;
    std::filesystem::create_directories(folder);
    return folder;
  }

  // Of whatever is named.
  SourceLines read_all(const std::string& file, std::uint32_t line) const {
    return read_source_lines(naming(file, line), later_, {.of = SourceScope::Of::All});
  }
  // Of the folder `own`.
  SourceLines read_own(const std::string& file) const {
    return read_source_lines(naming(file, 1), later_,
                             {.folders = {std::filesystem::canonical(temporary_.path() / "own")}});
  }

  test::ScratchFolder temporary_;
  std::filesystem::file_time_type later_ =
      std::filesystem::file_time_type::clock::now() + std::chrono::hours(1);
};

TEST_F(SourceLinesTest, are_read_where_the_file_is) {
  const auto file = write("app.py", "def f():\n\treturn g(\t1)   \n");
  EXPECT_EQ(read_all(file, 2), (SourceLines{{file, {{2, "return g( 1)"}}}}));
}

TEST_F(SourceLinesTest, are_short_and_steer_no_terminal) {
  const auto file = write("app.py", "x = '\x1b[31m" + std::string(5'000, 'y') + "'\n");
  const auto lines = read_all(file, 1);
  const auto& line = lines.at(file).at(1);
  EXPECT_LT(line.size(), 200U);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

TEST_F(SourceLinesTest, are_not_there_of_what_is_no_such_file) {
  EXPECT_THAT(read_all(write("secret", "text\n"), 1), IsEmpty());
  EXPECT_THAT(read_all((temporary_.path() / "gone.py").string(), 1), IsEmpty());
  EXPECT_THAT(read_all(write("short.py", "text\n"), 2), IsEmpty());
  EXPECT_THAT(read_all("<string>", 1), IsEmpty());
  std::filesystem::create_directory(temporary_.path() / "folder.py");
  EXPECT_THAT(read_all((temporary_.path() / "folder.py").string(), 1), IsEmpty());
  const auto pipe = (temporary_.path() / "pipe.py").string();  // to read it would be to wait for ever
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(read_all(pipe, 1), IsEmpty());
}

TEST_F(SourceLinesTest, are_not_those_of_a_file_that_was_changed_after_the_run) {
  const auto file = write("app.py", "text\n");
  const auto before = std::filesystem::last_write_time(file) - std::chrono::seconds(1);
  EXPECT_THAT(read_source_lines(naming(file, 1), before, {.of = SourceScope::Of::All}), IsEmpty());
}

TEST_F(SourceLinesTest, are_of_the_programs_own_folders_alone_where_not_all_are_asked_for) {
  make_folder("own/part");
  make_folder("owner");
  const auto own = write("own/part/app.py", "text\n");
  const auto other = write("owner/app.py", "text\n");
  EXPECT_EQ(read_own(own), (SourceLines{{own, {{1, "text"}}}}));
  EXPECT_THAT(read_own(other), IsEmpty());
  EXPECT_EQ(read_all(other, 1), (SourceLines{{other, {{1, "text"}}}}));
  EXPECT_THAT(read_source_lines(naming(own, 1), later_, {}), IsEmpty());
}

TEST_F(SourceLinesTest, are_not_a_librarys_that_lies_in_the_programs_folder) {
  for (const auto* const folder : {"own/.venv/lib/python3.13", "own/site-packages", "own/dist-packages/x"}) {
    make_folder(folder);
    const auto file = write(std::string(folder) + "/queue.py", "text\n");
    EXPECT_THAT(read_own(file), IsEmpty());
    EXPECT_EQ(read_all(file, 1).size(), 1U);
  }
  std::filesystem::create_directory_symlink("site-packages", temporary_.path() / "own/vendor");
  EXPECT_THAT(read_own((temporary_.path() / "own/vendor/queue.py").string()), IsEmpty());
}

TEST_F(SourceLinesTest, are_of_the_file_that_a_name_leads_to) {
  make_folder("own");
  const auto secret = write("secret.py", "text\n");
  const auto text = write("own/secret", "text\n");
  std::filesystem::create_symlink(secret, temporary_.path() / "own/linked.py");
  std::filesystem::create_symlink(text, temporary_.path() / "own/text.py");
  const auto name = [&](const char* of) { return (temporary_.path() / of).string(); };
  EXPECT_THAT(read_own(name("own/linked.py")), IsEmpty());
  EXPECT_THAT(read_own(name("own/../secret.py")), IsEmpty());
  EXPECT_THAT(read_own(name("own/text.py")), IsEmpty());
  EXPECT_THAT(read_all(name("own/text.py"), 1), IsEmpty());
  const auto own = write("own/app.py", "text\n");
  std::filesystem::create_symlink(own, temporary_.path() / "started.py");
  const auto started = name("started.py");
  EXPECT_EQ(read_own(started), (SourceLines{{started, {{1, "text"}}}}));
}

TEST_F(SourceLinesTest, are_found_by_a_relative_name) {
  write("app.py", "text\n");
  EXPECT_EQ(
      read_source_lines(naming("app.py", 1), later_, {.of = SourceScope::Of::All, .base = temporary_.path()}),
      (SourceLines{{"app.py", {{1, "text"}}}}));
}

}  // namespace
}  // namespace gilscope::cli
