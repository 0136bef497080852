// What --keep, --when and --dump-signal may say.
#include "cli/flight_options.h"

#include <csignal>

#include <gtest/gtest.h>

#include "support/error.h"

namespace gilscope::cli {
namespace {

using std::chrono::milliseconds;

TEST(FlightOptions, keep_is_a_time_or_a_size) {
  EXPECT_EQ(parse_keep("30s").time, std::chrono::seconds(30));
  EXPECT_EQ(parse_keep("1.5m").time, std::chrono::seconds(90));
  EXPECT_EQ(parse_keep("250ms").time, milliseconds(250));
  EXPECT_EQ(parse_keep("2h").time, std::chrono::hours(2));
  EXPECT_FALSE(parse_keep("30s").bytes);
  EXPECT_EQ(parse_keep("64M").bytes, std::uint64_t{64} << 20U);
  EXPECT_EQ(parse_keep("1G").bytes, std::uint64_t{1} << 30U);
  EXPECT_EQ(parse_keep("256K").bytes, std::uint64_t{256} << 10U);
  EXPECT_FALSE(parse_keep("64M").time);
  for (const char* const text :
       {"", "30", "s", "0s", "-1s", "1x", "nans", "infs", "1e300h", "30 s", "30s ", "1T"}) {
    EXPECT_THROW(static_cast<void>(parse_keep(text)), Error) << text;
  }
}

TEST(FlightOptions, when_is_what_and_how_long) {
  const auto hold = parse_when("hold>50ms");
  EXPECT_EQ(hold.kind, TriggerKind::Hold);
  EXPECT_EQ(hold.longest, milliseconds(50));
  EXPECT_EQ(parse_when("wait>1s").kind, TriggerKind::Wait);
  EXPECT_EQ(parse_when("lock>100us").longest, std::chrono::microseconds(100));
  EXPECT_EQ(parse_when("loop>50ms").kind, TriggerKind::Loop);
  for (const char* const text :
       {"", "hold", "hold>", ">50ms", "hold>64M", "hold<50ms", "signal>1s", "loop>49ms"}) {
    EXPECT_THROW(static_cast<void>(parse_when(text)), Error) << text;
  }
}

TEST(FlightOptions, the_least_of_several_limits_is_one) {
  const auto limits = limits_of({.keep = "1s", .when = {"hold>50ms", "wait>1s", "hold>20ms"}});
  EXPECT_EQ(limits.at(0), milliseconds(20));
  EXPECT_EQ(limits.at(1), std::chrono::seconds(1));
  EXPECT_EQ(limits.at(2), Nanoseconds{});
}

TEST(FlightOptions, a_signal_goes_by_its_name) {
  EXPECT_EQ(parse_signal("USR2"), SIGUSR2);
  EXPECT_EQ(parse_signal("SIGUSR1"), SIGUSR1);
  for (const char* const text : {"", "KILL", "usr2", "12", "SIG"}) {
    EXPECT_THROW(static_cast<void>(parse_signal(text)), Error) << text;
  }
}

}  // namespace
}  // namespace gilscope::cli
