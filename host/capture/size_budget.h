// How many bytes a capture's files may take, all its processes together: a count that they share by mapping
// the folder's small file of it. Any thread; takes no lock, so that the child of a fork may use it as it is.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

namespace gilscope {

class SizeBudget {
 public:
  SizeBudget() = default;
  SizeBudget(const SizeBudget&) = delete;
  SizeBudget& operator=(const SizeBudget&) = delete;
  SizeBudget(SizeBudget&&) = delete;
  SizeBudget& operator=(SizeBudget&&) = delete;
  ~SizeBudget() { close(); }

  // Makes the file in a new capture; what is in the folder already counts as used. Returns errno, or 0.
  static int create(const std::filesystem::path& folder, std::uint64_t used) noexcept;

  // Returns errno, or 0.
  int open(const std::filesystem::path& folder, std::uint64_t limit) noexcept;
  void close() noexcept;

  // False, and nothing taken, where it would pass the limit.
  bool take(std::uint64_t bytes) noexcept;
  void give_back(std::uint64_t bytes) noexcept;

 private:
  // Relaxed in all its uses: a number that guards no other memory.
  std::atomic<std::uint64_t>* used_ = nullptr;
  std::uint64_t limit_ = 0;
};

}  // namespace gilscope
