// Reads where a thread's Python code stands, from CPython's own frames, without a call into CPython. HOT
// where it says so: under a GIL's mutex and by the rules of hooks.h; the thread whose frames are read is the
// caller, and nobody can get its GIL meanwhile.
#pragma once

#include <cstdint>
#include <span>

#include "probe/code_point.h"

namespace gilscope {

// A thread's innermost frame, and where it stands: while it runs no Python code, its whole stack is the same
// as long as this is. Small, as each thread keeps one.
struct Standing {
  const void* frame;  // nullptr: none
  const void* instruction;

  friend bool operator==(const Standing&, const Standing&) = default;
};
[[nodiscard]] Standing standing_of(const void* thread_state) noexcept;  // HOT

// The frames of a thread state (PyThreadState), the innermost first. Deaths of code are watched. HOT.
[[nodiscard]] std::span<const CodePoint> read_stack(const void* thread_state, FrameBuffer& buffer) noexcept;

// Reads code objects, and leaves them as they are. HOT.
[[nodiscard]] const CodeReader& python_code() noexcept;

// Whether read_stack() and python_code() say what CPython itself says, of Python calls, generators and C
// calls in between. The calling thread holds a GIL; runs some Python code of its own. False, too, where they
// are not made for this build (free-threaded ones).
[[nodiscard]] bool check_stacks() noexcept;

// Whether the calling thread's innermost Python frame has the object on its evaluation stack, as that of
// code that calls it has. (One that was called just before may still be found.) The thread holds its GIL.
[[nodiscard]] bool is_on_own_stack(const void* object) noexcept;

// Of the calling thread, where it has no GIL: the end of Python may free its thread state at any time, but
// leaves alone the frames of whoever is left behind. HOT, as what takes it.
struct OwnFrames {
  const void* innermost = nullptr;  // nullptr: none
  std::uint64_t first_life = 0;
};
// None where Python ends.
[[nodiscard]] OwnFrames own_frames(const void* thread_state) noexcept;
[[nodiscard]] std::span<const CodePoint> read_stack(const OwnFrames& frames, FrameBuffer& buffer) noexcept;
// What the innermost frame has there on its evaluation stack; nullptr: it has no such place.
[[nodiscard]] const void* on_stack_of(const OwnFrames& frames, std::size_t slot) noexcept;

// Python ends: it frees the thread states of the threads that it leaves behind, which may still get the GIL,
// to end at once. HOT.
[[nodiscard]] bool is_python_ending() noexcept;

// Where GILs keep the thread state that used each last: how far before `cond`. 0: not found where it must be.
// The calling thread holds the GIL.
[[nodiscard]] std::uintptr_t find_holder_distance(std::uintptr_t cond) noexcept;

}  // namespace gilscope
