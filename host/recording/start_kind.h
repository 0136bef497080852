// Whether a program that is about to be started is a Python, and one that can be told of the recording.
#pragma once

#include <string_view>

namespace gilscope {

// What a program is for the recording, as the command line says. `path` names a program or a script.
enum class Started {
  Other,   // no Python, as far as the name says: what it starts may be one
  Python,  // whose start reads PYTHONPATH and has `site`
  Closed,  // with -I, -E or -S
  Aside,   // a Python that is not to be recorded: a resource tracker, a run of its own
};
[[nodiscard]] Started judge_start(const char* path, char* const argv[]) noexcept;

// Likewise, of the binary that embeds Python, as which multiprocessing starts its children.
[[nodiscard]] Started judge_own(char* const argv[]) noexcept;

// Without its folder.
[[nodiscard]] std::string_view name_of_program(std::string_view path) noexcept;

}  // namespace gilscope
