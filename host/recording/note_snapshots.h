// What the processes of a run had noted at some times, beside the folder of their rings: a dump begins at one
// of them, and has what they noted since then.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "capture/run_notes.h"

namespace gilscope {

class NoteSnapshots {
 public:
  // Where they are of the rings in this folder. The times, in ticks, that there are; the oldest first.
  explicit NoteSnapshots(const std::filesystem::path& rings);

  [[nodiscard]] const std::vector<std::uint64_t>& times() const noexcept { return times_; }
  [[nodiscard]] RunNotes read(std::uint64_t time) const;  // throws Error

  // By one process at a time. Throws Error.
  void add(std::uint64_t time, const RunNotes& notes);
  // Keeps the latest one that was made by that time, and all that came later.
  void drop_before(std::uint64_t time);

  // Where a dump is to begin of a process of whose ring all is there after `lost`, so that what it had noted
  // by then is known: as `wanted`, or a little earlier; or else later, by a quarter of the time up to what
  // `happened` at most. Empty: at no time.
  [[nodiscard]] std::optional<std::uint64_t> find_begin(std::uint64_t wanted, std::uint64_t lost,
                                                        std::uint64_t happened) const;

 private:
  [[nodiscard]] std::filesystem::path path_of(std::uint64_t time) const;
  void drop(std::size_t index);

  std::filesystem::path folder_;
  std::vector<std::uint64_t> times_;
};

}  // namespace gilscope
