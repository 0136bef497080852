#include "support/error_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gilscope {
namespace {

// Programs expect the first numbers for themselves.
constexpr int kFirstOfErrors = 200;

int duplicate_errors() noexcept {
  const int high = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, kFirstOfErrors);
  return high >= 0 ? high : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

// While one lives, the calling thread gets none.
class NoPipeSignal {
 public:
  NoPipeSignal() noexcept {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending{};
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;
  NoPipeSignal(NoPipeSignal&&) = delete;
  NoPipeSignal& operator=(NoPipeSignal&&) = delete;
  ~NoPipeSignal() {
    const timespec at_once{};
    if (!was_pending_) {
      while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

// Whether there is room before the time is over.
bool wait_for_room(int descriptor, Nanoseconds patience) noexcept {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd room{.fd = descriptor, .events = POLLOUT};
    const int found = poll(&room, 1, static_cast<int>(std::clamp<long>(left.count(), 0, INT_MAX)));
    if (found >= 0 || errno != EINTR) return found > 0;
  }
}

// The same pipe or terminal, but opened anew: who does not wait there changes nothing for those who share the
// other. -1 of other files, and where that may not be.
int open_without_waiting(int descriptor, const struct stat& status) noexcept {
  if (!S_ISFIFO(status.st_mode) && isatty(descriptor) == 0) return -1;
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", descriptor);
  return open(path.data(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

}  // namespace

ErrorStream::ErrorStream() noexcept : duplicate_(duplicate_errors()) {
  struct stat status{};
  if (fstat(STDERR_FILENO, &status) != 0) return;
  is_open_ = true;
  device_ = status.st_dev;
  inode_ = status.st_ino;
  special_ = status.st_rdev;
}

bool ErrorStream::is_it(int descriptor) const noexcept {
  struct stat status{};
  return is_open_ && fstat(descriptor, &status) == 0 && status.st_dev == device_ && status.st_ino == inode_ &&
         status.st_rdev == special_;
}

int ErrorStream::descriptor() const noexcept {
  if (is_it(duplicate_.get())) return duplicate_.get();
  return is_it(STDERR_FILENO) ? STDERR_FILENO : -1;
}

void ErrorStream::close_in_child() noexcept {
  if (is_it(duplicate_.get())) {
    duplicate_.close();
  } else {
    duplicate_.release();
  }
}

std::size_t write_patiently(int descriptor, std::string_view text, Nanoseconds patience) noexcept {
  struct stat status{};
  if (fstat(descriptor, &status) != 0) return 0;
  const NoPipeSignal no_signal;
  const FileDescriptor anew(open_without_waiting(descriptor, status));
  const bool is_socket = S_ISSOCK(status.st_mode);
  const bool may_wait = anew.get() < 0 && (S_ISFIFO(status.st_mode) || isatty(descriptor) == 1);
  const int to = anew.get() >= 0 ? anew.get() : descriptor;
  std::size_t written = 0;
  while (written < text.size()) {
    auto part = text.substr(written);
    if (may_wait) {  // where there is room at all, there is as much
      if (!wait_for_room(to, patience)) break;
      part = part.substr(0, PIPE_BUF);
    }
    const auto count = is_socket ? send(to, part.data(), part.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                 : ::write(to, part.data(), part.size());
    if (count > 0) {
      written += static_cast<std::size_t>(count);
      continue;
    }
    const bool may_try_again = count < 0 && (errno == EINTR || errno == EAGAIN);
    if (!may_try_again || (errno == EAGAIN && !wait_for_room(to, patience))) break;
  }
  return written;
}

}  // namespace gilscope
