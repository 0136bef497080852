#include "run/build_variable.h"

#include <gtest/gtest.h>

namespace gilscope {
namespace {

using std::nullopt;

TEST(BuildVariable, is_found_in_the_one_line_that_3_13_writes) {
  constexpr auto kText = R"(# system configuration generated and used by the sysconfig module
build_time_vars = {
    'CONFIGURE_CFLAGS': '',
    'CONFIG_ARGS': "'--prefix=/opt/x y' 'CC=gcc'",
    'SRCDIR': '.',
})";
  EXPECT_EQ(find_build_variable(kText, "CONFIG_ARGS"), "'--prefix=/opt/x y' 'CC=gcc'");
  EXPECT_EQ(find_build_variable(kText, "CONFIGURE_CFLAGS"), "");
  EXPECT_EQ(find_build_variable(kText, "SRCDIR"), ".");
}

TEST(BuildVariable, is_found_in_the_many_that_others_write) {
  constexpr auto kText = R"(build_time_vars = {'AR': 'ar',
 'CONFIG_ARGS': "'--prefix=/usr' "
                "'CFLAGS=-g "
                ' '
                ' -O2 '
                "-Wformat '",
 'CONFINCLUDEDIR': '/usr/include'})";
  EXPECT_EQ(find_build_variable(kText, "CONFIG_ARGS"), "'--prefix=/usr' 'CFLAGS=-g   -O2 -Wformat '");
  EXPECT_EQ(find_build_variable(kText, "AR"), "ar");
}

TEST(BuildVariable, is_what_python_reads_of_what_repr_wrote) {
  constexpr auto kText = R"({'A': 'it\'s "b\\"\t\n\r', 'B': "\x7f\xe4 \u20ac \U0001f40d", 'C': '\udcff'})";
  EXPECT_EQ(find_build_variable(kText, "A"), "it's \"b\\\"\t\n\r");
  EXPECT_EQ(find_build_variable(kText, "B"), "\x7fä € 🐍");
  EXPECT_EQ(find_build_variable(kText, "C"), "\xef\xbf\xbd");  // a byte of no text
}

TEST(BuildVariable, is_nothing_where_there_is_no_such_text) {
  EXPECT_EQ(find_build_variable("", "A"), nullopt);
  EXPECT_EQ(find_build_variable("{'B': 'b'}", "A"), nullopt);
  EXPECT_EQ(find_build_variable("{'A': 1}", "A"), nullopt);
  EXPECT_EQ(find_build_variable("{'A': None}", "A"), nullopt);
  EXPECT_EQ(find_build_variable(R"({'B': "'A': 'no'"})", "A"), nullopt);
}

TEST(BuildVariable, is_nothing_where_the_text_is_cut_off_or_wrong) {
  for (const auto* const text : {"{'A':", "{'A': '", "{'A': 'a", "{'A': 'a' 'b", "{'A': 'a\\", "{'A': '\\x",
                                 "{'A': '\\x4", "{'A': '\\xzz'", "{'A': '\\u20'", "{'A': '\\q'"}) {
    EXPECT_EQ(find_build_variable(text, "A"), nullopt) << text;
  }
}

}  // namespace
}  // namespace gilscope
