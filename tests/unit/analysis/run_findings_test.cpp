// The rules of findings: what fulfils them, and what nearly does.
#include "analysis/run_findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gilscope {
namespace {

using Kind = RunFinding::Kind;

constexpr Nanoseconds kMs{1'000'000};
constexpr ThreadId kHolder{1};
constexpr ThreadId kWaiter{2};

// A call in C, that was asked for the GIL three times, and kept it for 30 ms.
BlameRow kept_row() {
  return {.thread = kHolder,
          .to = CodePlace{.file = "app.py", .function = "f", .line = 7},
          .holds = 3,
          .hold_ns = 120 * kMs,
          .forced = 3,
          .caused_wait_ns = 90 * kMs,
          .max_hold_ns = 40 * kMs,
          .max_wait_ns = 30 * kMs,
          .stack = {{.file = "app.py", .function = "f", .line = 7}},
          .waiters = {{kWaiter, 90 * kMs}}};
}

// Waits of 5 ms, after holds of 10 µs that it ended itself.
NamedThread suffering() {
  NamedThread thread;
  thread.figures = {.id = kWaiter,
                    .holds = 20,
                    .hold_ns = Nanoseconds(200'000),
                    .waits = 20,
                    .wait_ns = 100 * kMs,
                    .voluntary = 20,
                    .lifetime_ns = 110 * kMs,
                    .wait_share = 0.9,
                    .wait = DurationFigures{5 * kMs, 5 * kMs, 5 * kMs, 6 * kMs}};
  return thread;
}

std::vector<RunFinding> find_in(const std::vector<BlameRow>& blame,
                                const std::vector<NamedThread>& threads = {}) {
  RunSummary run;
  run.processes.push_back({.pid = 4711, .threads = threads, .blame = blame});
  return find_in_run(run);
}

std::vector<Kind> kinds(const std::vector<RunFinding>& findings) {
  std::vector<Kind> kinds;
  for (const auto& finding : findings) kinds.push_back(finding.kind);
  return kinds;
}

TEST(RunFindings, a_hold_that_outlasts_four_switch_intervals_after_it_was_asked_for_was_kept_by_c) {
  const auto found = find_in({kept_row()});
  ASSERT_EQ(kinds(found), std::vector{Kind::KeptByC});
  EXPECT_EQ(found[0].pid, 4711);
  EXPECT_EQ(found[0].culprit, kHolder);
  EXPECT_EQ(found[0].victim, kWaiter);
  EXPECT_EQ(found[0].place->line, 7U);
  EXPECT_EQ(found[0].longest, 30 * kMs);
  EXPECT_EQ(found[0].lost, 90 * kMs);

  auto prompt = kept_row();
  prompt.max_wait_ns = 19 * kMs;
  EXPECT_TRUE(find_in({prompt}).empty());
  auto never_asked = kept_row();
  never_asked.forced = 0;
  EXPECT_TRUE(find_in({never_asked}).empty());
  // Python code that lost its CPU once, in many holds or in one.
  auto once = kept_row();
  once.holds = 10;
  EXPECT_TRUE(find_in({once}).empty());
  auto alone = kept_row();
  alone.holds = 1;
  alone.forced = 1;
  alone.caused_wait_ns = alone.max_wait_ns = 49 * kMs;
  EXPECT_TRUE(find_in({alone}).empty());
  alone.caused_wait_ns = alone.max_wait_ns = 50 * kMs;
  EXPECT_EQ(kinds(find_in({alone})), std::vector{Kind::KeptByC});
}

TEST(RunFindings, holds_that_end_on_one_line_are_one) {
  auto other = kept_row();
  other.from = CodePlace{.file = "app.py", .function = "g", .line = 1};
  other.max_wait_ns = 50 * kMs;
  const auto found = find_in({kept_row(), other});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].count, 6U);
  EXPECT_EQ(found[0].lost, 180 * kMs);
  EXPECT_EQ(found[0].longest, 50 * kMs);
}

TEST(RunFindings, who_gives_it_up_soon_and_waits_for_most_of_an_interval_each_time_is_in_a_convoy) {
  auto row = kept_row();
  row.max_wait_ns = 5 * kMs;
  const auto found = find_in({row}, {suffering()});
  ASSERT_EQ(kinds(found), std::vector{Kind::Convoy});
  EXPECT_EQ(found[0].victim, kWaiter);
  EXPECT_EQ(found[0].culprit, kHolder);
  EXPECT_EQ(found[0].count, 20U);
  EXPECT_EQ(found[0].lost, 100 * kMs);
  EXPECT_EQ(found[0].longest, 6 * kMs);

  const auto without = [&](auto change) {
    auto thread = suffering();
    change(thread.figures);
    return find_in({row}, {thread});
  };
  EXPECT_TRUE(without([](auto& figures) { figures.waits = 9; }).empty());
  EXPECT_TRUE(without([](auto& figures) { figures.voluntary = 17; }).empty()) << "it computes itself";
  EXPECT_TRUE(without([](auto& figures) { figures.hold_ns = 21 * kMs; }).empty())
      << "it holds it for long itself";
  EXPECT_TRUE(without([](auto& figures) { figures.wait->p50_ns = 2 * kMs; }).empty());
  EXPECT_TRUE(without([](auto& figures) { figures.wait_share = 0.09; }).empty());
}

TEST(RunFindings, those_that_cost_most_come_first_and_of_a_kind_at_most_three) {
  std::vector<BlameRow> rows;
  for (unsigned i = 1; i <= 5; ++i) {
    rows.push_back(kept_row());
    rows.back().to->line = i;
    rows.back().caused_wait_ns = i * 90 * kMs;
  }
  const auto found = find_in(rows);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].place->line, 5U);
  EXPECT_EQ(found[2].place->line, 3U);
}

TEST(RunFindings, nothing_is_found_where_blame_was_not_recorded) {
  RunSummary run;
  run.processes.push_back({.pid = 1, .threads = {suffering()}});
  EXPECT_TRUE(find_in_run(run).empty());
}

}  // namespace
}  // namespace gilscope
