// Which Python this is.
#pragma once

#include <string>

namespace gilscope {

// "3.13.0", "3.13.5 free-threaded". Before Python has started, too.
[[nodiscard]] std::string python_version();

}  // namespace gilscope
