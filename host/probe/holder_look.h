// What the thread does that holds a GIL, as seen by one that waits for it: a call into C, or objects that are
// freed. The other one may go on meanwhile, so the system copies its memory, twice, and both times it must be
// the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "probe/code_point.h"

namespace gilscope {

struct HolderLook {
  CodePoint work{};  // see work_place.h
  // Where it stood; to be found among the frames of its stack, or to be of the same life, before anything is
  // read of it.
  CodePoint place{};
  std::uint64_t deaths = 0;  // there, so far
  // What the innermost frame has on its evaluation stack that says so, as what it calls, and where.
  const void* operand = nullptr;
  std::size_t slot = 0;
};

// Of the thread state that the GIL names; empty where it is not known. With the GIL's mutex held, so that
// the holder does not change.
[[nodiscard]] std::optional<HolderLook> look_at_holder(const void* thread_state) noexcept;

// What stays the same of a callable where its object is made anew for each call, as a bound method of C's is:
// which function of C's it is; of what is no function its type. Read by the system.
[[nodiscard]] const void* function_of_callable(const void* callable) noexcept;

// Whether a look at the calling thread, which holds a GIL and is called as a function of that name, finds
// this: or else there are no looks from now on.
void check_looks(const char* function) noexcept;

}  // namespace gilscope
