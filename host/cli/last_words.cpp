#include "cli/last_words.h"

#include <chrono>

#include "cli/cli.h"

namespace gilscope::cli {
namespace {

// A reader may be slow; one that has stopped is no reason for the program not to end.
constexpr Nanoseconds kPatienceWithSuccessor = std::chrono::seconds(1);
constexpr Nanoseconds kPatienceAlone = std::chrono::seconds(10);

}  // namespace

void write_report_file(const std::string& file, Existing existing, const std::string& text) {
  if (!file.empty()) OutputFile(file, existing).write(text);
}

void LastWords::report(const std::function<std::string(const TextStyle&)>& text) {
  if (!file_.empty()) return write_report_file(file_, existing_, text({.colour = Colour::Off}));
  const int descriptor = errors_.descriptor();
  say('\n' + text({.colour = descriptor >= 0 && wants_colour(descriptor) ? Colour::On : Colour::Off}));
}

void LastWords::fail(const Error& error) { say(failure_text(error)); }

// In order: what comes after something that nobody has read waits, too.
void LastWords::say(std::string_view text) {
  const auto patience = has_successor_ ? kPatienceWithSuccessor : kPatienceAlone;
  const int descriptor = errors_.descriptor();
  std::size_t written = 0;
  if (rest_.empty() && descriptor >= 0) written = write_patiently(descriptor, text, patience);
  rest_ += text.substr(written);
}

}  // namespace gilscope::cli
