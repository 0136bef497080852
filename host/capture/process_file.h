// The file of one process, as its writer has it: the header, and blocks of one size, each the home of a
// stream (mapped) or a spilled part of one (written). Any thread at once; takes no lock and allocates
// nothing, so that the child of a fork can make its own under the rules of Recorder::record.
//
// Whoever cuts a mapped file short ends the process. So while it is mapped it has a name of its own beside an
// empty file of the name that is known (docs/decisions/0023-files-that-somebody-cuts-short.md).
#pragma once

#include <array>
#include <atomic>
#include <climits>
#include <cstdint>
#include <optional>
#include <string_view>

#include "capture/capture_system.h"
#include "capture/format.h"
#include "capture/size_budget.h"
#include "probe/event.h"

namespace gilscope {

class ProcessFile {
 public:
  struct Facts {
    ProbeClock clock;
    std::uint32_t pid = 0;
    std::uint32_t parent_pid = 0;
    ClockPoint begin;
    ClockPoint reference;
    Nanoseconds process_begin{};  // 0: unknown
    std::string_view start_method;
    std::string_view metadata;
    std::uint32_t ring_parts = 0;  // so many spilled parts are kept, the latest; 0: all
  };

  ProcessFile() = default;
  ProcessFile(const ProcessFile&) = delete;
  ProcessFile& operator=(const ProcessFile&) = delete;
  ProcessFile(ProcessFile&&) = delete;
  ProcessFile& operator=(ProcessFile&&) = delete;
  ~ProcessFile() { abandon(); }

  // A new file in the folder. Returns errno, or 0; texts that are too long are E2BIG.
  int create(std::string_view folder, const Facts& facts, const CaptureSystem& system,
             SizeBudget& budget) noexcept;

  // The home of a new stream, not yet in the list of them; nullptr where there is no space.
  BlockHeader* add_home() noexcept;
  // What its first part begins with must be in it by now.
  void publish_home(BlockHeader& home) noexcept;
  static void unmap_home(BlockHeader& home) noexcept;

  // Copies a full home, whose last record is of `last_ticks`, to a block of its own and links it; `previous`
  // is the index of the part before, 0 for none, and becomes the new one's. In a ring nothing is linked, and
  // the block may be that of the oldest part. The home is as it was. False where there is no space.
  bool spill(BlockHeader& home, std::uint32_t& previous, std::uint64_t last_ticks) noexcept;

  void count_drop(ThreadId thread, std::uint64_t ticks) noexcept;

  [[nodiscard]] bool is_ring() const noexcept { return ring_parts_ != 0; }
  // Which interpreter owns the GIL: each part of a ring tells it. Of some GILs at once.
  void note_owner(GilId gil, std::int64_t interpreter) noexcept;
  [[nodiscard]] std::optional<std::int64_t> owner_of(GilId gil) const noexcept;

  // Writes the end, closes, and gives the file its name.
  void finish(const ClockPoint& end, std::uint64_t events) noexcept;
  // Closes, and leaves the file unfinished: of a process that ends, or in the child of a fork, where it is
  // the parent's.
  void abandon() noexcept;

  [[nodiscard]] std::uint64_t dropped_events() const noexcept;
  [[nodiscard]] std::uint64_t size() const noexcept;

 private:
  int name(std::string_view folder, std::uint32_t pid, unsigned number) noexcept;
  int make(std::string_view folder, const Facts& facts) noexcept;
  int fill(const Facts& facts) noexcept;
  bool is_own_descriptor() noexcept;
  std::uint32_t take_block() noexcept;
  void give_back_block(std::uint32_t block) noexcept;
  std::uint32_t take_ring_block() noexcept;
  bool spill_in_ring(BlockHeader& home, std::uint64_t last_ticks) noexcept;
  bool write_part(const BlockHeader& home, std::uint32_t block) noexcept;
  void lose_until(std::uint64_t ticks) noexcept;
  FileDrops* find_drops(ThreadId thread) noexcept;

  const CaptureSystem* system_ = nullptr;
  SizeBudget* budget_ = nullptr;
  // Relaxed: whoever replaces it found it taken away, and both lead to the same file.
  std::atomic<int> file_{-1};
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
  std::uint64_t number_ = 0;  // of all that this process made: mappings come again at the same address
  FileHeader* header_ = nullptr;
  // Relaxed, both: numbers that are handed out once; they guard no memory.
  std::atomic<std::uint32_t> next_block_{1};
  std::atomic<std::uint32_t> spare_block_{0};
  std::uint32_t ring_parts_ = 0;
  std::atomic<std::uint32_t> parts_{0};  // of the ring: blocks that were made for them
  std::atomic<std::uint32_t> oldest_{
      1};  // block from which on the next part to be written over is looked for
  // By GIL: its id + 1 in the upper half, in the lower one the interpreter's.
  std::array<std::atomic<std::uint64_t>, 64> owners_{};
  // The names that it has: in the end, until then, and until the header is written.
  std::array<char, PATH_MAX> path_{};
  std::array<char, PATH_MAX> live_{};
  std::array<char, PATH_MAX> part_{};
};

}  // namespace gilscope
