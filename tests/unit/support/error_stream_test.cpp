#include "support/error_stream.h"

#include <array>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace gilscope {
namespace {

using std::chrono::milliseconds;

struct Pipe {
  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) ADD_FAILURE();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  Pipe(Pipe&&) = delete;
  Pipe& operator=(Pipe&&) = delete;
  ~Pipe() {
    for (const int end : ends) close(end);
  }
  // What is there, and no more.
  [[nodiscard]] std::string read_all() const {
    std::string text;
    std::array<char, 65536> part{};
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    for (ssize_t count = 0; (count = read(ends[0], part.data(), part.size())) > 0;) {
      text.append(part.data(), static_cast<std::size_t>(count));
    }
    return text;
  }
  std::array<int, 2> ends{};
};

bool is_same(int one, int other) {
  struct stat first{};
  struct stat second{};
  return fstat(one, &first) == 0 && fstat(other, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

// In a process of its own: descriptor 2 is what it is about.
template <typename Check>
void expect_in_child(Check check) {
  const auto run = [&] {
    const Pipe errors;
    dup2(errors.ends[1], STDERR_FILENO);
    ErrorStream stream;
    _exit(check(stream, errors) ? 0 : 1);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0), "");
}

TEST(ErrorStream, IsWhatItWasWhateverTheProgramPutsThere) {
  expect_in_child([](const ErrorStream& stream, const Pipe& errors) {
    const int other = open("/dev/null", O_WRONLY);
    dup2(other, STDERR_FILENO);
    const int kept = stream.descriptor();
    return kept >= 200 && is_same(kept, errors.ends[1]) && (fcntl(kept, F_GETFD) & FD_CLOEXEC) != 0;
  });
}

TEST(ErrorStream, IsDescriptorTwoWhereTheDuplicateIsClosedOrAnotherFile) {
  expect_in_child([](const ErrorStream& stream, const Pipe& /*errors*/) {
    const int kept = stream.descriptor();
    close(kept);
    const bool is_two = stream.descriptor() == STDERR_FILENO;
    dup2(open("/dev/null", O_WRONLY), kept);
    return is_two && stream.descriptor() == STDERR_FILENO;
  });
}

TEST(ErrorStream, IsNowhereWhereBothAreOtherFiles) {
  expect_in_child([](const ErrorStream& stream, const Pipe& /*errors*/) {
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, stream.descriptor());
    dup2(null, STDERR_FILENO);
    return stream.descriptor() == -1;
  });
}

TEST(ErrorStream, AChildClosesNothingThatIsNotTheDuplicate) {
  expect_in_child([](ErrorStream& stream, const Pipe& /*errors*/) {
    const int kept = stream.descriptor();
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, kept);
    stream.close_in_child();
    return is_same(kept, null);
  });
  expect_in_child([](ErrorStream& stream, const Pipe& /*errors*/) {
    const int kept = stream.descriptor();
    stream.close_in_child();
    return fcntl(kept, F_GETFD) < 0 && stream.descriptor() == STDERR_FILENO;
  });
}

TEST(WritePatiently, AFullPipeTakesWhatItTakes) {
  const Pipe pipe;
  const int size = fcntl(pipe.ends[1], F_SETPIPE_SZ, 4096);
  const std::string text(static_cast<std::size_t>(size) + 1000, 'x');
  EXPECT_EQ(write_patiently(pipe.ends[1], text, milliseconds(1)), static_cast<std::size_t>(size));
  EXPECT_EQ(write_patiently(pipe.ends[1], "more", milliseconds(1)), 0U);
  EXPECT_EQ(fcntl(pipe.ends[1], F_GETFL) & O_NONBLOCK, 0) << "of those who share it";
  EXPECT_EQ(pipe.read_all(), text.substr(0, static_cast<std::size_t>(size)));
  EXPECT_EQ(write_patiently(pipe.ends[1], "more", milliseconds(1)), 4U);
}

TEST(WritePatiently, OneThatSomebodyMadeNotWaitIsWaitedFor) {
  const Pipe pipe;
  fcntl(pipe.ends[1], F_SETFL, O_NONBLOCK);
  EXPECT_EQ(write_patiently(pipe.ends[1], "text", milliseconds(1)), 4U);
  EXPECT_EQ(pipe.read_all(), "text");
}

TEST(WritePatiently, AFullSocketTakesWhatItTakes) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const std::string text(std::size_t{1} << 23U, 'x');
  EXPECT_LT(write_patiently(ends[0], text, milliseconds(1)), text.size());
  close(ends[0]);
  close(ends[1]);
}

TEST(WritePatiently, AReaderThatIsGoneEndsNothing) {
  const auto write_to_nobody = [] {
    std::signal(SIGPIPE, SIG_DFL);
    Pipe pipe;
    close(pipe.ends[0]);
    const auto written = write_patiently(pipe.ends[1], "text", milliseconds(1));
    sigset_t pending{};
    sigpending(&pending);
    _exit(written == 0 && sigismember(&pending, SIGPIPE) == 0 ? 0 : 1);
  };
  EXPECT_EXIT(write_to_nobody(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace gilscope
