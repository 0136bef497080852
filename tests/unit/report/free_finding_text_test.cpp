// The sentences of findings without a GIL.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/user_code.h"
#include "report/finding_samples.h"

namespace gilscope {
namespace {

using test::finding_of;
using test::kMs;
using test::run_of_two;
using test::say;
using testing::HasSubstr;

TEST(FreeFindingText, says_which_object_several_threads_use_without_a_gil) {
  auto run = run_of_two();
  run.processes.front().wall_ns = 1000 * kMs;
  auto shared = finding_of(RunFinding::Kind::SharedObject);
  shared.place = place_to_look_at(*shared.place, shared.stack);
  shared.stack = {*shared.place};
  shared.lock_wait = 2'840 * kMs;
  shared.threads = 4;
  shared.count = 800;
  shared.object_type = "dict";
  EXPECT_EQ(say(shared, run),
            "4 threads use one dict at app.py:41 parse, which lets in one at a time: 800 waits up to 120 ms, "
            "2.84 s in "
            "all, 2.8 threads at any time; give each its own, or split it");
  shared.within = "Counter.update";
  EXPECT_THAT(say(shared, run),
              HasSubstr("use one dict in Counter.update, called at app.py:41 parse, which"));
  shared.within.clear();
  shared.object_type.clear();
  EXPECT_EQ(say(shared, run),
            "4 threads take turns at a lock of CPython's own at app.py:41 parse: 800 waits up to 120 ms, "
            "2.84 s in all, "
            "2.8 threads at any time; do there less often what all need it for");
}

TEST(FreeFindingText, says_who_stopped_all_threads_and_for_what) {
  auto run = run_of_two();
  run.processes.front().wall_ns = 1000 * kMs;
  auto stopped = finding_of(RunFinding::Kind::StoppedWorld);
  stopped.place = place_to_look_at(*stopped.place, stopped.stack);
  stopped.stack = {*stopped.place};
  stopped.work = HeldWork{WorkKind::Collect, ""};
  EXPECT_EQ(
      say(stopped, run),
      "computer's gc.collect() at app.py:41 parse stopped all threads 3 × up to 120 ms: others lost "
      "300 ms, 0.3 threads at any time; gc.freeze() what stays, have fewer cycles, or collect less often");
  stopped.work = HeldWork{WorkKind::Call, "sys._current_frames"};
  EXPECT_EQ(say(stopped, run),
            "computer's call of sys._current_frames at app.py:41 parse stopped all threads 3 × up to 120 ms: "
            "others "
            "lost 300 ms, 0.3 threads at any time; do that less often");
  stopped.work->name.clear();
  EXPECT_THAT(say(stopped, run),
              testing::StartsWith("computer at app.py:41 parse stopped all threads 3 × up"));
  stopped.work = HeldWork{WorkKind::Collection, ""};
  stopped.place.reset();
  stopped.stack.clear();
  stopped.count = 1;
  EXPECT_EQ(say(stopped, run),
            "the garbage collector stopped all threads once, for 120 ms: others lost 300 ms, 0.3 threads at "
            "any time; "
            "gc.freeze() what stays, have fewer cycles, or collect less often (gc.set_threshold)");
  stopped.processes = 3;
  EXPECT_THAT(say(stopped, run), testing::StartsWith("the garbage collector (in 3 processes) stopped"));
}

TEST(FreeFindingText, says_which_import_turned_the_gil_on) {
  const auto run = run_of_two();
  RunFinding import{.kind = RunFinding::Kind::GilReturn, .pid = 4711};
  EXPECT_EQ(say(import, run),
            "the import of a module turned the GIL on: threads run one at a time since; take a version of it "
            "that needs "
            "none, or PYTHON_GIL=0 at your own risk");
  import.place = CodePlace{.file = "/srv/app.py", .function = "<module>", .line = 2};
  import.stack = {*import.place};
  import.module = "old";
  import.since = 20 * kMs;
  EXPECT_THAT(
      say(import, run),
      testing::StartsWith("the import of old at app.py:2 <module> turned the GIL on after 20.0 ms: threads"));
  import.processes = 2;
  EXPECT_THAT(say(import, run), HasSubstr("turned the GIL on (in 2 processes): threads"));
}

}  // namespace
}  // namespace gilscope
