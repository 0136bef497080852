// The sentences of findings, and where they stand in a report.
#include "report/finding_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/judge_run.h"
#include "analysis/user_code.h"
#include "report/finding_samples.h"
#include "report/summary_report.h"

namespace gilscope {
namespace {

using testing::HasSubstr;
using testing::Not;

using test::finding_of;
using test::kMs;
using test::run_of_two;
using test::say;

TEST(FindingText, says_what_the_gil_was_kept_for) {
  using Kind = RunFinding::Kind;
  const auto run = run_of_two();
  auto kept = finding_of(Kind::KeptByC);
  kept.work = HeldWork{.kind = WorkKind::Call, .name = "re.Pattern.match"};
  EXPECT_EQ(say(kept, run),
            "computer kept the GIL in re.Pattern.match at app.py:41 parse, 3 × up to 120 ms: thread 2 waited "
            "300 ms, "
            "83 % of all; let it release the GIL, or use a process");
  kept.work = HeldWork{.kind = WorkKind::Freeing, .name = "handle"};
  EXPECT_EQ(say(kept, run),
            "computer kept the GIL, probably freeing what handle held at app.py:41 parse, 3 × up to 120 ms: "
            "thread 2 "
            "waited 300 ms, 83 % of all; free it in parts, or keep it");
  auto collected = finding_of(Kind::GarbageCollection);
  collected.work = HeldWork{.kind = WorkKind::Collect, .name = "generation 2"};
  EXPECT_EQ(say(collected, run),
            "computer called gc.collect() at app.py:41 parse, which kept the GIL 3 × up to 120 ms: thread 2 "
            "waited 300 "
            "ms, 83 % of all; gc.freeze() what stays, or collect less often");
  collected.place.reset();
  collected.stack.clear();
  collected.work = HeldWork{.kind = WorkKind::Collection, .name = "generation 2"};
  EXPECT_EQ(say(collected, run),
            "the garbage collector (generation 2) kept the GIL in computer, 3 × up to 120 ms: thread 2 "
            "waited 300 ms, "
            "83 % of all; gc.freeze() what stays, or collect less often (gc.set_threshold)");
}

TEST(FindingText, says_the_cause_then_the_evidence_and_what_to_do) {
  using Kind = RunFinding::Kind;
  const auto run = run_of_two();
  EXPECT_EQ(say(finding_of(Kind::KeptByC), run),
            "computer kept the GIL at app.py:41 parse, 3 × up to 120 ms, probably in C or freeing objects: "
            "thread 2 "
            "waited 300 ms, 83 % of all; let it release the GIL, or use a process");
  EXPECT_EQ(say(finding_of(Kind::Convoy), run),
            "computer computes at app.py:41 parse and gives the GIL up only after 5.00 ms: thread 2 waited "
            "300 ms, 83 "
            "% of all, in 3 holds; compute in another process");
  auto polling = finding_of(Kind::BusyPolling);
  polling.culprits.push_back(ThreadId{3});
  EXPECT_EQ(
      say(polling, run),
      "computer and thread 3 probably poll at app.py:41 parse: they asked for the GIL again at once, 3 × for "
      "12.0 µs, while thread 2 computes, 83 % of all waits; wait for an Event, or do more each time");
  EXPECT_EQ(say(finding_of(Kind::TinyTasks), run),
            "handing over tiny tasks at app.py:41 parse takes the GIL: thread 2 waited 300 ms, 83 % of all, "
            "to work "
            "for 12.0 µs each time; batch the tasks, or do them in a plain loop");
  EXPECT_EQ(
      say(finding_of(Kind::FrequentReleases), run),
      "computer gives the GIL up again and again, mostly at app.py:41 parse, 3 times as others asked for it: "
      "thread 2 waited 300 ms, 83 % of all; fewer threads, larger steps, or asyncio");
  auto open = finding_of(Kind::NeverReleased);
  open.work = HeldWork{.kind = WorkKind::Call, .name = "a ctypes call"};
  EXPECT_EQ(
      say(open, run),
      "computer got the GIL after 880 ms and has kept it since, for 120 ms in a ctypes call at app.py:41 "
      "parse: thread 2 waited 300 ms, 83 % of all; a deadlock, or a call in C that does not return");
  open.place = open.stack.back();
  open.stack.clear();
  open.work.reset();
  EXPECT_EQ(
      say(open, run),
      "computer got the GIL after 880 ms at app.py:41 parse and has kept it since, for 120 ms: thread 2 "
      "waited 300 ms, 83 % of all; a deadlock, or a call in C that does not return");
  auto once = finding_of(Kind::KeptByC);
  once.count = 1;
  EXPECT_THAT(say(once, run), HasSubstr(" parse, once, 120 ms, probably"));
}

TEST(FindingText, says_what_an_event_loop_had_of_it) {
  using Kind = RunFinding::Kind;
  auto finding = finding_of(Kind::StalledLoop);
  finding.loop_stall = 60 * kMs;
  EXPECT_EQ(
      say(finding, run_of_two()),
      "computer kept the GIL at app.py:41 parse, 3 × up to 120 ms, probably in C or freeing objects: "
      "thread 2's loop stood still up to 60.0 ms, 83 % of all; let it release the GIL, or use a process");
  auto own = finding_of(Kind::StalledLoop);
  own.victim = own.culprit;
  EXPECT_EQ(say(own, run_of_two()),
            "the event loop of computer stood still for up to 120 ms, as its own code kept the GIL at "
            "app.py:41 parse, "
            "3 times, 83 % of all; await in between, or run that in a ProcessPoolExecutor");
  own.stack.push_back({.file = "/srv/app.py", .function = "handle", .line = 9});
  own.stack.push_back(
      {.file = "/usr/lib/python3.13/asyncio/events.py", .function = "Handle._run", .line = 88});
  EXPECT_THAT(say(own, run_of_two()), HasSubstr(", as handle kept the GIL at app.py:41 parse, "));
}

TEST(FindingText, names_one_of_many_threads_and_in_how_many_processes_they_are) {
  auto run = run_of_two();
  for (const unsigned id : {3U, 4U}) {
    run.processes.front().threads.push_back({.name = "worker-with-a-name-that-goes-on-and-on"});
    run.processes.front().threads.back().figures.id = ThreadId{id};
  }
  auto finding = finding_of(RunFinding::Kind::ComputingThreads);
  finding.culprits = {ThreadId{3}, ThreadId{1}, ThreadId{4}};
  finding.victims = {ThreadId{1}, ThreadId{2}};
  finding.hold_share = 0.8;
  finding.at_most = 1.25;
  finding.processes = 4;
  EXPECT_EQ(describe_finding(finding, run),
            "worker-with-a-name-that-goe… and 2 more (in 4 processes) compute at once, mostly at app.py:41 "
            "parse: they "
            "waited 300 ms, 83 % of all; threads make this at most 1.25 × faster, processes have a GIL each");
  finding.loop_stall = 60 * kMs;
  finding.victim = ThreadId{1};
  EXPECT_THAT(describe_finding(finding, run),
              HasSubstr("parse: computer's loop stood still up to 60.0 ms, "));
}

TEST(FindingText, says_what_another_switch_interval_would_change) {
  auto finding = finding_of(RunFinding::Kind::SwitchInterval);
  finding.gain = 270 * kMs;
  finding.cost = 9 * kMs;
  finding.interval = Nanoseconds(5'230'000);  // as waiters showed it
  EXPECT_EQ(say(finding, run_of_two()),
            "a switch interval of a tenth, sys.setswitchinterval(0.0005), would save up to 270 ms of the 300 "
            "ms lost "
            "so, and cost up to 9.00 ms");
  finding.cost = finding.gain;
  finding.interval = Nanoseconds(99'000'000);
  EXPECT_EQ(
      say(finding, run_of_two()),
      "leave the switch interval as it is: a switch interval of a tenth, sys.setswitchinterval(0.01), would "
      "save up to 270 ms, and cost up to 270 ms");
}

TEST(FindingText, of_a_whole_run_is_what_to_do_and_why) {
  using Kind = RunFinding::Kind;
  auto run = run_of_two();
  const auto text = [&](Kind kind) {
    return say({.kind = kind, .lost = 3 * kMs, .hold_share = 0.4, .at_most = 2.5}, run);
  };
  EXPECT_THAT(text(Kind::ComputingThreads), HasSubstr("make this at most 2.50 × faster: processes or"));
  EXPECT_THAT(text(Kind::FrequentReleases), HasSubstr("fewer threads"));
  EXPECT_EQ(text(Kind::NoBottleneck), "leave the GIL as it is: all waits for it together took 3.00 ms");
  EXPECT_THAT(text(Kind::LittleToGain),
              HasSubstr("held 40 % of the time, so threads have little to gain: use"));
  EXPECT_THAT(text(Kind::HeldAsleep), HasSubstr("a call sleeps with the GIL; other threads could run"));
  EXPECT_THAT(text(Kind::IoBound), HasSubstr("held 40 % of the time, and a CPU was busy for less than half"));
  EXPECT_THAT(text(Kind::IoBound),
              HasSubstr("this waits for something else, and threads or asyncio are fine"));
  run.ended_by = "SIGALRM";  // it may have waited for ever
  EXPECT_THAT(text(Kind::IoBound), testing::EndsWith("this waits for something else"));
  EXPECT_THAT(text(Kind::ReleasedByC),
              HasSubstr("held 40 % of the time, and most of the CPU time went by without"));
  run.processes.push_back(run.processes.front());
  EXPECT_THAT(text(Kind::IoBound), HasSubstr("no process held its GIL or used a CPU for half of its time"));
}

TEST(FindingText, says_how_often_and_how_long_a_loop_stood_still_by_itself) {
  auto run = run_of_two();
  auto stall = finding_of(RunFinding::Kind::StalledLoop);
  stall.victim = stall.culprit;
  stall.place = place_to_look_at(*stall.place, stall.stack);
  stall.stood_still = 300 * kMs;
  stall.since = 40 * kMs;
  EXPECT_EQ(say(stall, run),
            "the event loop of computer stood still 3 × up to 120 ms, 300 ms in all (the longest after 40.0 "
            "ms), in parse (app.py:41); await in between, or run that in a ProcessPoolExecutor");
  run.processes.front().threads.front().cpu_ns = 100 * kMs;
  stall.count = 1;
  EXPECT_EQ(say(stall, run),
            "the event loop of computer stood still once, for 120 ms (after 40.0 ms), in parse (app.py:41), "
            "which slept or waited; await that instead, or use asyncio.to_thread");
  stall.place.reset();
  stall.stack.clear();
  stall.work = HeldWork{.kind = WorkKind::Collection, .name = "generation 2"};
  EXPECT_THAT(say(stall, run),
              HasSubstr(", as the garbage collector ran (generation 2); gc.freeze() what stays"));
  stall.work->kind = WorkKind::Collect;
  EXPECT_THAT(say(stall, run), HasSubstr(", as gc.collect() ran (generation 2); gc.freeze() what stays"));
}

TEST(FindingText, says_where_threads_take_turns_at_a_lock) {
  auto run = run_of_two();
  run.processes.front().wall_ns = 1000 * kMs;
  auto turns = finding_of(RunFinding::Kind::LockTurns);
  turns.place = place_to_look_at(*turns.place, turns.stack);
  turns.stack = {*turns.place};
  turns.lock_wait = 6'540 * kMs;
  turns.threads = 8;
  turns.count = 800;
  turns.hold_share = 0.1;
  EXPECT_EQ(say(turns, run),
            "8 threads take turns at a lock at app.py:41 parse: 800 waits up to 120 ms, 6.54 s in all, 6.5 "
            "threads at any "
            "time; hold it for less, or have more than one");
  turns.within = "Handler.acquire";
  EXPECT_THAT(say(turns, run),
              HasSubstr("at a lock in Handler.acquire, called at app.py:41 parse: 800 waits"));
  turns.hold_share = 0.97;
  EXPECT_THAT(say(turns, run), HasSubstr("; without it they would wait for the GIL (held 97 %)"));
  auto semaphore = turns;
  semaphore.within = "Semaphore.acquire";
  semaphore.hold_share = 0.1;
  EXPECT_THAT(say(semaphore, run), HasSubstr("take turns at a semaphore at app.py:41 parse: 800 waits"));
  EXPECT_THAT(say(semaphore, run), HasSubstr("; hold it for less, or let more in"));
  turns.processes = 3;
  EXPECT_THAT(say(turns, run), HasSubstr("8 threads (in 3 processes) take turns"));
  EXPECT_THAT(say(turns, run), Not(HasSubstr("at any time")));
}

TEST(FindingText, says_nothing_of_what_is_not_known) {
  auto finding = finding_of(RunFinding::Kind::Convoy);
  finding.culprits.clear();
  finding.place.reset();
  finding.stack.clear();
  finding.victims.clear();
  finding.share.reset();
  EXPECT_EQ(
      say(finding, run_of_two()),
      "another thread computes and gives the GIL up only after 5.00 ms: others waited 300 ms, in 3 holds; "
      "compute in another process");
}

TEST(FindingText, says_of_a_thread_that_did_not_compute_that_it_sleeps_or_had_no_cpu) {
  using Kind = RunFinding::Kind;
  auto run = run_of_two();
  auto& culprit = run.processes.front().threads.front();
  culprit.figures.hold_ns = 200 * kMs;
  culprit.cpu_ns = 50 * kMs;  // others waited 300 ms
  const auto kept = [&] { return say(finding_of(Kind::KeptByC), run); };
  EXPECT_THAT(
      kept(),
      HasSubstr(", probably for want of a CPU (it had 50.0 ms of 200 ms): thread 2 waited 300 ms, 83 % "
                "of all; measure on an idle machine"));
  culprit.cpu_ns = 4 * kMs;
  EXPECT_THAT(kept(), HasSubstr(", in a call that sleeps (CPU time: 4.00 ms): thread 2"));
  EXPECT_THAT(say(finding_of(Kind::Convoy), run), Not(HasSubstr("CPU")));
  culprit.cpu_ns = 51 * kMs;
  EXPECT_THAT(kept(), HasSubstr("probably in C"));
  culprit.cpu_ns.reset();
  EXPECT_THAT(kept(), HasSubstr("probably in C"));
  NamedThread other = culprit;  // a thread has a row for each GIL that it used, and its CPU time in each
  culprit.cpu_ns = other.cpu_ns = 200 * kMs;
  run.processes.front().threads.push_back(other);
  EXPECT_THAT(kept(), HasSubstr("(it had 200 ms of 400 ms)"));
  run.processes.front().threads.pop_back();
  run.processes.front().threads.front().cpu_wait_ns = 150 * kMs;
  auto twice = finding_of(Kind::KeptByC);
  twice.count = 2;
  EXPECT_THAT(say(twice, run),
              HasSubstr(", probably for want of a CPU (it waited 150 ms for one): thread 2"));
}

TEST(FindingText, says_for_how_much_of_the_time_a_process_was_given_a_cpu) {
  auto run = run_of_two();
  RunFinding finding{.kind = RunFinding::Kind::LackOfCpu, .pid = 4711};
  finding.cpu_share = 0.35;
  EXPECT_EQ(
      say(finding, run),
      "the process was given a CPU for 35 % of the time it wanted one: figures of waiting are those of the "
      "machine; measure on an idle one");
  run.processes.push_back(run.processes.front());
  run.probe.losses.throttled = 1200 * kMs;
  EXPECT_THAT(say(finding, run),
              HasSubstr("process 4711 was given a CPU for 35 % of the time it wanted one (its cgroup "
                        "was throttled for 1.20 s): figures"));
  finding.processes = 2;
  EXPECT_THAT(say(finding, run),
              HasSubstr("process 4711 and 1 more were given a CPU for 35 % of the time they wanted one"));
}

TEST(FindingText, stands_in_place_of_the_general_advice) {
  auto run = run_of_two();
  run.processes.front().wall_ns = 1000 * kMs;
  run.processes.front().gils = {{.wait_ns = 300 * kMs, .forced = 3, .handoffs = 3}};
  const auto tell = [&] {
    run.verdict = judge(run.processes);
    run.findings = find_in_run(run);
    return format_summary(run, {.columns = 1000});
  };
  EXPECT_THAT(tell(), HasSubstr("\n-> several threads compute"));
  const auto finding = finding_of(RunFinding::Kind::KeptByC);
  run.processes.front().blame = {{.thread = finding.culprit,
                                  .to = finding.place,
                                  .holds = 3,
                                  .forced = 3,
                                  .caused_wait_ns = finding.lost,
                                  .max_wait_ns = finding.longest,
                                  .late_holds = 3,
                                  .late_wait_ns = finding.lost,
                                  .stack = finding.stack,
                                  .waiters = {{*finding.victim, finding.lost}}}};
  const auto text = tell();
  EXPECT_THAT(text, HasSubstr("\n-> computer kept the GIL at app.py:41 parse, 3 × up to 120 ms"));
  EXPECT_THAT(text, HasSubstr("; 100 % of the waiting is explained below\n"));
  EXPECT_THAT(text, Not(HasSubstr("several threads compute")));
  EXPECT_EQ(summary_json(run, {})["findings"][0]["kind"], "kept_by_c");
}

}  // namespace
}  // namespace gilscope
