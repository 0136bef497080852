// The environment variables of this process.
#pragma once

#include <optional>
#include <string>

namespace gilscope {

// As std::getenv, but empty counts as unset.
[[nodiscard]] std::optional<std::string> environment_variable(const char* name);

}  // namespace gilscope
