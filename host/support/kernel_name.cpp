#include "support/kernel_name.h"

#include <algorithm>
#include <charconv>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace gilscope {

KernelName read_kernel_name(pid_t thread) noexcept {
  constexpr std::string_view kTasks = "/proc/self/task/";
  constexpr std::string_view kFile = "/comm";
  std::array<char, 48> path{};
  char* end = std::ranges::copy(kTasks, path.begin()).out;
  end = std::to_chars(end, path.end(), thread).ptr;
  std::ranges::copy(kFile, end);
  KernelName name{};
  const int file = ::open(path.data(), O_RDONLY | O_CLOEXEC);  // NOLINT(cppcoreguidelines-pro-type-vararg)
  if (file < 0) return name;
  const auto size = ::read(file, name.data(), name.size());
  ::close(file);
  // A line: its end is in the last place at most.
  if (size > 0) name.at(static_cast<std::size_t>(size) - 1) = '\0';
  return name;
}

namespace {

KernelName read_name_of_caller() noexcept {
  KernelName name{};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): as the system has it
  if (prctl(PR_GET_NAME, name.data()) != 0) name.fill('\0');
  return name;
}

// The first thread's, as this program was started, or its library loaded.
const KernelName name_at_start = read_kernel_name(getpid());

}  // namespace

KernelName read_own_name(pid_t thread) noexcept {
  const pid_t process = getpid();
  const auto name = thread == gettid() ? read_name_of_caller() : read_kernel_name(thread);
  const bool is_own = thread != process && name != name_at_start && name != read_kernel_name(process);
  return is_own ? name : KernelName{};
}

}  // namespace gilscope
