#include "recording/address_space.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fmt/core.h>

#include "support/system_files.h"

namespace gilscope {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
// With a capture; seen of a whole process: 156 MiB more than without.
constexpr std::uint64_t kOfRecording = 176 * kMiB;

// By its first number, in pages.
std::uint64_t mapped_bytes() {
  const auto text = read_text("/proc/self/statm").value_or("");
  const auto pages = parse_unsigned(text.substr(0, text.find(' '))).value_or(0);
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// Bytes; empty where there is no limit.
std::optional<std::uint64_t> limit_of_addresses() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

}  // namespace

bool has_addresses_enough(std::uint64_t limit, std::uint64_t used, std::uint64_t share) noexcept {
  return limit > used && (limit - used) / share >= kOfRecording;
}

bool are_addresses_limited() noexcept { return limit_of_addresses().has_value(); }

std::optional<std::string> lack_of_addresses(std::uint64_t share) {
  const auto limit = limit_of_addresses();
  if (!limit || has_addresses_enough(*limit, mapped_bytes(), share)) return std::nullopt;
  return fmt::format("it may have {} MiB of addresses (ulimit -v), of which a recording takes {}",
                     *limit / kMiB, kOfRecording / kMiB);
}

}  // namespace gilscope
