// A folder under the system's one for temporary files, for this user only; gone with the object, with all
// that is in it. A fork's copy of the object leaves it to the process that made it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <sys/types.h>

namespace gilscope {

class TemporaryFolder {
 public:
  TemporaryFolder();                                            // throws Error
  explicit TemporaryFolder(const std::filesystem::path& root);  // in another folder than the system's
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  TemporaryFolder(TemporaryFolder&&) = delete;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();

  // It is this process's from now on: the one that made it has ended.
  void take_over() noexcept;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
  pid_t owner_;
};

// The folder whose files lie in memory, where the system has one with that much room; else that for temporary
// files.
[[nodiscard]] std::filesystem::path root_in_memory(std::uint64_t bytes);

}  // namespace gilscope
