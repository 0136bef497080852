#include "capture/size_budget.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/capture_system.h"
#include "capture/format.h"
#include "support/file.h"

namespace gilscope {
namespace {

// Its size; less than 0 of what is no regular file.
off_t size_of_regular(int file) noexcept {
  struct stat status{};
  return fstat(file, &status) == 0 && S_ISREG(status.st_mode) ? status.st_size : -1;
}

}  // namespace

int SizeBudget::create(const std::filesystem::path& folder, std::uint64_t used) noexcept {
  FileDescriptor file(
      ::open((folder / kSizeFile).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (file.get() < 0) return errno;
  const std::array<std::uint64_t, 2> counts{used + sizeof(SharedCounts), 0};
  const int error = file.write({reinterpret_cast<const char*>(counts.data()), sizeof counts});
  const int close_error = file.close();
  return error != 0 ? error : close_error;
}

int SizeBudget::open(const std::filesystem::path& folder, std::uint64_t limit,
                     SharedCounts* shared) noexcept {
  close();
  const int length = std::snprintf(path_.data(), path_.size(), "%s/%s", folder.c_str(), kSizeFile);
  if (length < 0 || static_cast<std::size_t>(length) >= path_.size()) return ENAMETOOLONG;
  limit_ = limit;
  if (shared != nullptr && shared->used_bytes.load(std::memory_order_relaxed) != 0) {
    counts_ = shared;
    return 0;
  }
  const FileDescriptor file(::open(path_.data(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0) return errno;
  std::array<std::uint64_t, 2> noted{};
  if (size_of_regular(file.get()) != sizeof(SharedCounts)) return EINVAL;
  if (pread(file.get(), noted.data(), sizeof noted, 0) != sizeof noted) return EINVAL;
  if (shared == nullptr) {
    void* const memory =
        mmap(nullptr, sizeof(SharedCounts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return errno;
    shared = static_cast<SharedCounts*>(memory);
    is_own_ = true;
  }
  counts_ = shared;
  counts_->unfiled_drops.store(noted[1], std::memory_order_relaxed);
  counts_->used_bytes.store(noted[0], std::memory_order_relaxed);
  return 0;
}

void SizeBudget::close() noexcept {
  if (is_own_) munmap(counts_, sizeof(SharedCounts));
  counts_ = nullptr;
  is_own_ = false;
}

// By number, all of it: a hook's thread may have been cancelled.
void SizeBudget::note() const noexcept {
  if (counts_ == nullptr) return;
  const int file = static_cast<int>(
      syscall(SYS_openat, AT_FDCWD, path_.data(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0));
  if (file < 0) return;
  if (size_of_regular(file) >= 0) {
    const std::array<std::uint64_t, 2> counts{counts_->used_bytes.load(std::memory_order_relaxed),
                                              counts_->unfiled_drops.load(std::memory_order_relaxed)};
    real_system().write(file, counts.data(), sizeof counts, 0);
  }
  syscall(SYS_close, file);
}

bool SizeBudget::take(std::uint64_t bytes) noexcept {
  if (counts_ == nullptr) return false;
  std::uint64_t used = counts_->used_bytes.load(std::memory_order_relaxed);
  do {
    if (used > limit_ || bytes > limit_ - used) return false;
  } while (!counts_->used_bytes.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

void SizeBudget::give_back(std::uint64_t bytes) noexcept {
  if (counts_ != nullptr) counts_->used_bytes.fetch_sub(bytes, std::memory_order_relaxed);
}

void SizeBudget::count_unfiled_drop() noexcept {
  if (counts_ == nullptr) return;
  const auto before = counts_->unfiled_drops.fetch_add(1, std::memory_order_relaxed);
  if (before % kDropsBetweenNotes == 0) note();
}

}  // namespace gilscope
