#include "support/file.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "support/error.h"

namespace gilscope {
namespace {

std::string why(int error) { return std::strerror(error); }

// Returns errno, or 0.
int write_all(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    const auto count = ::write(descriptor, text.data(), text.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

}  // namespace

FileDescriptor::FileDescriptor(int descriptor) noexcept : descriptor_(descriptor) {
  if (descriptor < 0 || descriptor > STDERR_FILENO) return;
  descriptor_ = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int error = errno;
  ::close(descriptor);
  errno = error;
}

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

int FileDescriptor::write(std::string_view text) const noexcept { return write_all(descriptor_, text); }

FileDescriptor::~FileDescriptor() { close(); }

int FileDescriptor::close() noexcept {
  const int descriptor = std::exchange(descriptor_, -1);
  return descriptor >= 0 && ::close(descriptor) != 0 ? errno : 0;
}

OutputFile::OutputFile(std::string path, Existing existing) : path_(std::move(path)), existing_(existing) {
  if (path_ == "-") return;
  std::error_code ignored;
  const auto status = std::filesystem::status(path_, ignored);
  if (std::filesystem::is_directory(status)) {
    throw Error(fmt::format("{} is a directory", path_), "name a file", ExitCode::Usage);
  }
  if (existing == Existing::Keep && std::filesystem::is_regular_file(status)) {
    throw Error(fmt::format("{} exists already", path_), "--force overwrites it", ExitCode::Usage);
  }
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    // A device or a pipe is written to, not replaced.
    file_ = FileDescriptor(open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK));
    // A pipe without a reader is an error, not something to wait for; one with a reader may be slow.
    if (file_.get() >= 0) fcntl(file_.get(), F_SETFL, 0);
  } else {
    temporary_ = fmt::format("{}.{}.part", path_, getpid());
    file_ = FileDescriptor(open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  }
  if (file_.get() < 0) {
    const int error = errno;
    temporary_.clear();
    throw Error(fmt::format("{} cannot be written: {}", path_, why(error)),
                "name a file in a folder of yours");
  }
}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

int OutputFile::put_in_place() const noexcept {
  if (existing_ == Existing::Keep) {
    if (renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;  // a file system that cannot do this
  }
  return rename(temporary_.c_str(), path_.c_str()) == 0 ? 0 : errno;
}

void OutputFile::require_no(int error) const {
  if (error == 0) return;
  throw Error(fmt::format("{} could not be written: {}", path_, why(error)), "nothing is left of it");
}

void OutputFile::append(std::string_view text) {
  if (path_ == "-") {
    print(text);
  } else {
    require_no(file_.write(text));
  }
}

void OutputFile::commit() {
  if (path_ == "-") return;
  int error = file_.close();
  if (error == 0 && !temporary_.empty()) error = put_in_place();
  require_no(error);
  temporary_.clear();
}

void check_output(const std::string& path, Existing existing) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  const bool is_special = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) &&
                          !std::filesystem::is_directory(status);
  if (!is_special) {
    const OutputFile can_be_made(path, existing);
  } else if (access(path.c_str(), W_OK) != 0) {
    throw Error(fmt::format("{} cannot be written: {}", path, why(errno)),
                "name a file in a folder of yours");
  }
}

void print(std::string_view text) {
  const int error = write_all(STDOUT_FILENO, text);
  if (error == EPIPE) {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  if (error != 0) throw Error(fmt::format("standard output could not be written: {}", why(error)), "");
}

void print_error(std::string_view text) noexcept { static_cast<void>(write_all(STDERR_FILENO, text)); }

}  // namespace gilscope
