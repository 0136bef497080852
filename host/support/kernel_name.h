// What the kernel calls threads: "comm", which pthread_setname_np sets.
#pragma once

#include <array>
#include <string_view>
#include <sys/types.h>

namespace gilscope {

using KernelName = std::array<char, 16>;  // with a zero at its end

// Of the thread of this process with that id; "" where it is gone. System calls only.
[[nodiscard]] KernelName read_kernel_name(pid_t thread) noexcept;

// Of a thread of this process that has a name of its own; else "": it is gone, or it has that of the process,
// now or when it started, as all have that nobody named. Likewise.
[[nodiscard]] KernelName read_own_name(pid_t thread) noexcept;

[[nodiscard]] inline std::string_view view_of(const KernelName& name) noexcept { return name.data(); }

}  // namespace gilscope
