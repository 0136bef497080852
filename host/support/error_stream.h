// The standard error that this process was started with, for what is said at its end: the program may close
// descriptor 2 meanwhile, put a file or a database there, or fill a pipe that nobody reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "support/file.h"
#include "support/time.h"

namespace gilscope {

class ErrorStream {
 public:
  // Descriptor 2 as it is now. The duplicate has a high number, and is closed by exec.
  ErrorStream() noexcept;

  // Where it can be written to; -1: nowhere any more.
  [[nodiscard]] int descriptor() const noexcept;

  // In the child of a fork, which lives on for as long as it likes: a pipe is to end without it. System calls
  // only.
  void close_in_child() noexcept;

 private:
  [[nodiscard]] bool is_it(int descriptor) const noexcept;

  FileDescriptor duplicate_;
  bool is_open_ = false;
  // As fstat() has it: the program may have closed the duplicate, too, and its number be another file's.
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
  std::uint64_t special_ = 0;
};

// Writes what is taken; waits no longer than that for who reads a pipe, a socket or a terminal, each time.
// Returns how many bytes were. No SIGPIPE comes of it.
[[nodiscard]] std::size_t write_patiently(int descriptor, std::string_view text,
                                          Nanoseconds patience) noexcept;

}  // namespace gilscope
