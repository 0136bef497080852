#include "support/temporary_folder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <linux/magic.h>
#include <string>
#include <sys/vfs.h>
#include <system_error>
#include <unistd.h>

#include <fmt/core.h>

#include "support/error.h"

namespace gilscope {

namespace {

std::filesystem::path root_of_system() {
  std::error_code error;
  auto root = std::filesystem::temp_directory_path(error);
  if (error) root = "/tmp";  // TMPDIR names no folder: mkdtemp says what is wrong where this is none either
  return std::filesystem::absolute(root);  // the script may change the current one
}

}  // namespace

std::filesystem::path root_in_memory(std::uint64_t bytes) {
  constexpr const char* kMemory = "/dev/shm";
  struct statfs status{};
  if (statfs(kMemory, &status) != 0 || status.f_type != TMPFS_MAGIC) return root_of_system();
  const auto room = status.f_bavail * static_cast<std::uint64_t>(status.f_bsize);
  return room >= bytes && access(kMemory, W_OK | X_OK) == 0 ? kMemory : root_of_system();
}

TemporaryFolder::TemporaryFolder() : TemporaryFolder(root_of_system()) {}

TemporaryFolder::TemporaryFolder(const std::filesystem::path& root) : owner_(getpid()) {
  std::string pattern = root / "gilscope-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    throw Error(fmt::format("{} cannot be made: {}", pattern, std::strerror(errno)),
                "set TMPDIR to a folder of yours on a disk with space");
  }
  path_ = pattern;
}

void TemporaryFolder::take_over() noexcept { owner_ = getpid(); }

TemporaryFolder::~TemporaryFolder() {
  if (getpid() != owner_) return;
  // Under another name: whoever would make a file in it finds it gone.
  std::error_code ignored;
  auto gone = path_;
  gone += ".gone";
  std::filesystem::rename(path_, gone, ignored);
  std::filesystem::remove_all(ignored ? path_ : gone, ignored);
}

}  // namespace gilscope
