// Which sanitizer these tests were built with, for the few that it cannot run: each says why where it asks.
#pragma once

#include <string_view>

namespace gilscope::test {

// `name` as -fsanitize= takes it: address, undefined or thread.
bool is_sanitized_by(std::string_view name);

}  // namespace gilscope::test
