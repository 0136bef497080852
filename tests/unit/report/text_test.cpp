#include "report/text.h"

#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gilscope {
namespace {

using testing::ElementsAre;

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

int significant_digits(const std::string& figure) {
  int digits = 0;
  for (const char c : figure) {
    if (c == '.' || (c == '0' && digits == 0)) continue;
    ++digits;
  }
  return digits;
}

TEST(Figure, has_three_significant_digits) {
  EXPECT_EQ(format_figure(0.984), "0.984");
  EXPECT_EQ(format_figure(1.9234), "1.92");
  EXPECT_EQ(format_figure(12.34), "12.3");
  EXPECT_EQ(format_figure(123.4), "123");
  EXPECT_EQ(format_figure(1), "1.00");
}

TEST(Figure, is_written_out_where_it_is_large) {
  EXPECT_EQ(format_figure(1234), "1234");
  EXPECT_EQ(format_figure(1e9), "1000000000");
}

TEST(Figure, that_rounds_to_the_next_power_of_ten_has_no_digit_too_many) {
  EXPECT_EQ(format_figure(0.99951), "1.00");
  EXPECT_EQ(format_figure(9.9951), "10.0");
  EXPECT_EQ(format_figure(99.951), "100");
  EXPECT_EQ(format_figure(999.51), "1000");
  EXPECT_EQ(format_figure(9.994), "9.99");
  EXPECT_EQ(format_figure(99.94), "99.9");
}

TEST(Figure, has_three_significant_digits_all_the_way_from_a_tenth_to_a_thousand) {
  double value = 0.1;
  for (int step = 0; step < 24'800; ++step) {
    value *= 1.00037;  // up to 965
    const auto figure = format_figure(value);
    EXPECT_EQ(significant_digits(figure), 3) << value << " gave " << figure;
    EXPECT_NEAR(std::stod(figure), value, value * 0.0051) << figure;
  }
}

TEST(Figure, has_at_most_three_digits_behind_the_point) {
  EXPECT_EQ(format_figure(0.0123), "0.012");
  EXPECT_EQ(format_figure(0.00001), "0.000");
}

TEST(Figure, of_zero_is_zero) { EXPECT_EQ(format_figure(0), "0"); }

TEST(Figure, may_be_negative) { EXPECT_EQ(format_figure(-1.5), "-1.50"); }

TEST(Duration, takes_the_largest_unit_that_it_fills) {
  EXPECT_EQ(format_duration(12), "12.0 ns");
  EXPECT_EQ(format_duration(789e3), "789 µs");
  EXPECT_EQ(format_duration(45.6e6), "45.6 ms");
  EXPECT_EQ(format_duration(1.234e9), "1.23 s");
  EXPECT_EQ(format_duration(61e9), "61.0 s");
}

TEST(Duration, that_rounds_to_a_thousand_takes_the_next_unit) {
  EXPECT_EQ(format_duration(999.4e6), "999 ms");
  EXPECT_EQ(format_duration(999.5e6), "1.00 s");
  EXPECT_EQ(format_duration(999.6e6), "1.00 s");
  EXPECT_EQ(format_duration(999.6e3), "1.00 ms");
  EXPECT_EQ(format_duration(999.6), "1.00 µs");
  EXPECT_EQ(format_duration(999.4), "999 ns");
}

TEST(Duration, of_nothing_and_of_less_than_a_nanosecond_is_in_nanoseconds) {
  EXPECT_EQ(format_duration(0), "0 ns");
  EXPECT_EQ(format_duration(0.1), "0.1 ns");
}

TEST(Duration, of_more_than_a_day_is_in_hours) {
  EXPECT_EQ(format_duration(99'999e9), "99999 s");
  EXPECT_EQ(format_duration(99'999.5e9), "27.8 h");
  EXPECT_EQ(format_duration(1e6 * 1e9), "278 h");
}

TEST(Duration, is_written_in_the_unit_that_duration_unit_says) {
  for (const double duration : {0.0, 999.4, 999.6, 5e3, 999.6e3, 7e6, 999.6e6, 1e9, 99e12, 1e15}) {
    const auto text = format_duration(duration);
    EXPECT_NEAR(std::stod(text) * duration_unit(duration), duration, duration * 0.0051) << text;
  }
}

TEST(Bytes, are_in_the_largest_binary_unit_that_they_fill) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.00 KiB");
  EXPECT_EQ(format_bytes(12 * 0x1p20), "12.0 MiB");
  EXPECT_EQ(format_bytes(1.25 * 0x1p30), "1.25 GiB");
  EXPECT_EQ(format_bytes(0x1p41), "2.00 TiB");
}

TEST(Columns, are_characters_and_not_bytes) {
  EXPECT_EQ(count_columns(""), 0U);
  EXPECT_EQ(count_columns("abc"), 3U);
  EXPECT_EQ(count_columns("µs"), 2U);
  EXPECT_EQ(count_columns("zoë – müsli"), 11U);
}

TEST(Pad, fills_up_to_the_columns_on_the_side_that_is_asked_for) {
  EXPECT_EQ(pad("ab", 4), "ab  ");
  EXPECT_EQ(pad("ab", 4, Align::Right), "  ab");
  EXPECT_EQ(pad("µs", 3, Align::Right), " µs");
}

TEST(Pad, leaves_what_is_as_long_or_longer) {
  EXPECT_EQ(pad("abcd", 4), "abcd");
  EXPECT_EQ(pad("abcde", 4, Align::Right), "abcde");
}

TEST(Wrap, breaks_at_spaces) {
  EXPECT_THAT(wrap("the quick brown fox", 10), ElementsAre("the quick", "brown fox"));
  EXPECT_THAT(wrap("the quick brown fox", 9), ElementsAre("the quick", "brown fox"));
  EXPECT_THAT(wrap("the quick brown fox", 8), ElementsAre("the", "quick", "brown", "fox"));
}

TEST(Wrap, of_what_fits_is_one_line) {
  EXPECT_THAT(wrap("short", 100), ElementsAre("short"));
  EXPECT_THAT(wrap("short", 5), ElementsAre("short"));
  EXPECT_THAT(wrap("", 10), ElementsAre(""));
}

TEST(Wrap, breaks_inside_a_word_that_is_longer_than_a_line_and_loses_nothing_of_it) {
  EXPECT_THAT(wrap("abcdefghij", 4), ElementsAre("abcd", "efgh", "ij"));
  EXPECT_THAT(wrap("abcdefgh", 4), ElementsAre("abcd", "efgh"));
  EXPECT_THAT(wrap("xy abcdefgh z", 4), ElementsAre("xy", "abcd", "efgh", "z"));
}

TEST(Wrap, never_cuts_a_character_in_two) {
  EXPECT_THAT(wrap("äöüß", 3), ElementsAre("äöü", "ß"));
  EXPECT_THAT(wrap("日本語", 1), ElementsAre("日", "本", "語"));
}

TEST(Wrap, counts_characters_and_not_bytes) { EXPECT_THAT(wrap("äöü äöü", 7), ElementsAre("äöü äöü")); }

TEST(Wrap, ends_with_no_room_at_all) { EXPECT_THAT(wrap("abc", 0), ElementsAre("a", "b", "c")); }

TEST(Wrap, of_a_word_of_megabytes_takes_no_time_to_speak_of) {
  // It took 16 s for 3 MB when each line counted the rest of the word anew; ctest's time limit would tell.
  EXPECT_EQ(wrap(std::string(3'000'000, 'x'), 60).size(), 50'000U);
}

TEST(Shorten, leaves_what_fits) {
  EXPECT_EQ(shorten("abc", 3), "abc");
  EXPECT_EQ(shorten("", 3), "");
  EXPECT_EQ(shorten("äöü", 3), "äöü");
}

TEST(Shorten, ends_in_dots_and_is_as_long_as_it_may_be) {
  EXPECT_EQ(shorten("abcd", 3), "ab…");
  EXPECT_EQ(shorten("äöüß", 3), "äö…");
  EXPECT_EQ(shorten("abcd", 1), "…");
}

TEST(Controls, become_question_marks) {
  EXPECT_EQ(replace_controls("a\x1b[31mb\tc\nd\x7f"), "a?[31mb?c?d?");
  EXPECT_EQ(replace_controls(std::string("a\0b", 3)), "a?b");
}

TEST(Controls, of_the_second_range_become_question_marks_too) {
  // U+009B begins a sequence as ESC [ does.
  EXPECT_EQ(replace_controls("a\xC2\x9B\x33\x31mb\xC2\x80\xC2\x9F"), "a?31mb??");
}

TEST(Controls, are_no_letters_of_any_language) {
  const std::string text = "zoë £ © ÿ 日本語 µs –";
  EXPECT_EQ(replace_controls(text), text);
  EXPECT_EQ(replace_controls("\xC2"), "\xC2");  // half a character is the terminal's to show
}

TEST(Paint, colours_only_when_asked) {
  EXPECT_EQ(paint("x", "32", Colour::On), "\x1b[32mx\x1b[0m");
  EXPECT_EQ(paint("x", "32", Colour::Off), "x");
}

TEST(Wrap, keeps_every_line_within_the_columns_whatever_the_text) {
  const std::string text = repeated("ein Wörtchen und ", 5) + repeated("überlang", 20) + " Ende";
  for (std::size_t columns = 1; columns < 120; ++columns) {
    for (const auto& line : wrap(text, columns)) EXPECT_LE(count_columns(line), columns);
  }
}

}  // namespace
}  // namespace gilscope
