#include "report/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ranges>

#include <fmt/core.h>

#include "support/utf8.h"

namespace gilscope {
namespace {

// At most `columns` characters from the front, never half of one.
std::string_view take_columns(std::string_view text, std::size_t columns) {
  std::size_t taken = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_continuation_byte(text[i]) && taken++ == columns) return text.substr(0, i);
  }
  return text;
}

struct NamedUnit {
  double size;
  std::string_view name;
};

NamedUnit unit_of(double nanoseconds) {
  constexpr std::array kUnits{NamedUnit{1e9, "s"}, NamedUnit{1e6, "ms"}, NamedUnit{1e3, "µs"}};
  if (nanoseconds >= 99'999.5e9) return {3600e9, "h"};
  for (const auto& unit : kUnits) {
    // 999.7 ms rounds to "1000 ms": the next unit says it better.
    if (nanoseconds >= unit.size * 0.9995) return unit;
  }
  return {1, "ns"};
}

}  // namespace

std::size_t count_columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return !is_continuation_byte(c); }));
}

std::vector<std::string> wrap(std::string_view text, std::size_t columns) {
  columns = std::max<std::size_t>(columns, 1);
  std::vector<std::string> lines(1);
  for (const auto part : text | std::views::split(' ')) {
    std::string_view word(part.begin(), part.end());
    if (!lines.back().empty() && count_columns(lines.back()) + 1 + count_columns(word) <= columns) {
      lines.back().append(1, ' ').append(word);
      continue;
    }
    if (!lines.back().empty()) lines.emplace_back();
    for (auto piece = take_columns(word, columns); piece.size() < word.size();
         piece = take_columns(word, columns)) {
      lines.back() = piece;
      lines.emplace_back();
      word.remove_prefix(piece.size());
    }
    lines.back() = word;
  }
  return lines;
}

std::string replace_controls(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; }, '?');
  // U+0080 to U+009F, among which is a one-character ESC [, are C2 80 to C2 9F in UTF-8.
  for (std::size_t at = text.find('\xC2'); at != std::string::npos; at = text.find('\xC2', at + 1)) {
    if (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) - 0x80U < 0x20U)
      text.replace(at, 2, "?");
  }
  return text;
}

std::string shorten(std::string_view text, std::size_t columns) {
  const auto kept = take_columns(text, columns);
  return kept.size() == text.size() ? std::string(text) : std::string(take_columns(text, columns - 1)) + "…";
}

std::string pad(std::string_view text, std::size_t columns, Align align) {
  const std::size_t used = count_columns(text);
  const std::string blanks(columns > used ? columns - used : 0, ' ');
  return align == Align::Left ? std::string(text) + blanks : blanks + std::string(text);
}

std::string paint(std::string_view text, std::string_view code, Colour colour) {
  return colour == Colour::Off ? std::string(text) : fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

void append_wrapped(std::string& text, std::string_view sentence, const TextStyle& style,
                    std::string_view code) {
  for (const auto& line : wrap(sentence, style.columns)) {
    text += (code.empty() ? line : paint(line, code, style.colour)) + '\n';
  }
}

void append_entry(std::string& text, std::string_view sentence, const TextStyle& style) {
  constexpr std::size_t kIndent = 4;
  std::size_t indent = kIndent / 2;
  for (const auto& line : wrap(sentence, style.columns - kIndent)) {
    text += std::string(indent, ' ') + line + '\n';
    indent = kIndent;
  }
}

std::string format_figure(double value) {
  if (value == 0) return "0";
  // How many digits stand before the point once the value is rounded to three of them.
  const int digits = static_cast<int>(std::floor(std::log10(std::abs(value) * (1000 / 999.5)))) + 1;
  return fmt::format("{:.{}f}", value, std::clamp(3 - digits, 0, 3));
}

double duration_unit(double nanoseconds) { return unit_of(nanoseconds).size; }

std::string format_duration(double nanoseconds) {
  if (nanoseconds > 0 && nanoseconds < 0.9995) return fmt::format("{:.1f} ns", nanoseconds);
  const auto unit = unit_of(nanoseconds);
  return fmt::format("{} {}", format_figure(nanoseconds / unit.size), unit.name);
}

std::string format_share(double share) {
  const double percent = 100 * share;
  if (percent == 0) return "0 %";
  if (percent < 0.001) return "<0.001 %";
  const int decimals = percent >= 9.95 ? 0 : percent >= 0.995 ? 1 : percent >= 0.0995 ? 2 : 3;
  return fmt::format("{:.{}f} %", percent, decimals);
}

std::string count_of(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string format_bytes(double bytes) {
  constexpr std::array kUnits{NamedUnit{0x1p40, "TiB"}, NamedUnit{0x1p30, "GiB"}, NamedUnit{0x1p20, "MiB"},
                              NamedUnit{0x1p10, "KiB"}};
  for (const auto& unit : kUnits) {
    if (bytes >= unit.size) return fmt::format("{} {}", format_figure(bytes / unit.size), unit.name);
  }
  return fmt::format("{:.0f} B", bytes);
}

}  // namespace gilscope
