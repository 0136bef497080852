// What a Python was built with, read from the file that sysconfig would import: as text, so that nothing is
// imported into an interpreter that runs the user's code.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gilscope {

// The value of a variable in the text of a _sysconfigdata_….py: one dictionary, as pprint writes it. Nothing
// where it has none, one that is no text, or where the text is cut off. What has no UTF-8 becomes U+FFFD.
[[nodiscard]] std::optional<std::string> find_build_variable(std::string_view text, std::string_view name);

}  // namespace gilscope
