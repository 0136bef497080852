// Logs go to standard error, through spdlog; colour only on a terminal, and never under NO_COLOR.
#pragma once

namespace gilscope {

enum class Verbosity { Quiet, Normal, Verbose };

void set_up_logging(Verbosity verbosity);

// Whether to write colour to this file descriptor: a terminal, TERM not "dumb", NO_COLOR not set
// (no-color.org).
bool wants_colour(int descriptor);

}  // namespace gilscope
