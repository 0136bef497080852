// Makes one of the processes of a kind that have ended, in the shared memory of a recording: their counters,
// their names, and what is known beside. Goes by an id beyond all that the system gives.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "analysis/cell.h"
#include "analysis/row_table.h"
#include "recording/process_note.h"
#include "recording/shared_space.h"

namespace gilscope {

// Of the counters of a process among others, and of one that may not have the addresses for more.
inline constexpr Bounds kSharedBounds{.rows = 1024, .gils = 256};

// Processes that came to be in the same way, and whose names differ in their number. By the number of their
// sum; written by who folds. All zero bits: none yet.
struct ProcessKind {
  Cell role_plus_one;  // set last
  NoteName name;
};
using ProcessKinds = std::array<ProcessKind, SharedSpace::kSums>;

// Of slots that are a ProcessNote and its counters.
class ProcessFolder final : public SharedSpace::Folder {
 public:
  explicit ProcessFolder(ProcessKinds& kinds) noexcept : kinds_(kinds) {}

  std::optional<std::size_t> sum_of(std::byte* slot) override;
  bool add(std::byte* sum, std::byte* part) override;

 private:
  [[nodiscard]] std::optional<std::size_t> kind_of(const ProcessNote& note) noexcept;
  [[nodiscard]] std::optional<std::size_t> find_or_add(std::uint64_t role, const NoteName& name,
                                                       std::size_t end) noexcept;

  ProcessKinds& kinds_;
};

}  // namespace gilscope
