// Small files of /proc and /sys: read whole, taken apart. What is absent or malformed is an empty optional.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gilscope {

[[nodiscard]] std::optional<std::string> read_text(const std::filesystem::path& file);

// What /proc/PID/stat says of a process after its name, which may have any character in it: from the third
// field on, the state (proc_pid_stat(5)).
[[nodiscard]] std::optional<std::string> read_stat(std::int64_t pid);

// Not of a zombie, which only waits to be waited for.
[[nodiscard]] bool is_alive(std::int64_t pid);

// Of this process; 0 where that cannot be told.
[[nodiscard]] int count_threads() noexcept;

// What these return points into `text`, which therefore may not be a temporary.
// split: the parts between separators; empty ones are left out.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
std::vector<std::string_view> split(std::string&& text, char separator) = delete;
[[nodiscard]] std::string_view trim(std::string_view text);

// The whole of `text` as a number, or nothing.
[[nodiscard]] std::optional<std::uint64_t> parse_unsigned(std::string_view text, int base = 10);
// A process's number, which is more than 0.
[[nodiscard]] std::optional<std::int64_t> parse_process_id(std::string_view text);
[[nodiscard]] std::optional<double> parse_double(std::string_view text);

// The value of the first line "key: value"; points into `text`.
[[nodiscard]] std::optional<std::string_view> find_value(std::string_view text, std::string_view key);
std::optional<std::string_view> find_value(std::string&& text, std::string_view key) = delete;

}  // namespace gilscope
