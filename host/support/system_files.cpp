#include "support/system_files.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <memory>
#include <system_error>

namespace gilscope {
namespace {

constexpr std::string_view kWhitespace = " \t\r\n";

}  // namespace

std::optional<std::string> read_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  // getline turns a failing read (of a directory, say) into a state; a stream buffer's iterator would throw.
  std::getline(stream, text, '\0');
  if (!stream.is_open() || stream.bad()) return std::nullopt;
  return text;
}

std::optional<std::string> read_stat(std::int64_t pid) {
  const auto stat = read_text("/proc/" + std::to_string(pid) + "/stat").value_or("");
  const auto end_of_name = stat.rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  return std::string(trim(std::string_view(stat).substr(end_of_name + 1)));
}

bool is_alive(std::int64_t pid) {
  const auto stat = read_stat(pid).value_or("");
  return !stat.empty() && stat.front() != 'Z' && stat.front() != 'X';
}

int count_threads() noexcept {
  std::error_code error;
  int count = 0;
  for (std::filesystem::directory_iterator threads("/proc/self/task", error);
       !error && threads != std::filesystem::directory_iterator(); threads.increment(error)) {
    ++count;
  }
  return count;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(separator));
    if (!part.empty()) parts.push_back(part);
    text.remove_prefix(std::min(part.size() + 1, text.size()));
  }
  return parts;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kWhitespace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhitespace) - first + 1);
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text, int base) {
  std::uint64_t value = 0;
  const char* const end = std::to_address(text.end());
  const auto [stopped, error] = std::from_chars(std::to_address(text.begin()), end, value, base);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

std::optional<std::int64_t> parse_process_id(std::string_view text) {
  constexpr std::uint64_t kMaxId = std::numeric_limits<std::int32_t>::max();
  const auto number = parse_unsigned(text);
  if (!number || *number == 0 || *number > kMaxId) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

std::optional<double> parse_double(std::string_view text) {
  double value = 0;
  const char* const end = std::to_address(text.end());
  const auto [stopped, error] = std::from_chars(std::to_address(text.begin()), end, value);
  if (error != std::errc() || stopped != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<std::string_view> find_value(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && trim(line.substr(0, colon)) == key)
      return trim(line.substr(colon + 1));
  }
  return std::nullopt;
}

}  // namespace gilscope
