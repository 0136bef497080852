// Logs go to standard error, through spdlog, which log.cpp alone includes: its headers take the compiler
// long. Colour only on a terminal, and never under NO_COLOR.
#pragma once

#include <fmt/core.h>

namespace gilscope {

enum class Verbosity { Quiet, Normal, Verbose };

void set_up_logging(Verbosity verbosity);

enum class LogLevel { Debug, Warning };

// Formats only what is shown. A message that cannot be formatted or written is lost: no work fails for it.
void log_formatted(LogLevel level, fmt::string_view format, fmt::format_args arguments) noexcept;

// Shown unless Quiet.
template <typename... Arguments>
void log_warning(fmt::format_string<Arguments...> format, const Arguments&... arguments) noexcept {
  log_formatted(LogLevel::Warning, format, fmt::make_format_args(arguments...));
}

// Shown when Verbose.
template <typename... Arguments>
void log_debug(fmt::format_string<Arguments...> format, const Arguments&... arguments) noexcept {
  log_formatted(LogLevel::Debug, format, fmt::make_format_args(arguments...));
}

// Whether to write colour to this file descriptor: a terminal, TERM not "dumb", NO_COLOR not set
// (no-color.org).
bool wants_colour(int descriptor);

}  // namespace gilscope
