// UTF-8 that is cut, never within a character.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace gilscope {

constexpr bool is_continuation_byte(char byte) noexcept {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// At most so many bytes, from the front.
constexpr std::string_view first_bytes(std::string_view text, std::size_t bytes) noexcept {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && is_continuation_byte(text[bytes])) --bytes;
  return text.substr(0, bytes);
}

// Likewise, of the end.
constexpr std::string_view last_bytes(std::string_view text, std::size_t bytes) noexcept {
  if (text.size() <= bytes) return text;
  text.remove_prefix(text.size() - bytes);
  while (!text.empty() && is_continuation_byte(text.front())) text.remove_prefix(1);
  return text;
}

// Into an array of zeros, which ends with one: of a longer text the front.
constexpr void put_first_bytes(std::string_view text, std::span<char> to) noexcept {
  first_bytes(text, to.size() - 1).copy(to.data(), to.size());
}

// Likewise its end, and a sign that it is.
constexpr void put_last_bytes(std::string_view text, std::span<char> to) noexcept {
  constexpr std::string_view kCut = "…";
  const auto begin = text.size() < to.size() ? 0 : kCut.copy(to.data(), kCut.size());
  last_bytes(text, to.size() - 1 - begin).copy(to.data() + begin, to.size() - begin);
}

}  // namespace gilscope
