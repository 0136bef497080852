// The sentences of findings, and where they stand in a report.
#include "report/finding_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/summary_report.h"

namespace gilscope {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Nanoseconds kMs{1'000'000};

RunSummary run_of_two() {
  ProcessSummary process{.pid = 4711};
  for (const unsigned id : {1U, 2U}) {
    NamedThread thread{.name = id == 1 ? "computer" : ""};
    thread.figures.id = ThreadId{id};
    process.threads.push_back(thread);
  }
  RunSummary run;
  run.processes.push_back(process);
  return run;
}

RunFinding finding_of(RunFinding::Kind kind) {
  return {.kind = kind,
          .pid = 4711,
          .culprit = ThreadId{1},
          .victim = ThreadId{2},
          .place = CodePlace{.file = "/usr/lib/python3.13/re/__init__.py", .function = "match", .line = 167},
          .stack = {{.file = "/usr/lib/python3.13/re/__init__.py", .function = "match", .line = 167},
                    {.file = "/srv/app.py", .function = "parse", .line = 41}},
          .count = 3,
          .longest = 120 * kMs,
          .lost = 300 * kMs};
}

TEST(FindingText, names_culprit_line_victim_figures_and_what_to_do) {
  const auto run = run_of_two();
  EXPECT_EQ(describe_finding(finding_of(RunFinding::Kind::KeptByC), run),
            "computer at app.py:41 parse kept the GIL for up to 120 ms while thread 2 asked for it, which "
            "cost others "
            "300 ms in 3 holds: Python code gives it up within a switch interval, so a call in C keeps it; "
            "let that call "
            "release the GIL, or make it in another process");
  EXPECT_EQ(
      describe_finding(finding_of(RunFinding::Kind::Convoy), run),
      "thread 2 gives the GIL up again and again, and lost 300 ms in 3 waits to get it back, up to 120 ms "
      "each: "
      "computer computes at app.py:41 parse and gives it up after a switch interval only; compute in another "
      "process, or make the interval shorter (sys.setswitchinterval)");
}

TEST(FindingText, says_nothing_of_what_is_not_known) {
  auto finding = finding_of(RunFinding::Kind::Convoy);
  finding.culprit.reset();
  finding.place.reset();
  finding.stack.clear();
  EXPECT_THAT(describe_finding(finding, run_of_two()),
              HasSubstr(": another thread computes and gives it up"));
}

TEST(FindingText, stands_in_place_of_the_general_advice) {
  auto run = run_of_two();
  run.verdict = {.kind = RunVerdict::Kind::Bottleneck, .wait_share = 0.5};
  EXPECT_THAT(format_summary(run), HasSubstr("\n-> several threads compute"));
  const auto finding = finding_of(RunFinding::Kind::KeptByC);
  run.processes.front().blame = {{.thread = finding.culprit,
                                  .to = finding.place,
                                  .holds = 3,
                                  .forced = 3,
                                  .caused_wait_ns = finding.lost,
                                  .max_wait_ns = finding.longest,
                                  .stack = finding.stack,
                                  .waiters = {{*finding.victim, finding.lost}}}};
  const auto text = format_summary(run, {.columns = 1000});
  EXPECT_THAT(text, HasSubstr("\n-> computer at app.py:41 parse kept the GIL for up to 120 ms"));
  EXPECT_THAT(text, Not(HasSubstr("several threads compute")));
  EXPECT_EQ(summary_json(run, {})["findings"][0]["kind"], "kept_by_c");
}

}  // namespace
}  // namespace gilscope
