#include "support/temporary_folder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>
#include <unistd.h>

#include <fmt/core.h>

#include "support/error.h"

namespace gilscope {

TemporaryFolder::TemporaryFolder() : owner_(getpid()) {
  std::error_code error;
  auto root = std::filesystem::temp_directory_path(error);
  if (error) root = "/tmp";  // TMPDIR names no folder: mkdtemp says what is wrong where this is none either
  root = std::filesystem::absolute(root);  // the script may change the current one
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
