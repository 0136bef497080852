#include "capture/capture_system.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gilscope {
namespace {

// A write beyond the limit on the size of files sends SIGXFSZ, which ends the process. Asked each time, as
// the program may change it.
bool is_beyond_limit(std::uint64_t end) {
  rlimit limit{};
  return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && end > limit.rlim_cur;
}

// By its number, as pwrite() is a cancellation point.
int write_at(int file, const void* data, std::size_t size, std::uint64_t offset) noexcept {
  if (is_beyond_limit(offset + size)) return EFBIG;
  const auto* from = static_cast<const std::byte*>(data);
  while (size > 0) {
    const long count = syscall(SYS_pwrite64, file, from, size, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return EIO;
    from += count;
    size -= static_cast<std::size_t>(count);
    offset += static_cast<std::uint64_t>(count);
  }
  return 0;
}

int reserve_range(int file, std::uint64_t offset, std::uint64_t size) noexcept {
  if (is_beyond_limit(offset + size)) return EFBIG;
  long result = 0;
  do {
    result = syscall(SYS_fallocate, file, 0, offset, size);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return 0;
  if (errno != EOPNOTSUPP && errno != ENOSYS) return errno;
  // A file system that cannot promise space: what has been written has it.
  static constexpr std::array<std::byte, 4096> kZeros{};
  while (size > 0) {
    const std::size_t part = std::min<std::uint64_t>(size, kZeros.size());
    if (const int error = write_at(file, kZeros.data(), part, offset); error != 0) return error;
    offset += part;
    size -= part;
  }
  return 0;
}

ClockPoint read_point(const ProbeClock& clock) noexcept {
  const std::uint64_t ticks = clock.read();
  const Nanoseconds time = clock.read_time();
  if (clock.kind() == ClockKind::Monotonic) return {static_cast<std::uint64_t>(time.count()), time};
  return {ticks + (clock.read() - ticks) / 2, time};
}

std::uint32_t own_pid() noexcept { return static_cast<std::uint32_t>(getpid()); }
std::uint32_t own_parent() noexcept { return static_cast<std::uint32_t>(getppid()); }

}  // namespace

const CaptureSystem& real_system() noexcept {
  static constexpr CaptureSystem kSystem{.reserve = reserve_range,
                                         .write = write_at,
                                         .read_point = read_point,
                                         .pid = own_pid,
                                         .parent_pid = own_parent};
  return kSystem;
}

}  // namespace gilscope
