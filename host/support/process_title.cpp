#include "support/process_title.h"

#include <algorithm>
#include <exception>
#include <span>
#include <string>
#include <unistd.h>

#include "support/system_files.h"

namespace gilscope {
namespace {

// Where the command line of this process is, and after it the environment (proc_pid_stat(5)): on the stack of
// its first thread, which lives as long as the process.
std::span<const char> find_command_line() noexcept {
  constexpr std::size_t kArgStart = 48 - 3;  // fields, of which read_stat() leaves out two
  constexpr std::size_t kEnvEnd = 51 - 3;
  try {
    const auto stat = read_stat(getpid()).value_or("");
    const auto fields = split(stat, ' ');
    if (fields.size() <= kEnvEnd) return {};
    const auto begin = parse_unsigned(fields[kArgStart]).value_or(0);
    const auto end = parse_unsigned(fields[kEnvEnd]).value_or(0);
    if (begin == 0 || end <= begin) return {};  // it may not be told
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the system has it as a number
    return {reinterpret_cast<const char*>(begin), end - begin};
  } catch (const std::exception&) {  // no memory
    return {};
  }
}

// Its first word, or the title that was written over it.
ProcessTitle::Text read_first_word() noexcept {
  static const std::span<const char> command_line = find_command_line();
  ProcessTitle::Text text{};
  const auto longest = command_line.first(std::min(command_line.size(), text.size() - 1));
  std::ranges::copy(longest.begin(), std::ranges::find(longest, '\0'), text.begin());
  return text;
}

}  // namespace

void ProcessTitle::begin() noexcept {
  command_line_ = read_first_word();
  name_ = read_kernel_name(getpid());
}

ProcessTitle::Text ProcessTitle::read_command_line() const noexcept {
  const auto now = read_first_word();
  return now == command_line_ ? Text{} : now;
}

ProcessTitle::Text ProcessTitle::read() const noexcept {
  auto title = read_command_line();
  if (title.front() != '\0') return title;
  if (const auto name = read_kernel_name(getpid()); name != name_) std::ranges::copy(name, title.begin());
  return title;
}

}  // namespace gilscope
