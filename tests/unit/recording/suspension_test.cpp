#include "recording/suspension.h"

#include <gtest/gtest.h>

namespace gilscope {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Suspension, is_what_the_offset_has_grown_by_at_least) {
  const BootOffset begin{.least = seconds(5), .most = seconds(5) + milliseconds(1)};
  const BootOffset end{.least = seconds(17) + milliseconds(1), .most = seconds(17) + milliseconds(2)};
  EXPECT_EQ(suspended_between(begin, end), seconds(12));
}

TEST(Suspension, is_none_where_the_readings_alone_may_explain_it) {
  const BootOffset slow{.least = seconds(5), .most = seconds(9)};
  const BootOffset exact{.least = seconds(8), .most = seconds(8)};
  EXPECT_EQ(suspended_between(slow, exact), Nanoseconds{});
  EXPECT_EQ(suspended_between(exact, slow), Nanoseconds{});
  EXPECT_EQ(suspended_between(exact, {.least = exact.least + Nanoseconds(999'999), .most = exact.most}),
            Nanoseconds{});
}

TEST(Suspension, is_none_of_a_machine_that_runs) {
  const BootOffset begin = read_boot_offset();
  EXPECT_LE(begin.least, begin.most);
  EXPECT_EQ(suspended_between(begin, read_boot_offset()), Nanoseconds{});
}

}  // namespace
}  // namespace gilscope
