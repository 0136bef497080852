// Which Python this binary embeds, as it was built.
#pragma once

#include <string_view>

namespace gilscope {

std::string_view embedded_python_version() noexcept;  // "3.13.0", "3.13.5 free-threaded"
std::string_view embedded_python_linkage() noexcept;  // "static", "shared"

}  // namespace gilscope
