// Holds and waits of a process by thread, for formats that want them column by column: kept in a temporary
// file, so that memory grows with threads and not with intervals.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "analysis/interval.h"
#include "capture/code_stacks.h"
#include "support/temporary_folder.h"
#include "support/time.h"

namespace gilscope {

struct SpooledInterval {
  Nanoseconds begin{};
  Nanoseconds end{};
  Nanoseconds caused_wait{};
  // Of a hold for which others waited, as far as that is known; of a wait for a lock `from` is where it
  // waited.
  std::optional<StackId> from;
  std::optional<StackId> to;
  GilId gil{};
  IntervalKind kind{};
  bool is_forced = false;
};

class IntervalSpool {
 public:
  // Throws Error where there is no place for a temporary file.
  IntervalSpool();

  // Throws Error (no space).
  void add(ThreadId thread, const SpooledInterval& interval);

  // By id.
  [[nodiscard]] std::vector<ThreadId> threads() const;
  [[nodiscard]] std::uint64_t count(ThreadId thread) const { return lanes_.at(thread).count; }
  // In the order in which they were added, as often as you like. Throws Error.
  void read(ThreadId thread, const std::function<void(const SpooledInterval&)>& take);

 private:
  static constexpr std::size_t kBlock = 512;

  struct Lane {
    std::uint64_t count = 0;
    std::vector<SpooledInterval> newest;  // less than a block
    std::vector<std::uint64_t> blocks;    // of the file, by number
  };

  [[noreturn]] void fail(const char* what) const;

  TemporaryFolder folder_;
  std::filesystem::path path_;
  std::fstream file_;
  std::uint64_t blocks_ = 0;
  std::map<ThreadId, Lane> lanes_;
};

}  // namespace gilscope
