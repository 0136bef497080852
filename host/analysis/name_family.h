// Names of which there are many, as of threads that a server starts for each request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gilscope {

constexpr bool is_digit(char byte) noexcept { return byte >= '0' && byte <= '9'; }

// Which of a name's numbers stand for any.
enum class Numbers : std::uint8_t { TheLast, All };

// "Thread-12 (work)" is "Thread-N (work)", "ThreadPoolExecutor-0_7" is "ThreadPoolExecutor-0_N": the number
// at the end, but for what `threading` says in parentheses. `family` has as much room as `name` has bytes.
// Returns how many were written.
std::size_t write_family(std::string_view name, Numbers numbers, std::span<char> family) noexcept;

[[nodiscard]] std::string name_family(std::string_view name);

}  // namespace gilscope
