#include "support/file.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "expect_error.h"
#include "scratch_folder.h"

namespace gilscope {
namespace {

using test::error_of;
using test::read_file;
using test::ScratchFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// No file of this process may become longer, and its signal is ignored: what a full disk looks like, at will.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  FileSizeLimit(FileSizeLimit&&) = delete;
  FileSizeLimit& operator=(FileSizeLimit&&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, previous_handler_);
  }

 private:
  rlimit before_{};
  void (*previous_handler_)(int) = std::signal(SIGXFSZ, SIG_IGN);
};

// Lets a stream of this process lead to a disk that is full.
void fill(int stream) {
  const int full = open("/dev/full", O_WRONLY);
  if (full < 0 || dup2(full, stream) < 0) std::exit(99);
}

[[noreturn]] void print_to_a_reader_that_is_gone() {
  std::signal(SIGPIPE, SIG_IGN);  // as main() has it
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) std::exit(1);
  dup2(ends[1], STDOUT_FILENO);
  close(ends[0]);
  print("x");
  std::exit(0);
}

TEST(OutputFile, that_is_new_is_there_once_it_was_written) {
  const ScratchFolder folder;
  OutputFile output(folder.file("new.json"), Existing::Keep);
  EXPECT_FALSE(std::filesystem::exists(folder.file("new.json")));
  output.write("whole\n");
  EXPECT_EQ(read_file(folder.file("new.json")), "whole\n");
  EXPECT_THAT(folder.names(), ElementsAre("new.json"));
}

TEST(OutputFile, has_the_permissions_that_the_umask_leaves) {
  const ScratchFolder folder;
  const mode_t before = umask(027);
  OutputFile(folder.file("new.json"), Existing::Keep).write("");
  umask(before);
  const auto permissions = std::filesystem::status(folder.file("new.json")).permissions();
  EXPECT_EQ(static_cast<unsigned>(permissions), 0640U);
}

TEST(OutputFile, that_exists_is_kept) {
  const ScratchFolder folder;
  const auto file = folder.write("old.json", "old");
  const auto error = error_of([&] { OutputFile(file, Existing::Keep); });
  EXPECT_EQ(error.what(), file + " exists already");
  EXPECT_THAT(error.hint(), HasSubstr("--force"));
  EXPECT_EQ(error.exit_code(), ExitCode::Usage);
  EXPECT_EQ(read_file(file), "old");
  EXPECT_THAT(folder.names(), ElementsAre("old.json"));
}

TEST(OutputFile, that_exists_is_overwritten_by_force_and_not_before_it_is_written) {
  const ScratchFolder folder;
  const auto file = folder.write("old.json", "old and longer");
  OutputFile output(file, Existing::Overwrite);
  EXPECT_EQ(read_file(file), "old and longer");
  output.write("new");
  EXPECT_EQ(read_file(file), "new");
  EXPECT_THAT(folder.names(), ElementsAre("old.json"));
}

TEST(OutputFile, that_came_into_being_during_the_work_is_kept) {
  const ScratchFolder folder;
  const auto file = folder.file("late.json");
  {
    OutputFile output(file, Existing::Keep);
    static_cast<void>(folder.write("late.json", "somebody else's"));
    const auto error = error_of([&] { output.write("ours"); });
    EXPECT_THAT(error.what(), HasSubstr("File exists"));
    EXPECT_EQ(error.exit_code(), ExitCode::CannotRun);
  }
  EXPECT_EQ(read_file(file), "somebody else's");
  EXPECT_THAT(folder.names(), ElementsAre("late.json"));
}

TEST(OutputFile, that_is_never_written_leaves_nothing_behind) {
  const ScratchFolder folder;
  {
    const OutputFile output(folder.file("new.json"), Existing::Keep);
  }
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(OutputFile, that_is_never_written_leaves_the_old_one_as_it_was) {
  const ScratchFolder folder;
  const auto file = folder.write("old.json", "old");
  {
    const OutputFile output(file, Existing::Overwrite);
  }
  EXPECT_EQ(read_file(file), "old");
  EXPECT_THAT(folder.names(), ElementsAre("old.json"));
}

TEST(OutputFile, is_there_whole_or_not_at_all_where_the_space_ends_in_the_middle) {
  const ScratchFolder folder;
  const auto file = folder.write("old.json", "old");
  {
    OutputFile output(file, Existing::Overwrite);
    const FileSizeLimit limit(4096);
    const auto error = error_of([&] { output.write(std::string(100'000, 'x')); });
    EXPECT_THAT(error.what(), HasSubstr(file + " could not be written: File too large"));
    EXPECT_EQ(error.exit_code(), ExitCode::CannotRun);
  }
  EXPECT_EQ(read_file(file), "old");
  EXPECT_THAT(folder.names(), ElementsAre("old.json"));
}

TEST(OutputFile, cannot_be_a_directory) {
  const ScratchFolder folder;
  for (const auto existing : {Existing::Keep, Existing::Overwrite}) {
    const auto error = error_of([&] { OutputFile(folder.path(), existing); });
    EXPECT_THAT(error.what(), HasSubstr("is a directory"));
    EXPECT_EQ(error.exit_code(), ExitCode::Usage);
  }
}

TEST(OutputFile, cannot_be_in_a_folder_that_is_not_there) {
  const ScratchFolder folder;
  const auto error = error_of([&] { OutputFile(folder.file("nowhere/new.json"), Existing::Keep); });
  EXPECT_THAT(error.what(), HasSubstr("cannot be written: No such file or directory"));
  EXPECT_FALSE(error.hint().empty());
  EXPECT_EQ(error.exit_code(), ExitCode::CannotRun);
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(OutputFile, cannot_be_where_nobody_may_write) {
  // Root may write nearly everywhere; not below a file, and not in /proc.
  for (const std::string file : {"/proc/new.json", "/proc/self/new.json", "/dev/null/new.json"}) {
    const auto error = error_of([&] { OutputFile(file, Existing::Keep); });
    EXPECT_THAT(error.what(), HasSubstr(file + " cannot be written: "));
  }
}

TEST(OutputFile, on_a_full_disk_is_an_error_that_says_so) {
  OutputFile output("/dev/full",
                    Existing::Keep);  // a device is written to and not replaced, without force too
  const auto error = error_of([&] { output.write("x"); });
  EXPECT_THAT(error.what(), HasSubstr("/dev/full could not be written: No space left on device"));
  EXPECT_EQ(error.exit_code(), ExitCode::CannotRun);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
}

TEST(OutputFile, may_be_a_pipe) {
  const ScratchFolder folder;
  const auto file = folder.file("pipe");
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
  const FileDescriptor reader(open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  OutputFile(file, Existing::Keep).write("through it");
  std::array<char, 64> text{};
  EXPECT_EQ(read(reader.get(), text.data(), text.size()), 10);
  EXPECT_STREQ(text.data(), "through it");
  EXPECT_TRUE(std::filesystem::is_fifo(file));
}

TEST(OutputFile, called_dash_is_standard_output) {
  testing::internal::CaptureStdout();
  OutputFile("-", Existing::Keep).write("printed\n");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "printed\n");
}

TEST(OutputFile, never_takes_the_place_of_a_closed_standard_output) {
  // With descriptor 1 free, the next file would get it, and the report's text would land in the JSON.
  const ScratchFolder folder;
  const auto file = folder.file("new.json");
  EXPECT_EXIT(
      {
        close(STDOUT_FILENO);
        OutputFile output(file, Existing::Keep);
        try {
          print("the table\n");
        } catch (const Error&) {  // it is closed
          output.write("{}\n");
          std::exit(0);
        }
        std::exit(1);
      },
      testing::ExitedWithCode(0), "");
  EXPECT_EQ(read_file(file), "{}\n");
}

TEST(Print, writes_all_of_a_long_text) {
  const std::string text(1'000'000, 'x');
  testing::internal::CaptureStdout();
  print(text);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), text);
}

TEST(Print, to_a_full_disk_is_an_error) {
  EXPECT_EXIT(
      {
        fill(STDOUT_FILENO);
        try {
          print("x");
        } catch (const Error& error) {
          print_error(error.what());
          std::exit(static_cast<int>(error.exit_code()));
        }
        std::exit(0);
      },
      testing::ExitedWithCode(125), "standard output could not be written: No space left on device");
}

TEST(Print, to_a_reader_that_is_gone_ends_as_other_programs_do) {
  EXPECT_EXIT(print_to_a_reader_that_is_gone(), testing::KilledBySignal(SIGPIPE), "");
}

TEST(PrintError, is_no_error_of_its_own_where_standard_error_is_gone) {
  EXPECT_EXIT(
      {
        fill(STDERR_FILENO);
        print_error("nobody reads this");
        close(STDERR_FILENO);
        print_error("nor this");
        std::exit(3);
      },
      testing::ExitedWithCode(3), "");
}

TEST(FileDescriptor, is_closed_with_its_owner_and_moves_with_it) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  FileDescriptor reader(ends[0]);
  std::optional<FileDescriptor> writer(ends[1]);
  FileDescriptor moved = std::move(*writer);
  writer.reset();  // closes nothing
  EXPECT_EQ(moved.write("x"), 0);
  char byte = 0;
  EXPECT_EQ(read(reader.get(), &byte, 1), 1);
  moved = FileDescriptor();
  EXPECT_EQ(read(reader.get(), &byte, 1), 0);  // the end: no writer is left
}

TEST(FileDescriptor, tells_why_it_could_not_write) {
  const FileDescriptor full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(full.write("x"), ENOSPC);
  EXPECT_EQ(FileDescriptor().write("x"), EBADF);
}

}  // namespace
}  // namespace gilscope
