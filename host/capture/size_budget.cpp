#include "capture/size_budget.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>

#include "capture/format.h"
#include "support/file.h"

namespace gilscope {

int SizeBudget::create(const std::filesystem::path& folder, std::uint64_t used) noexcept {
  FileDescriptor file(
      ::open((folder / kSizeFile).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (file.get() < 0) return errno;
  const std::array<std::uint64_t, 2> counts{used + sizeof(SharedCounts), 0};
  const int error = file.write({reinterpret_cast<const char*>(counts.data()), sizeof counts});
  const int close_error = file.close();
  return error != 0 ? error : close_error;
}

int SizeBudget::open(const std::filesystem::path& folder, std::uint64_t limit) noexcept {
  close();
  const FileDescriptor file(::open((folder / kSizeFile).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) return errno;
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return errno;
  if (!S_ISREG(status.st_mode) || status.st_size != sizeof(SharedCounts)) return EINVAL;
  void* const memory = mmap(nullptr, sizeof(SharedCounts), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return errno;
  counts_ = static_cast<SharedCounts*>(memory);
  limit_ = limit;
  return 0;
}

void SizeBudget::close() noexcept {
  if (counts_ != nullptr) munmap(counts_, sizeof(SharedCounts));
  counts_ = nullptr;
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
  if (counts_ != nullptr) counts_->unfiled_drops.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace gilscope
