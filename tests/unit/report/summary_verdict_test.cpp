// The first words of a report.
#include <initializer_list>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/summary_records.h"
#include "report/summary_report.h"

namespace gilscope {
namespace {

using test::busy_records;
using test::kMillisecondTicks;
using test::make_process;
using test::recorded;
using test::report;
using testing::HasSubstr;

TEST(SummaryAdvice, is_to_have_more_gils_where_threads_were_forced_and_larger_steps_where_they_were_not) {
  auto records = busy_records();
  records.front().blame.reset();
  EXPECT_THAT(report(records), HasSubstr("sub-interpreters have a GIL each"));
  for (auto& row : records.front().figures.threads) row.forced = 0;
  EXPECT_THAT(report(records), HasSubstr("threads give the GIL up often"));
}

TEST(SummaryVerdict, says_the_ceiling_with_as_many_digits_as_it_has) {
  const auto verdict = [](std::uint64_t hold_ticks) {
    auto process = make_process(1, {{.thread = 1, .holds = 1, .hold_ticks = hold_ticks}});
    process.cpu = Nanoseconds(90 * kMillisecondTicks);
    return describe_verdict(summarize_run(recorded({process})));
  };
  EXPECT_THAT(verdict(100 * kMillisecondTicks), HasSubstr("at most 1.00 × faster"));
  EXPECT_THAT(verdict(40 * kMillisecondTicks), HasSubstr("at most 2.50 × faster"));
  EXPECT_THAT(verdict(2 * kMillisecondTicks), HasSubstr("at most 50 × faster"));
}

TEST(SummaryVerdict, says_nothing_of_a_ceiling_of_a_program_that_sleeps) {
  auto process = make_process(1, {{.thread = 1, .holds = 1, .hold_ticks = kMillisecondTicks}});
  process.cpu = Nanoseconds(kMillisecondTicks);
  EXPECT_EQ(describe_verdict(summarize_run(recorded({process}))),
            "one thread used the GIL, and had it to itself, for 1.0 % of the time");
}

TEST(SummaryVerdict, says_how_long_the_gil_was_held_and_waited_for_where_it_is_no_bottleneck) {
  const test::RowSpec computes{.thread = 1, .holds = 9, .hold_ticks = 40 * kMillisecondTicks};
  const test::RowSpec waits{.thread = 2, .holds = 1, .hold_ticks = 100, .waits = 1, .wait_ticks = 3'000'000};
  EXPECT_EQ(describe_verdict(summarize_run(recorded({make_process(1, {computes, waits})}))),
            "the GIL is no bottleneck here: it was held 40 % of the time, and threads waited 3.00 ms for it "
            "in all");
  EXPECT_EQ(
      describe_verdict(summarize_run(recorded({make_process(1, {computes}), make_process(2, {computes})}))),
      "no GIL is a bottleneck here: the one held most was held 40 % of the time, and threads waited 0 ns for "
      "them in all");
}

TEST(SummaryShare, has_two_significant_digits) {
  for (const auto& [share, text] :
       std::initializer_list<std::pair<double, std::string>>{{0, "0 %"},
                                                             {1, "100 %"},
                                                             {0.714, "71 %"},
                                                             {0.0996, "10 %"},
                                                             {0.0994, "9.9 %"},
                                                             {0.00996, "1.0 %"},
                                                             {0.004, "0.40 %"},
                                                             {0.00012, "0.012 %"},
                                                             {0.00001, "0.001 %"},
                                                             {0.000001, "<0.001 %"}}) {
    EXPECT_EQ(format_share(share), text);
  }
}

TEST(StartMethod, is_known_of_children_only) {
  EXPECT_EQ(start_method_of(ProcessRole::First), std::nullopt);
  EXPECT_EQ(start_method_of(ProcessRole::Server), std::nullopt);
  EXPECT_EQ(start_method_of(ProcessRole::Fork), "fork");
  EXPECT_EQ(start_method_of(ProcessRole::Spawn), "spawn");
  EXPECT_EQ(start_method_of(ProcessRole::Forkserver), "forkserver");
  EXPECT_EQ(start_method_of(ProcessRole::Started), "exec");
}

}  // namespace
}  // namespace gilscope
