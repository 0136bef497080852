// Recordings that go to a capture: what it tells afterwards is what the other recorder would have told.
#include <Python.h>

#include "recording/captured_run.h"

#include <numeric>
#include <unistd.h>

#include <gmock/gmock.h>

#include "analysis/run_summary.h"
#include "recording/recording.h"
#include "recording/recording_fixture.h"
#include "scratch_folder.h"

namespace gilscope {
namespace {

class CapturedRecording : public RecordingTest {
 protected:
  CapturedRecording() : folder_(temporary_.path() / "capture") {
    create_capture(folder_, {.gilscope = "test"}, Existing::Keep);
  }

  [[nodiscard]] CapturePlan plan(std::uint64_t max_size = std::uint64_t{1} << 30U) const {
    return {.folder = folder_, .max_size = max_size};
  }
  // As `gilscope run -o` does it.
  [[nodiscard]] CapturedRun read_after(const Recording& recording) const {
    write_run_notes(folder_, recording.notes());
    return CapturedRun(read_capture(folder_));
  }
  static void expect_true(const CapturedRun& run) {
    for (const auto& truth : check_truth(run)) {
      for (const auto& finding : truth.report.findings) {
        ADD_FAILURE() << truth.pid << ": " << describe(finding.fault) << ", first at event "
                      << finding.position;
      }
    }
  }

  test::ScratchFolder temporary_;
  std::filesystem::path folder_;
};

TEST_F(CapturedRecording, tells_of_processes_and_threads_what_the_counters_tell) {
  // What differs by chance (times, and how often threads met) is looked at in probe_capture_test.cpp, where
  // both recorders see the same events.
  const auto record = [&](const std::optional<CapturePlan>& capture) {
    Recording recording(Reach::WithChildren, capture);
    recording.start();
    recording.name_process("parent", NamedBy::Module);  // the child of a fork has not that name
    run("read(1000); pid = child(lambda: read(500))");
    recording.name_thread(this_thread_id(), "known as this");
    recording.stop();
    return capture ? replay(read_after(recording)) : recording.collect();
  };
  const RecordedRun counted = record(std::nullopt);
  const RecordedRun captured = record(plan());
  EXPECT_EQ(captured.clock, counted.clock);
  EXPECT_EQ(captured.dropped_events, 0U);
  EXPECT_GT(captured.capture_bytes.value_or(0), 0U);
  ASSERT_EQ(counted.processes.size(), 2U);
  ASSERT_EQ(captured.processes.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& a = captured.processes[i];
    const auto& b = counted.processes[i];
    EXPECT_EQ(a.role, b.role);
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.name, i == 0 ? "parent" : "");
    EXPECT_EQ(a.parent_pid, b.parent_pid);
    EXPECT_EQ(a.cpu.has_value(), b.cpu.has_value());
    EXPECT_GT(a.wall, Nanoseconds::zero());
    EXPECT_EQ(count_holds(a), count_holds(b));
    EXPECT_EQ(count_releases(a), count_releases(b));
    ASSERT_EQ(a.figures.gils.size(), 1U);
    EXPECT_EQ(a.figures.gils.front().interpreter, b.figures.gils.front().interpreter);
    ASSERT_EQ(a.threads.size(), 1U);
    EXPECT_EQ(a.threads.front().name, b.threads.front().name);
    EXPECT_EQ(a.threads.front().cpu.has_value(), b.threads.front().cpu.has_value());
    EXPECT_EQ(a.threads.front().cpu_wait.has_value(), b.threads.front().cpu_wait.has_value());
  }
  EXPECT_EQ(captured.processes.front().threads.front().name, "known as this");
}

TEST_F(CapturedRecording, tells_the_same_from_the_folder_alone) {
  Recording recording(Reach::WithChildren, plan());
  recording.start();
  recording.name_process("parser", NamedBy::Module);
  run("child(lambda: read(100))");
  recording.stop();
  const auto with_notes = replay(read_after(recording));
  expect_true(CapturedRun(read_capture(folder_)));
  // A run that was killed has left no notes: CPU times and exit code are unknown, the rest is there.
  std::filesystem::remove(folder_ / kNotesFile);
  const auto without = replay(CapturedRun(read_capture(folder_)));
  ASSERT_EQ(without.processes.size(), with_notes.processes.size());
  for (std::size_t i = 0; i < without.processes.size(); ++i) {
    EXPECT_EQ(without.processes[i].pid, with_notes.processes[i].pid);
    EXPECT_EQ(without.processes[i].role, with_notes.processes[i].role);
    EXPECT_EQ(without.processes[i].name, with_notes.processes[i].name);
    EXPECT_EQ(count_holds(without.processes[i]), count_holds(with_notes.processes[i]));
    EXPECT_FALSE(without.processes[i].cpu);
  }
  EXPECT_EQ(without.processes.front().name, "parser");
  EXPECT_FALSE(without.exit_code);
}

TEST_F(CapturedRecording, has_all_of_children_that_were_killed) {
  Recording recording(Reach::WithChildren, plan());
  recording.start();
  run("pid = child(lambda: (read(1000), os.kill(os.getpid(), signal.SIGKILL)))");
  recording.stop();
  const CapturedRun captured = read_after(recording);
  expect_true(captured);
  const auto child = process_of(replay(captured), value_of("pid"));
  EXPECT_GE(count_releases(child), 1000U);
  EXPECT_GT(child.wall, Nanoseconds::zero());
  EXPECT_FALSE(child.cpu);
}

// The child holds on, writing, while its parent reads: blocks are spilled under the reader's eyes.
TEST_F(CapturedRecording, is_read_while_children_still_write) {
  Recording recording(Reach::WithChildren, plan());
  recording.start();
  run(R"(
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    read(20_000)
    os.write(w, b'!')
    while True: read(1000)
os.close(w)
os.read(r, 1)
os.close(r)
)");
  recording.stop();
  std::uint64_t before = 0;
  for (int i = 0; i < 20; ++i) {
    const CapturedRun captured = read_after(recording);
    expect_true(captured);
    const auto child = process_of(replay(captured), value_of("pid"));
    EXPECT_GE(count_releases(child), std::max<std::uint64_t>(before, 20'000));
    before = count_releases(child);
  }
  run("os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)");
  // By its name alone, as of a run of which nothing is known: the end is that of the last event.
  std::filesystem::remove(folder_ / kNotesFile);
  const CapturedRun captured(read_capture(folder_));
  expect_true(captured);
  EXPECT_GE(count_releases(process_of(replay(captured), value_of("pid"))), before);
}

TEST_F(CapturedRecording, counts_what_its_bound_drops) {
  Recording recording(Reach::WithChildren, plan(std::uint64_t{64} << 10U));
  recording.start();
  run("read(100_000)");
  recording.stop();
  const CapturedRun captured = read_after(recording);
  const auto run = replay(captured);
  EXPECT_GT(run.dropped_events, 100'000U);
  const auto summary = summarize_run(run);
  EXPECT_EQ(summary.probe.dropped, run.dropped_events);
  EXPECT_GE(summary.probe.events + summary.probe.dropped, 200'000U);
  const auto truths = check_truth(captured);
  ASSERT_EQ(truths.size(), 1U);
  EXPECT_TRUE(truths.front().report.holds());
  EXPECT_GT(truths.front().report.events, 1000U);
}

TEST_F(CapturedRecording, refuses_a_folder_that_is_no_capture_with_all_as_it_was) {
  Recording recording(Reach::WithChildren,
                      CapturePlan{.folder = temporary_.path() / "none", .max_size = 1U << 30U});
  EXPECT_THROW(recording.start(), Error);
  EXPECT_FALSE(recording.is_running());
  Recording other(Reach::ThisProcess);
  other.start();
  other.stop();
  EXPECT_FALSE(other.collect().processes.empty());
}

}  // namespace
}  // namespace gilscope
