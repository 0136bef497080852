// Where a thread stands that waits for a lock, or gives one up, as the number that a table has for it: to
// find out what people call a place takes microseconds, so stacks that were seen lately are known by their
// addresses.
#pragma once

#include <Python.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "probe/code_point.h"
#include "probe/holder_look.h"
#include "probe/lock_table.h"
#include "probe/parking_lot.h"
#include "probe/python_stack.h"

namespace gilscope {

// A place of a table, whose number of all that ever watched is `watch`.
struct NumberedPlace {
  std::uint32_t watch = 0;  // 0: none
  std::uint32_t place = 0;
};

// What was called decides what a wait is for: one line may call a queue's function, and then a lock's.
struct CalledPlace {
  NumberedPlace number;
  const void* function = nullptr;  // as function_of_callable(); nullptr: unknown, or it does not matter
  std::size_t slot = 0;            // where the innermost frame has the callable
};

// All zero bits: none.
class RecentPlaces {
 public:
  [[nodiscard]] CalledPlace& at(std::uint64_t key) noexcept {
    Entry& entry = entries_.at(key % entries_.size());
    if (entry.key != key) entry = {.key = key, .place = {}};
    return entry.place;
  }

 private:
  struct Entry {
    std::uint64_t key = 0;
    CalledPlace place;
  };
  std::array<Entry, 256> entries_{};
};

// The calling thread's, and what it is found again by.
class OwnStack {
 public:
  // Whether it is looked at again what a line calls that was seen before. Who ends a wait has the GIL, and
  // others wait for him.
  enum class Call : bool { AsBefore, LookedAt };

  // `state`: nullptr where no Python code of the thread's can be read.
  explicit OwnStack(PyThreadState* state) noexcept;

  // The same of the same stack.
  [[nodiscard]] std::uint64_t key() const noexcept { return key_; }

  // What the thread is about to wait for, which makes another place of it. Once.
  void wait_for(const ParkedLock& parked) noexcept;

  [[nodiscard]] std::span<const CodePoint> points() const noexcept { return stack_; }

  // One thread at a time.
  [[nodiscard]] NumberedPlace number(RecentPlaces& recent, LockTable& table, std::uint32_t watch,
                                     Call call) const noexcept;

  // What the innermost frame calls, in `words`; "": nobody knows. One thread at a time.
  [[nodiscard]] std::string_view called(CodeWords& words) const noexcept;

 private:
  // Says what it is in `words`, likewise.
  [[nodiscard]] std::optional<HolderLook> look_at_call(CodeWords& words) const noexcept;
  [[nodiscard]] bool calls(const CalledPlace& known) const noexcept;
  [[nodiscard]] std::size_t find_or_add(LockTable& table, CalledPlace& known) const noexcept;

  PyThreadState* state_;
  OwnFrames frames_;
  FrameBuffer buffer_;
  std::span<const CodePoint> stack_;
  ParkedLock parked_;
  std::uint64_t key_ = 1;
};

}  // namespace gilscope
