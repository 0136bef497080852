#include "run/build_variable.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include <fmt/core.h>

namespace gilscope {
namespace {

void append_utf8(std::string& text, std::uint32_t character) {
  const auto append = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  const auto rest = [&](unsigned shift) { append(0x80U | ((character >> shift) & 0x3fU)); };
  if (character < 0x80) {
    append(character);
  } else if (character < 0x800) {
    append(0xc0U | (character >> 6U));
    rest(0);
  } else if (character < 0x10000) {
    append(0xe0U | (character >> 12U));
    rest(6);
    rest(0);
  } else {
    append(0xf0U | (character >> 18U));
    rest(12);
    rest(6);
    rest(0);
  }
}

// Text that is taken from its beginning.
class Literals {
 public:
  explicit Literals(std::string_view rest) : rest_(rest) {}

  // All string literals up to something else: Python takes those beside each other for one.
  std::optional<std::string> take_all() {
    std::optional<std::string> all;
    for (skip_space(); !rest_.empty() && (rest_.front() == '\'' || rest_.front() == '"'); skip_space()) {
      const auto one = take_one(take());
      if (!one) return std::nullopt;
      all = all.value_or("") + *one;
    }
    return all;
  }

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size())); }

  char take() {
    const char character = rest_.front();
    rest_.remove_prefix(1);
    return character;
  }

  std::optional<std::string> take_one(char quote) {
    std::string text;
    while (!rest_.empty()) {
      const char character = take();
      if (character == quote) return text;
      if (character != '\\') {
        text += character;
      } else if (rest_.empty() || !take_escape(text)) {
        break;
      }
    }
    return std::nullopt;
  }

  // Those that repr() writes.
  bool take_escape(std::string& text) {
    switch (const char kind = take()) {
      case 'n':
        text += '\n';
        return true;
      case 'r':
        text += '\r';
        return true;
      case 't':
        text += '\t';
        return true;
      case 'x':
        return take_number(2, text);
      case 'u':
        return take_number(4, text);
      case 'U':
        return take_number(8, text);
      default:
        text += kind;
        return kind == '\\' || kind == '\'' || kind == '"';
    }
  }

  bool take_number(std::size_t digits, std::string& text) {
    constexpr std::uint32_t kReplacement = 0xfffd;
    std::uint32_t number = 0;
    if (rest_.size() < digits) return false;
    const std::string hex(rest_.substr(0, digits));
    const char* const end = hex.data() + digits;
    if (std::from_chars(hex.data(), end, number, 16).ptr != end) return false;
    rest_.remove_prefix(digits);
    const bool is_surrogate = number >= 0xd800 && number < 0xe000;
    append_utf8(text, is_surrogate || number > 0x10ffff ? kReplacement : number);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<std::string> find_build_variable(std::string_view text, std::string_view name) {
  const auto key = fmt::format("'{}':", name);
  for (auto at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    const bool is_key = at > 0 && (text[at - 1] == ' ' || text[at - 1] == '{');
    if (is_key) return Literals(text.substr(at + key.size())).take_all();
  }
  return std::nullopt;
}

}  // namespace gilscope
