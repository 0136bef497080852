#include "capture/size_budget.h"

#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>

#include "capture/format.h"
#include "support/file.h"

namespace gilscope {

using SharedCount = std::atomic<std::uint64_t>;
static_assert(SharedCount::is_always_lock_free && sizeof(SharedCount) == 8, "processes share it");

int SizeBudget::create(const std::filesystem::path& folder, std::uint64_t used) noexcept {
  FileDescriptor file(
      ::open((folder / kSizeFile).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (file.get() < 0) return errno;
  used += sizeof used;
  const int error = file.write({reinterpret_cast<const char*>(&used), sizeof used});
  const int close_error = file.close();
  return error != 0 ? error : close_error;
}

int SizeBudget::open(const std::filesystem::path& folder, std::uint64_t limit) noexcept {
  close();
  const FileDescriptor file(::open((folder / kSizeFile).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) return errno;
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return errno;
  if (!S_ISREG(status.st_mode) || status.st_size != sizeof(SharedCount)) return EINVAL;
  void* const memory = mmap(nullptr, sizeof(SharedCount), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return errno;
  used_ = static_cast<SharedCount*>(memory);
  limit_ = limit;
  return 0;
}

void SizeBudget::close() noexcept {
  if (used_ != nullptr) munmap(used_, sizeof(SharedCount));
  used_ = nullptr;
}

bool SizeBudget::take(std::uint64_t bytes) noexcept {
  if (used_ == nullptr) return false;
  std::uint64_t used = used_->load(std::memory_order_relaxed);
  do {
    if (used > limit_ || bytes > limit_ - used) return false;
  } while (!used_->compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

void SizeBudget::give_back(std::uint64_t bytes) noexcept {
  if (used_ != nullptr) used_->fetch_sub(bytes, std::memory_order_relaxed);
}

}  // namespace gilscope
