#include "cli/progress.h"

#include <unistd.h>

#include <fmt/core.h>

#include "report/text.h"
#include "support/file.h"

namespace gilscope::cli {

Progress::Progress(std::size_t steps, bool quiet)
    : steps_(steps),
      visible_(!quiet && isatty(STDERR_FILENO) == 1),
      begin_(std::chrono::steady_clock::now()) {}

void Progress::hide() const {
  if (visible_) print_error("\r\x1b[K");
}

void Progress::show(const std::string& text) {
  if (!visible_) return;
  std::string left;
  if (done_ > 0) {
    const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - begin_;
    const double remaining =
        elapsed.count() / static_cast<double>(done_) * static_cast<double>(steps_ - done_);
    left = fmt::format(", about {} left", format_duration(remaining));
  }
  print_error(fmt::format("\r\x1b[K{}{}", text, left));
}

}  // namespace gilscope::cli
