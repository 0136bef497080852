// Puts records at the end of a lane's stream, and spills its home where that is full. By the lane's owner, by
// the rules of Recorder::record.
#pragma once

#include <atomic>
#include <cstdint>

#include "capture/lanes.h"
#include "capture/process_file.h"
#include "capture/records.h"

namespace gilscope {

inline std::byte* payload_of(BlockHeader& home) noexcept {
  return reinterpret_cast<std::byte*>(&home) + kBlockHeaderSize;
}

// The step that makes records part of the file. Release: they are there before the count that says so, for
// whoever reads the file after this process was killed between any two instructions.
inline void publish(BlockHeader& home, std::uint32_t used) noexcept {
  std::atomic_ref(home.used).store(used, std::memory_order_release);
}

// The state before the part's first record.
void begin_part(const Lane& lane) noexcept;

// Which interpreter owns the GIL. There is room for kOwnerRoom.
void tell_owner(Lane& lane, GilId gil, std::int64_t interpreter) noexcept;
// In a ring, where that is known: as each part is to tell it. Likewise.
void tell_owner_again(Lane& lane, const ProcessFile& file) noexcept;

// Makes sure that so many bytes of records fit; false where there is no space.
[[nodiscard]] bool make_room(Lane& lane, ProcessFile& file, std::uint32_t size) noexcept;

// Records at the end of what is there; room for them was made.
class Appending {
 public:
  explicit Appending(Lane& lane) noexcept
      : home_(*lane.home), used_(home_.used), writer_(payload_of(home_) + used_) {}
  Appending(const Appending&) = delete;
  Appending& operator=(const Appending&) = delete;
  Appending(Appending&&) = delete;
  Appending& operator=(Appending&&) = delete;
  ~Appending() { publish(home_, used_ + writer_.size()); }

  RecordWriter& operator*() noexcept { return writer_; }
  RecordWriter* operator->() noexcept { return &writer_; }

 private:
  BlockHeader& home_;
  std::uint32_t used_;
  RecordWriter writer_;
};

}  // namespace gilscope
