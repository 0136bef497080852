#include "recording/cpu_wait.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <exception>
#include <fcntl.h>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include "support/system_files.h"

namespace gilscope {
namespace {

constexpr std::string_view kTasks = "/proc/self/task/";
constexpr std::string_view kFile = "/schedstat";
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 2;

// The second of the numbers in the file: the first is CPU time.
std::optional<Nanoseconds> parse_wait(std::string_view text) noexcept {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(space + 1);
  std::int64_t wait = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), wait);
  if (error != std::errc() || wait < 0 || wait > kMost) return std::nullopt;
  return Nanoseconds(wait);
}

// The path of the cgroup that has this controller ("" of the one hierarchy of version 2).
std::optional<std::string> find_group(std::string_view controller) {
  const auto groups = read_text("/proc/self/cgroup");
  if (!groups) return std::nullopt;
  for (const auto line : split(*groups, '\n')) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const auto names = split(controllers, ',');
    const bool is_it =
        controller.empty() ? controllers.empty() : std::ranges::find(names, controller) != names.end();
    if (is_it) return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

// In a container the path may be that of the machine, and its own files are at the top.
std::optional<std::string> read_stat_of(std::string_view folder, const std::optional<std::string>& group) {
  if (!group) return std::nullopt;
  if (auto text = read_text(std::string(folder) + *group + "/cpu.stat")) return text;
  return read_text(std::string(folder) + "/cpu.stat");
}

std::optional<std::uint64_t> find_number(std::string_view text, std::string_view key) {
  for (const auto line : split(text, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() == 2 && words[0] == key) return parse_unsigned(words[1]);
  }
  return std::nullopt;
}

Nanoseconds find_throttled() {
  constexpr std::uint64_t kMicrosecond = 1000;
  if (const auto text = read_stat_of("/sys/fs/cgroup", find_group(""))) {
    if (const auto time = find_number(*text, "throttled_usec")) {
      return Nanoseconds(
          static_cast<std::int64_t>(std::min<std::uint64_t>(*time, kMost / kMicrosecond) * kMicrosecond));
    }
  }
  if (const auto text = read_stat_of("/sys/fs/cgroup/cpu", find_group("cpu"))) {
    if (const auto time = find_number(*text, "throttled_time")) {
      return Nanoseconds(static_cast<std::int64_t>(std::min<std::uint64_t>(*time, kMost)));
    }
  }
  return {};
}

}  // namespace

std::optional<Nanoseconds> read_cpu_wait(ThreadId thread) noexcept {
  std::array<char, 64> path{};
  char* end = std::ranges::copy(kTasks, path.begin()).out;
  end = std::to_chars(end, path.end(), static_cast<std::uint32_t>(thread)).ptr;
  std::ranges::copy(kFile, end);
  const int file = ::open(path.data(), O_RDONLY | O_CLOEXEC);  // NOLINT(cppcoreguidelines-pro-type-vararg)
  if (file < 0) return std::nullopt;
  std::array<char, 128> text{};
  const auto size = ::read(file, text.data(), text.size());
  ::close(file);
  if (size <= 0) return std::nullopt;
  return parse_wait(std::string_view(text.data(), static_cast<std::size_t>(size)));
}

std::optional<ThreadTimes> read_thread_times(std::int64_t process, ThreadId thread) {
  const auto text = read_text("/proc/" + std::to_string(process) + "/task/" +
                              std::to_string(static_cast<std::uint32_t>(thread)) + std::string(kFile))
                        .value_or("");
  const auto fields = split(text, ' ');
  const auto cpu = fields.empty() ? std::nullopt : parse_unsigned(fields.front());
  const auto wait = parse_wait(text);
  if (!cpu || *cpu == 0 || *cpu > kMost || !wait) return std::nullopt;
  return ThreadTimes{.cpu = Nanoseconds(static_cast<std::int64_t>(*cpu)), .cpu_wait = *wait};
}

Nanoseconds read_throttled() noexcept {
  try {
    return find_throttled();
  } catch (const std::exception&) {  // no memory
    return {};
  }
}

}  // namespace gilscope
