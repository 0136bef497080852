// Text for a terminal: columns, wrapping, colour, and figures in words. Counts characters, not bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/time.h"

namespace gilscope {

enum class Colour { Off, On };

struct TextStyle {
  Colour colour = Colour::Off;
  std::size_t columns = 100;
};

[[nodiscard]] std::size_t count_columns(std::string_view text);

// Lines of at most `columns`, broken at spaces, and inside a word (a path) only where it has no line to
// itself.
[[nodiscard]] std::vector<std::string> wrap(std::string_view text, std::size_t columns);

// What of a text (a path, a message of somebody's exception) would steer a terminal becomes '?'.
[[nodiscard]] std::string replace_controls(std::string text);

// At most `columns` characters (1 or more); of a longer text the last is "…".
[[nodiscard]] std::string shorten(std::string_view text, std::size_t columns);

// Appends the lines of a sentence, each in a colour of paint(); "": in none.
void append_wrapped(std::string& text, std::string_view sentence, const TextStyle& style,
                    std::string_view code = "");

// Appends what is a list's: its first line stands out by two columns.
void append_entry(std::string& text, std::string_view sentence, const TextStyle& style);

// A figure that nobody knows.
inline constexpr std::string_view kUnknown = "-";

enum class Align { Left, Right };
[[nodiscard]] std::string pad(std::string_view text, std::size_t columns, Align align = Align::Left);

// `code` is an SGR parameter: "32" green, "33" yellow, "31" red, "1" bold, "2" dim.
[[nodiscard]] std::string paint(std::string_view text, std::string_view code, Colour colour);

// Three significant digits with a unit: "1.23 s", "45.6 ms", "789 µs", "12.0 ns"; hours from 100,000 s on.
[[nodiscard]] std::string format_duration(double nanoseconds);
[[nodiscard]] inline std::string format_duration(Nanoseconds time) {
  return format_duration(static_cast<double>(time.count()));
}

// The unit that format_duration takes for it, in nanoseconds.
[[nodiscard]] double duration_unit(double nanoseconds);

// "71 %", "0.40 %": two significant digits, of a share; "<0.001 %".
[[nodiscard]] std::string format_share(double share);

// "1 event", "2 events"; of a noun whose plural is an s away.
[[nodiscard]] std::string count_of(std::uint64_t count, std::string_view noun);

// "12.0 MiB", "1.25 GiB".
[[nodiscard]] std::string format_bytes(double bytes);

// Three significant digits, at most three behind the point, without exponent: "0.984", "1.92", "12.3",
// "1234".
[[nodiscard]] std::string format_figure(double value);

}  // namespace gilscope
