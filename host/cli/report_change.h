// gilscope report BEFORE AFTER: what changed from one capture to another.
#pragma once

#include <optional>
#include <string>

#include "cli/cli.h"

namespace gilscope::cli {

// "10%", "2.5%": a share. Throws Error where it is something else.
[[nodiscard]] double parse_percentage(const std::string& text);

// Returns the exit code: with `allowed`, whether the waiting grew by more than that share. Throws Error.
[[nodiscard]] int report_change(const CommonOptions& options, const std::string& before,
                                const std::string& after, std::optional<double> allowed);

}  // namespace gilscope::cli
