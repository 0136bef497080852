// Whether a process has addresses enough for a recording beside its program (RLIMIT_AS, `ulimit -v`).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace gilscope {

// Empty: it has. Else the reason, half a sentence. Tables for all threads that there may be are mapped at
// once, though memory comes only with their use: where that is more than an eighth of what is left, the
// program may be the one that finds no memory.
[[nodiscard]] std::optional<std::string> lack_of_addresses();

// Of a process that may have `limit` bytes of addresses, and has `used`.
[[nodiscard]] bool has_addresses_enough(std::uint64_t limit, std::uint64_t used) noexcept;

}  // namespace gilscope
