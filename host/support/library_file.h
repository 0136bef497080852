// Whose code a file is, by its path alone.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace gilscope {

// Came with Python, or was installed: its reader wants to know who called it.
[[nodiscard]] inline bool is_library_file(std::string_view file) noexcept {
  constexpr std::array<std::string_view, 3> kFolders{"/lib/python3", "/site-packages/", "/dist-packages/"};
  return file.starts_with("<frozen ") || std::ranges::any_of(kFolders, [&](std::string_view folder) {
           return file.find(folder) != std::string_view::npos;
         });
}

}  // namespace gilscope
