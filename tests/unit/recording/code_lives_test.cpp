// Code that is made, run once and gone: nothing keeps it alive, and what gets its address has a name of its
// own. Every hold is noted, so that each run of it is.
#include <Python.h>

#include <algorithm>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "capture/capture_folder.h"
#include "capture/process_reader.h"
#include "recording/recording_fixture.h"
#include "scratch_folder.h"

namespace gilscope {
namespace {

// Names of one length: then the next code is most likely to lie where the one before did, with all its parts.
constexpr const char* kMaker = R"(
import time, weakref
made, addresses = [], set()
def make(first, last):
    for number in range(first, last):
        code = compile('import time\ntime.sleep(0)\n', f'made {number:05}', 'exec')
        made.append(weakref.ref(code))
        addresses.add(id(code))
        exec(code, {})
)";

std::string name_of_made(int number) {
  const std::string digits = std::to_string(number);
  return "made " + std::string(5 - digits.size(), '0') + digits;
}

using Ended = std::map<std::string, std::uint64_t>;  // holds, by the file that they ended in: those made

void count_end(Ended& ended, const CodeStacks& stacks, StackId stack, std::uint64_t holds) {
  const CodePlace& place = stacks.place(stacks.stack(stack).front());
  if (!place.file.starts_with("made ")) return;
  EXPECT_EQ(place.line, 2U);
  EXPECT_EQ(place.function, "<module>");
  ended[place.file] += holds;
}

Ended ends_of(const BlameRecord& blame) {
  Ended ended;
  for (const auto& [key, span] : blame.spans) {
    // The open hold has no end.
    if (key.to) count_end(ended, blame.stacks, *key.to, span.holds);
  }
  return ended;
}

Ended ends_of(const std::filesystem::path& capture) {
  Ended ended;
  for (const auto& entry : std::filesystem::directory_iterator(capture)) {
    if (entry.path().extension() != ".events") continue;
    const ProcessReader reader(entry.path());
    auto sequence = reader.events();
    for (Event event{}; sequence.next(event);) {
      if (event.kind != EventKind::Release || !sequence.stands()) continue;
      count_end(ended, sequence.names().stacks, *sequence.stands(), 1);
    }
  }
  return ended;
}

class CodeLives : public RecordingTest {
 protected:
  void SetUp() override {
    RecordingTest::SetUp();
    if (IsSkipped()) return;
#ifdef Py_GIL_DISABLED
    GTEST_SKIP() << "free-threaded builds: stacks are not read";
#endif
    run(kMaker);
  }

  static void expect_gone() { EXPECT_EQ(value_of("sum(ref() is not None for ref in made)"), 0); }
  static void expect_each_once(const Ended& ended, int count) {
    Ended expected;
    for (int i = 0; i < count; ++i) expected[name_of_made(i)] = 1;
    EXPECT_EQ(ended, expected);
  }
  [[nodiscard]] static BlameRecord blame_of(Recording& recording) {
    return process_of(recording.collect(), getpid()).blame.value();
  }
};

constexpr int kTimes = 300;

TEST_F(CodeLives, what_is_counted_keeps_no_code_and_has_its_names) {
  Recording recording(Reach::ThisProcess, {}, Stacks::Every);
  recording.start();
  run("make(0, 300)");
  expect_gone();
  recording.stop();
  EXPECT_LT(value_of("len(addresses)"), kTimes);  // some came again
  expect_each_once(ends_of(blame_of(recording)), kTimes);
}

TEST_F(CodeLives, what_is_captured_keeps_no_code_and_has_its_names) {
  const test::ScratchFolder temporary;
  const auto folder = temporary.path() / "capture";
  create_capture(folder, {.gilscope = "test"}, Existing::Keep);
  Recording recording(Reach::ThisProcess, CapturePlan{.folder = folder}, Stacks::Every);
  recording.start();
  run("make(0, 300)");
  expect_gone();
  recording.stop();
  EXPECT_LT(value_of("len(addresses)"), kTimes);
  expect_each_once(ends_of(folder), kTimes);
}

TEST_F(CodeLives, the_child_of_a_fork_keeps_none_either) {
  Recording recording(Reach::WithChildren, {}, Stacks::Every);
  recording.start();
  run("make(0, 50)\n"
      "def go_on():\n"
      "    make(50, 100)\n"
      "    os._exit(sum(ref() is not None for ref in made))\n"
      "pid = os.fork()\n"
      "if pid == 0: go_on()\n"
      "status = os.waitpid(pid, 0)[1]\n");
  recording.stop();
  EXPECT_EQ(value_of("status"), 0);
  const RecordedRun counted = recording.collect();
  const Ended ended = ends_of(process_of(counted, value_of("pid")).blame.value());
  EXPECT_EQ(ended.size(), 50U);
  EXPECT_EQ(ended.begin()->first, name_of_made(50));
  EXPECT_TRUE(std::ranges::all_of(ended, [](const auto& row) { return row.second == 1; }));
}

// What one interpreter leaves behind another one finds.
class CodeOfInterpreters : public CodeLives, public testing::WithParamInterface<bool> {
 protected:
  // In an interpreter of its own, which comes and goes.
  static void make_elsewhere(bool has_own_gil, int first, int last) {
    PyThreadState* const main = PyThreadState_Get();
    PyThreadState* const other = make_interpreter(has_own_gil);
    ASSERT_NE(other, nullptr);
    run(kMaker);
    run("make(" + std::to_string(first) + ", " + std::to_string(last) + ")");
    expect_gone();
    Py_EndInterpreter(other);
    PyThreadState_Swap(main);
  }

 private:
  static PyThreadState* make_interpreter([[maybe_unused]] bool has_own_gil) {
#if PY_VERSION_HEX >= 0x030c0000
    PyThreadState* state = nullptr;
    PyInterpreterConfig config{};
    config.use_main_obmalloc = has_own_gil ? 0 : 1;
    config.check_multi_interp_extensions = has_own_gil ? 1 : 0;
    config.gil = has_own_gil ? PyInterpreterConfig_OWN_GIL : PyInterpreterConfig_SHARED_GIL;
    if (PyStatus_Exception(Py_NewInterpreterFromConfig(&state, &config))) return nullptr;
    return state;
#else
    return Py_NewInterpreter();
#endif
  }
};

TEST_P(CodeOfInterpreters, none_is_kept_and_all_have_their_names) {
#if PY_VERSION_HEX < 0x030c0000
  if (GetParam()) GTEST_SKIP() << "3.11: one GIL for all";
#endif
  Recording recording(Reach::ThisProcess, {}, Stacks::Every);
  recording.start();
  for (int i = 0; i < 5; ++i) make_elsewhere(GetParam(), 20 * i, 20 * (i + 1));
  recording.stop();
  expect_each_once(ends_of(blame_of(recording)), 100);
}

INSTANTIATE_TEST_SUITE_P(with, CodeOfInterpreters, testing::Bool(),
                         [](const auto& tried) { return tried.param ? "own_gil" : "shared_gil"; });

destructor saved_end = nullptr;
int ends_seen = 0;
void see_end(PyObject* code) {
  ++ends_seen;
  saved_end(code);
}

TEST_F(CodeLives, cpythons_own_end_of_code_is_put_back) {
  const destructor before = PyCode_Type.tp_dealloc;
  for (int i = 0; i < 2; ++i) {
    Recording recording(Reach::ThisProcess, {}, Stacks::On);
    recording.start();
    EXPECT_NE(PyCode_Type.tp_dealloc, before);
    recording.stop();
    EXPECT_EQ(PyCode_Type.tp_dealloc, before);
  }
  Recording without_lines(Reach::ThisProcess, {}, Stacks::Off);
  without_lines.start();
  EXPECT_EQ(PyCode_Type.tp_dealloc, before);
}

// Who puts itself in between goes on to call ours: that stays as long as it does, and works again.
TEST_F(CodeLives, somebody_elses_end_of_code_stays) {
  const destructor before = PyCode_Type.tp_dealloc;
  {
    Recording recording(Reach::ThisProcess, {}, Stacks::Every);
    recording.start();
    saved_end = PyCode_Type.tp_dealloc;
    PyCode_Type.tp_dealloc = see_end;
  }
  EXPECT_EQ(PyCode_Type.tp_dealloc, see_end);
  Recording recording(Reach::ThisProcess, {}, Stacks::Every);
  recording.start();
  run("make(0, 100)");
  expect_gone();
  PyCode_Type.tp_dealloc = saved_end;
  recording.stop();
  EXPECT_EQ(PyCode_Type.tp_dealloc, before);
  EXPECT_GE(ends_seen, 100);
  expect_each_once(ends_of(blame_of(recording)), 100);
}

}  // namespace
}  // namespace gilscope
