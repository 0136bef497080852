// UTF-8 that is cut, never within a character.
#pragma once

#include <cstddef>
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

}  // namespace gilscope
