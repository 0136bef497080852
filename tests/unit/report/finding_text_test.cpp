// The sentences of findings, and where they stand in a report.
#include "report/finding_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/run_findings.h"
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
  using Kind = RunFinding::Kind;
  const auto run = run_of_two();
  EXPECT_EQ(describe_finding(finding_of(Kind::KeptByC), run),
            "computer at app.py:41 parse kept the GIL for up to 120 ms while thread 2 asked for it, which "
            "cost others 300 ms in 3 holds: Python code gives it up within a switch interval, so a call in C "
            "keeps it; let that call release the GIL, or make it in another process");
  EXPECT_EQ(describe_finding(finding_of(Kind::Convoy), run),
            "thread 2 gives the GIL up again and again, and lost 300 ms in 3 waits to get it back, up to 120 "
            "ms each: computer computes at app.py:41 parse and gives it up after a switch interval only; "
            "compute in another process");
  EXPECT_EQ(
      describe_finding(finding_of(Kind::StalledLoop), run),
      "the event loop of thread 2 stood still for up to 120 ms at a time, 300 ms in 3 waits, and waited "
      "for the GIL that computer had at app.py:41 parse: run that in another process "
      "(loop.run_in_executor with a ProcessPoolExecutor), or let it release the GIL");
  auto own = finding_of(Kind::StalledLoop);
  own.culprit = own.victim;
  EXPECT_THAT(describe_finding(own, run),
              HasSubstr("up to 120 ms, as its own code kept it at app.py:41 parse: await something"));
  own.stack.push_back({.file = "/srv/app.py", .function = "handle", .line = 9});
  own.stack.push_back(
      {.file = "/usr/lib/python3.13/asyncio/events.py", .function = "Handle._run", .line = 88});
  EXPECT_THAT(describe_finding(own, run), HasSubstr(", as handle kept it at app.py:41 parse: "));
}

TEST(FindingText, says_what_another_switch_interval_would_change) {
  auto finding = finding_of(RunFinding::Kind::SwitchInterval);
  finding.gain = 270 * kMs;
  finding.cost = 9 * kMs;
  EXPECT_EQ(
      describe_finding(finding, run_of_two()),
      "a switch interval of a tenth, sys.setswitchinterval(0.0005), would save up to 270 ms of the 300 ms "
      "lost in convoys, and cost up to 9.00 ms");
  finding.cost = finding.gain;
  EXPECT_EQ(
      describe_finding(finding, run_of_two()),
      "leave the switch interval as it is: a switch interval of a tenth, sys.setswitchinterval(0.0005), "
      "would save up to 270 ms, and cost up to 270 ms");
}

TEST(FindingText, of_a_whole_run_is_what_to_do_and_why) {
  using Kind = RunFinding::Kind;
  const auto text = [](Kind kind) {
    const RunFinding finding{.kind = kind, .lost = 3 * kMs, .hold_share = 0.4, .at_most = 2.5};
    return describe_finding(finding, run_of_two());
  };
  EXPECT_THAT(text(Kind::ComputingThreads), HasSubstr("could make this at most 2.50 × faster: processes or"));
  EXPECT_THAT(text(Kind::FrequentReleases), HasSubstr("fewer threads"));
  EXPECT_EQ(text(Kind::NoBottleneck), "leave the GIL as it is: all waits for it together took 3.00 ms");
  EXPECT_THAT(text(Kind::LittleToGain),
              HasSubstr("held 40 % of the time, so threads have little to gain: use"));
  EXPECT_THAT(text(Kind::IoBound), HasSubstr("held 40 % of the time, and a CPU was busy for less than half"));
  EXPECT_THAT(text(Kind::ReleasedByC),
              HasSubstr("held 40 % of the time, and most of the work went on without"));
}

TEST(FindingText, says_nothing_of_what_is_not_known) {
  auto finding = finding_of(RunFinding::Kind::Convoy);
  finding.culprit.reset();
  finding.place.reset();
  finding.stack.clear();
  EXPECT_THAT(describe_finding(finding, run_of_two()),
              HasSubstr(": another thread computes and gives it up"));
}

// A call that sleeps with the GIL and a thread that another program keeps from its CPU look alike.
TEST(FindingText, says_of_a_thread_that_did_not_compute_that_it_may_have_had_no_cpu) {
  using Kind = RunFinding::Kind;
  auto run = run_of_two();
  auto& culprit = run.processes.front().threads.front();
  culprit.figures.hold_ns = 200 * kMs;
  culprit.cpu_ns = 140 * kMs;  // the longest hold took 120 ms
  const auto kept = [&] { return describe_finding(finding_of(Kind::KeptByC), run); };
  EXPECT_THAT(kept(),
              HasSubstr(", so a call in C keeps it, or computer was given no CPU (it held the GIL for 200 ms "
                        "with 140 ms of CPU time); let that call"));
  EXPECT_THAT(describe_finding(finding_of(Kind::StalledLoop), run),
              HasSubstr("the GIL that computer had at app.py:41 parse, or computer was given no CPU (it "
                        "held the GIL for 200 ms with 140 ms of CPU time): run that"));
  auto own = finding_of(Kind::StalledLoop);
  own.victim = own.culprit;
  EXPECT_THAT(describe_finding(own, run),
              HasSubstr("kept it at app.py:41 parse, or computer was given no CPU (it held the GIL for 200 "
                        "ms with 140 ms of CPU time): await"));
  EXPECT_THAT(describe_finding(finding_of(Kind::Convoy), run), Not(HasSubstr("no CPU")));
  culprit.cpu_ns = 141 * kMs;
  EXPECT_THAT(kept(), HasSubstr(", so a call in C keeps it; let that call"));
  culprit.cpu_ns.reset();
  EXPECT_THAT(kept(), HasSubstr(", so a call in C keeps it; let that call"));
  NamedThread other = culprit;  // a thread has a row for each GIL that it used, and its CPU time in each
  culprit.cpu_ns = other.cpu_ns = 300 * kMs;
  run.processes.front().threads.push_back(other);
  EXPECT_THAT(kept(), HasSubstr("(it held the GIL for 400 ms with 300 ms of CPU time)"));
}

TEST(FindingText, stands_in_place_of_the_general_advice) {
  auto run = run_of_two();
  run.verdict = {.kind = RunVerdict::Kind::Bottleneck, .wait_share = 0.5};
  run.findings = find_in_run(run);
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
  run.findings = find_in_run(run);
  const auto text = format_summary(run, {.columns = 1000});
  EXPECT_THAT(text, HasSubstr("\n-> computer at app.py:41 parse kept the GIL for up to 120 ms"));
  EXPECT_THAT(text, Not(HasSubstr("several threads compute")));
  EXPECT_EQ(summary_json(run, {})["findings"][0]["kind"], "kept_by_c");
}

}  // namespace
}  // namespace gilscope
