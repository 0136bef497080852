// Where a child reads and writes, and how long it ran. Real children, of /bin/sh.
#include <array>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "run/child.h"
#include "scratch_folder.h"
#include "support/file.h"

namespace gilscope {
namespace {

using test::ScratchFolder;

constexpr auto kNoEnd = std::chrono::minutes(10);

// While one lives, this process's descriptor is another file.
class Redirected {
 public:
  Redirected(int descriptor, const std::string& file, int flags)
      : descriptor_(descriptor), kept_(fcntl(descriptor, F_DUPFD_CLOEXEC, 3)) {
    const FileDescriptor opened(open(file.c_str(), flags, 0600));
    if (dup2(opened.get(), descriptor) != descriptor) throw std::runtime_error("cannot open " + file);
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;
  Redirected(Redirected&&) = delete;
  Redirected& operator=(Redirected&&) = delete;
  ~Redirected() { dup2(kept_.get(), descriptor_); }

 private:
  int descriptor_;
  FileDescriptor kept_;
};

TEST(ChildStreams, that_takes_input_reads_a_file_from_where_this_process_would_go_on) {
  const ScratchFolder folder;
  const auto file = folder.write("input", "first\nsecond\nthird\n");
  const Redirected input(STDIN_FILENO, file, O_RDONLY);
  ASSERT_EQ(lseek(STDIN_FILENO, 6, SEEK_SET), 6);
  const ChildCommand command{.arguments = {"/bin/sh", "-c", "cat"}, .timeout = kNoEnd, .takes_input = true};
  // Each of them: what one reads is not read for the others.
  for (int i = 0; i < 2; ++i) EXPECT_EQ(run_child(command).output, "second\nthird\n");
  EXPECT_EQ(lseek(STDIN_FILENO, 0, SEEK_CUR), 6);
  EXPECT_EQ(run_child({{"/bin/sh", "-c", "cat"}, {}, kNoEnd}).output, "");
}

TEST(ChildStreams, that_takes_input_reads_nothing_where_that_is_no_file) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  const FileDescriptor read(ends[0]);
  const FileDescriptor write(ends[1]);
  const Redirected input(STDIN_FILENO, "/proc/self/fd/" + std::to_string(read.get()), O_RDONLY);
  const ChildCommand command{.arguments = {"/bin/sh", "-c", "readlink /proc/self/fd/0; cat"},
                             .timeout = kNoEnd,
                             .takes_input = true};
  EXPECT_EQ(run_child(command).output, "/dev/null\n");
}

TEST(ChildStreams, writes_to_where_it_is_told) {
  const ScratchFolder folder;
  const auto file = folder.file("output");
  ChildCommand command{.arguments = {"/bin/sh", "-c", "echo out; echo err >&2"}, .timeout = kNoEnd};
  {
    const Redirected output(STDOUT_FILENO, file, O_WRONLY | O_CREAT | O_APPEND);
    const Redirected errors(STDERR_FILENO, file, O_WRONLY | O_APPEND);
    command.output = ChildOutput::OnlyErrors;
    const auto dropped = run_child(command);
    EXPECT_EQ(dropped.output, "");
    EXPECT_EQ(dropped.errors, "err\n");
    command.output = ChildOutput::Shown;
    const auto shown = run_child(command);
    EXPECT_EQ(shown.output + shown.errors, "");
  }
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  EXPECT_EQ(text.str(), "out\nerr\n");
}

// Of CPU time the kernel may count ticks: none is too little to be told, and no more than there was.
TEST(ChildStreams, tells_how_long_it_ran) {
  const auto result =
      run_child({{"/bin/sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done"}, {}, kNoEnd});
  EXPECT_GT(result.wall, Nanoseconds::zero());
  EXPECT_GE(result.cpu, Nanoseconds::zero());
}

}  // namespace
}  // namespace gilscope
