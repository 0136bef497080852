// The whole way: CPython's GIL, the probe, the file, the reader; what is read is what the hooks saw.
#include <Python.h>

#include <map>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/snapshots.h"
#include "analysis/truth_check.h"
#include "capture/capture_fixture.h"
#include "probe/probe_fixture.h"
#include "recording/blame_counters.h"
#include "sanitizers.h"

namespace gilscope {
namespace {

// Hands each event to several recorders: what they say of it must agree.
class Tee final : public Recorder {
 public:
  explicit Tee(std::vector<Recorder*> recorders) : recorders_(std::move(recorders)) {}
  void open(GilId gil, std::int64_t interpreter) noexcept override {
    for (auto* recorder : recorders_) recorder->open(gil, interpreter);
  }
  void record(const Event& event) noexcept override {
    for (auto* recorder : recorders_) recorder->record(event);
  }

 private:
  std::vector<Recorder*> recorders_;
};

class ProbeCaptureTest : public ProbeTest {
 protected:
  ProbeCaptureTest() : folder_(temporary_.path() / "capture") {
    create_capture(folder_, {.gilscope = "test"}, Existing::Keep);
  }

  void start(Recorder& recorder) {
    recorder_.start({.folder = folder_});
    probe_.start(recorder);
  }
  RecordingCounts stop() {
    probe_.stop();
    return recorder_.stop(probe_.stopped());
  }
  [[nodiscard]] std::filesystem::path file_of(pid_t pid) const {
    return folder_ / (std::to_string(pid) + "-1.events");
  }

  test::ScratchFolder temporary_;
  std::filesystem::path folder_;
  EventRecorder recorder_;
  Probe probe_;
};

void expect_true(const std::filesystem::path& file) {
  const ProcessReader reader(file);
  const auto& facts = reader.facts();
  TruthCheck check(facts.begin.ticks, facts.is_finished ? facts.latest.ticks : kMaxTicks);
  auto sequence = reader.events();
  for (Event event{}; sequence.next(event);) check.add(event);
  for (const auto& finding : check.report().findings) {
    ADD_FAILURE() << file << ": " << describe(finding.fault) << ", first at event " << finding.position;
  }
}

TEST_F(ProbeCaptureTest, WhatIsReadIsWhatTheHooksSaw) {
  EventList list;
  BlameCounters counters;
  Tee tee({&recorder_, &list, &counters});
  start(tee);
  run(R"(
import os, threading
def work():
    fd = os.open('/dev/zero', os.O_RDONLY)
    for _ in range(3000): os.read(fd, 1)
    sum(range(300000))
    os.close(fd)
threads = [threading.Thread(target=work) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()
)");
  const auto counts = stop();
  EXPECT_EQ(counts.events, list.size());
  EXPECT_EQ(counts.dropped_events, 0U);
  const auto file = file_of(getpid());
  test::expect_same(test::read_events(file), list.events());
  expect_true(file);

  GilMachine machine;
  const ProcessReader reader(file);
  auto sequence = reader.events();
  Event event{};
  for (std::size_t i = 0; sequence.next(event); ++i) {
    if (i == 0) {
      for (const auto& [gil, interpreter] : sequence.names().owners) machine.open(gil, interpreter);
    }
    machine.apply(event);
  }
  const auto now = probe_.stopped().ticks;
  test::expect_alike(machine.snapshot(now), counters.view().figures(now));
}

TEST_F(ProbeCaptureTest, AForkedPythonHasAFileOfItsOwn) {
  // TSan ends a child that starts one after a fork beside other threads (die_after_fork=0 changes the words).
  run(test::is_sanitized_by("thread") ? "may_start_threads = False" : "may_start_threads = True");
  start(recorder_);
  run(R"(
import os, threading, time, warnings
warnings.simplefilter('ignore')
over = False
def churn():
    fd = os.open('/dev/zero', os.O_RDONLY)
    while not over: os.read(fd, 1)
    os.close(fd)
churner = threading.Thread(target=churn); churner.start()
children = []
for _ in range(10):
    pid = os.fork()
    if pid == 0:
        os.stat('/')
        if may_start_threads:
            t = threading.Thread(target=sum, args=(range(1000),)); t.start(); t.join()
        os._exit(0)
    children.append(pid)
    assert os.waitpid(pid, 0)[1] == 0
over = True; churner.join()
)");
  EXPECT_EQ(stop().dropped_events, 0U);
  const auto capture = read_capture(folder_);
  ASSERT_EQ(capture.processes.size(), 11U);
  for (const auto& file : capture.processes) {
    expect_true(file);
    const bool is_parent = file == file_of(getpid());
    EXPECT_EQ(ProcessReader(file).facts().is_finished, is_parent);
    const auto events = test::read_events(file);
    ASSERT_GT(events.size(), 2U);
    EXPECT_EQ(events.front().kind, EventKind::Acquire);
  }
}

#if PY_VERSION_HEX >= 0x030c0000
TEST_F(ProbeCaptureTest, GilsOfSubinterpretersAreTold) {
  EventList list;
  Tee tee({&recorder_, &list});
  start(tee);
  PyThreadState* const main = PyThreadState_Get();
  PyInterpreterConfig config{};
  config.allow_threads = 1;
  config.check_multi_interp_extensions = 1;
  config.gil = PyInterpreterConfig_OWN_GIL;
  PyThreadState* state = nullptr;
  ASSERT_FALSE(PyStatus_Exception(Py_NewInterpreterFromConfig(&state, &config)));
  for (int i = 0; i < 100; ++i) {
    PyThreadState_Swap(main);
    PyThreadState_Swap(state);
  }
  Py_EndInterpreter(state);
  PyThreadState_Swap(main);
  stop();
  const auto file = file_of(getpid());
  expect_true(file);
  const ProcessReader reader(file);
  auto sequence = reader.events();
  std::map<GilId, std::vector<EventKind>> read;
  for (Event event{}; sequence.next(event);) read[event.gil].push_back(event.kind);
  std::map<GilId, std::vector<EventKind>> seen;
  for (const auto& event : list.events()) seen[event.gil].push_back(event.kind);
  EXPECT_EQ(read, seen);
  EXPECT_EQ(sequence.names().owners, list.owners());
  EXPECT_EQ(sequence.names().owners.size(), 2U);
}
#endif

}  // namespace
}  // namespace gilscope
