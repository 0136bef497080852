// A folder under the system's one for temporary files, for this user only; gone with the object, with all
// that is in it.
#pragma once

#include <filesystem>

namespace gilscope {

class TemporaryFolder {
 public:
  TemporaryFolder();  // throws Error
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  TemporaryFolder(TemporaryFolder&&) = delete;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace gilscope
