#include "recording/address_space.h"

#include <sys/resource.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recording/in_child.h"
#include "sanitizers.h"

namespace gilscope {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;

TEST(AddressSpace, is_enough_where_a_recording_takes_an_eighth_of_what_is_left_at_most) {
  EXPECT_TRUE(has_addresses_enough(2 * kGiB, 0));
  EXPECT_TRUE(has_addresses_enough(2 * kGiB, kGiB / 2));
  EXPECT_FALSE(has_addresses_enough(2 * kGiB, kGiB));
  EXPECT_FALSE(has_addresses_enough(kGiB, 0));
  EXPECT_FALSE(has_addresses_enough(0, 0));
  EXPECT_FALSE(has_addresses_enough(kGiB, 2 * kGiB)) << "a limit that was lowered";
  EXPECT_TRUE(has_addresses_enough(kGiB, 0, kTraceShare)) << "a trace may take half";
  EXPECT_FALSE(has_addresses_enough(kGiB / 4, 0, kTraceShare));
}

TEST(AddressSpace, lacks_where_a_limit_says_so_alone) {
  if (test::is_sanitized_by("address") || test::is_sanitized_by("thread")) {
    GTEST_SKIP() << "sanitizers map more than any limit has";
  }
  EXPECT_FALSE(lack_of_addresses());
  EXPECT_FALSE(are_addresses_limited());
  const int code = test::run_in_child([] {
    const rlimit limit{.rlim_cur = 300 << 20U, .rlim_max = RLIM_INFINITY};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return false;
    const auto lack = lack_of_addresses(kTraceShare);
    return are_addresses_limited() && lack_of_addresses() && lack &&
           lack->find("300 MiB") != std::string::npos;
  });
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace gilscope
