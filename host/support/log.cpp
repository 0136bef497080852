#include "support/log.h"

#include <cstdlib>
#include <memory>
#include <string_view>
#include <unistd.h>

#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/spdlog.h>

namespace gilscope {

void set_up_logging(Verbosity verbosity) {
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_st>(
      wants_colour(STDERR_FILENO) ? spdlog::color_mode::always : spdlog::color_mode::never);
  auto logger = std::make_shared<spdlog::logger>("gilscope", std::move(sink));
  logger->set_pattern("gilscope: %^%l%$: %v");
  logger->set_level(verbosity == Verbosity::Quiet     ? spdlog::level::err
                    : verbosity == Verbosity::Verbose ? spdlog::level::debug
                                                      : spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

void log_formatted(LogLevel level, fmt::string_view format, fmt::format_args arguments) noexcept {
  try {
    const auto shown = level == LogLevel::Warning ? spdlog::level::warn : spdlog::level::debug;
    if (spdlog::should_log(shown)) spdlog::log(shown, fmt::vformat(format, arguments));
  } catch (...) {  // NOLINT(bugprone-empty-catch): see the header
  }
}

bool wants_colour(int descriptor) {
  // NOLINTBEGIN(concurrency-mt-unsafe): read before any thread
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  // NOLINTEND(concurrency-mt-unsafe)
  const bool refused = no_colour != nullptr && *no_colour != '\0';
  const bool dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
  return !refused && !dumb && isatty(descriptor) == 1;
}

}  // namespace gilscope
