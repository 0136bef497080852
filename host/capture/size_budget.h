// How many bytes a capture's files may take, all its processes together, and how many events were dropped by
// processes that have no file to count them in. The processes share both counts by mapping the folder's small
// file of them. Any thread; takes no lock, so that the child of a fork may use it as it is.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

namespace gilscope {

struct SharedCounts {
  std::atomic<std::uint64_t> used_bytes;
  std::atomic<std::uint64_t> unfiled_drops;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && sizeof(SharedCounts) == 16,
              "processes share it");

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

  void count_unfiled_drop() noexcept;

 private:
  // Relaxed in all their uses: numbers that guard no other memory.
  SharedCounts* counts_ = nullptr;
  std::uint64_t limit_ = 0;
};

}  // namespace gilscope
