// How many bytes a capture's files may take, all its processes together, and how many events were dropped by
// processes that have no file to count them in. The processes share both counts in memory, never by mapping
// the folder's small file of them: anybody can cut that short, and the next count would be SIGBUS. They are
// written there now and then. Any thread; takes no lock, so that the child of a fork may use it as it is.
#pragma once

#include <array>
#include <atomic>
#include <climits>
#include <cstdint>
#include <filesystem>

namespace gilscope {

// All zero bits: nobody has counted yet.
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

  // Counts go on from what the file says, or where somebody has counted in `shared` from there: that memory
  // outlives this. Without it the counts are shared with the children of fork() alone. Returns errno, or 0.
  int open(const std::filesystem::path& folder, std::uint64_t limit, SharedCounts* shared = nullptr) noexcept;
  void close() noexcept;
  // Writes the counts to the file. Where it is gone, or there is no space, nothing happens.
  void note() const noexcept;

  // False, and nothing taken, where it would pass the limit.
  bool take(std::uint64_t bytes) noexcept;
  void give_back(std::uint64_t bytes) noexcept;

  void count_unfiled_drop() noexcept;

 private:
  // So many uncounted drops a process that is killed may leave.
  static constexpr std::uint64_t kDropsBetweenNotes = 4096;

  // Relaxed in all their uses: numbers that guard no other memory.
  SharedCounts* counts_ = nullptr;
  std::uint64_t limit_ = 0;
  bool is_own_ = false;  // the memory
  std::array<char, PATH_MAX> path_{};
};

}  // namespace gilscope
