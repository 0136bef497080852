// Whether a process has addresses enough for a recording beside its program (RLIMIT_AS, `ulimit -v`).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace gilscope {

// Of the addresses that are left a recording may take one part in so many. Of a run an eighth: the program
// may be the one that finds no memory. Of a trace, which the program has asked for itself, half.
inline constexpr std::uint64_t kRunShare = 8;
inline constexpr std::uint64_t kTraceShare = 2;

// Empty: it has. Else the reason, half a sentence. Tables for all threads that there may be are mapped at
// once, though memory comes only with their use.
[[nodiscard]] std::optional<std::string> lack_of_addresses(std::uint64_t share = kRunShare);

// Of a process that may have `limit` bytes of addresses, and has `used`.
[[nodiscard]] bool has_addresses_enough(std::uint64_t limit, std::uint64_t used,
                                        std::uint64_t share = kRunShare) noexcept;

// Whether there is a limit at all.
[[nodiscard]] bool are_addresses_limited() noexcept;

}  // namespace gilscope
