// Logs go to standard error, through spdlog, which log.cpp alone includes: its headers take the compiler
// long. Colour only on a terminal, and never under NO_COLOR.
#pragma once

#include <string_view>

namespace gilscope {

enum class Verbosity { Quiet, Normal, Verbose };

void set_up_logging(Verbosity verbosity);

// Shown unless Quiet.
void log_warning(std::string_view text);
// Shown when Verbose.
void log_debug(std::string_view text);

// Whether to write colour to this file descriptor: a terminal, TERM not "dumb", NO_COLOR not set
// (no-color.org).
bool wants_colour(int descriptor);

}  // namespace gilscope
