// What a process calls itself: programs write over their command line (setproctitle), or name their first
// thread.
#pragma once

#include <array>
#include <cstddef>

#include "support/kernel_name.h"

namespace gilscope {

class ProcessTitle {
 public:
  using Text = std::array<char, 128>;  // with a zero at its end; longer ones are cut

  // From now on: what it is called by now it has from its parent. In the child of a fork() as well: system
  // calls only.
  void begin() noexcept;

  // What it has called itself since; "" where it has not. System calls only.
  [[nodiscard]] Text read() const noexcept;
  // Likewise, but of its command line alone: a few nanoseconds.
  [[nodiscard]] Text read_command_line() const noexcept;

 private:
  Text command_line_{};
  KernelName name_{};
};

}  // namespace gilscope
