// Where threads stand when others wait for them, of real Python code: lines, and when there are none.
#include <Python.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <ranges>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "probe/probe_fixture.h"
#include "probe/python_stack.h"

namespace gilscope {
namespace {

struct Stand {
  Event event{};
  std::vector<std::string> lines;  // "file:line function", the innermost first
};

// Keeps what it is told. Allocates, which a recorder of the product may not: the tests' threads do not mind.
class StackList final : public Recorder {
 public:
  void record(const Event& event) noexcept override {
    const std::scoped_lock lock(mutex_);
    bare_.push_back(event);
  }
  void record_at(const Event& event, std::span<const CodePoint> stack,
                 const CodeReader& reader) noexcept override {
    Stand stand{.event = event};
    for (const auto& point : stack) {
      CodeWords words;
      EXPECT_TRUE(reader.describe(point, words));
      stand.lines.push_back(std::string(words.file()) + ":" + std::to_string(words.line) + " " +
                            std::string(words.function()));
    }
    const std::scoped_lock lock(mutex_);
    stands_.push_back(std::move(stand));
  }

  // Where its latest release was.
  void record_again(const Event& event) noexcept override {
    const std::scoped_lock lock(mutex_);
    auto backwards = stands_ | std::views::reverse;
    const auto latest = std::ranges::find_if(backwards, [&](const Stand& stand) {
      return stand.event.kind == EventKind::Release && stand.event.thread == event.thread;
    });
    ASSERT_NE(latest, backwards.end());
    Stand stand{.event = event, .lines = latest->lines};
    stands_.push_back(std::move(stand));
    again_.push_back(event.thread);
  }

  [[nodiscard]] std::vector<ThreadId> again() const {
    const std::scoped_lock lock(mutex_);
    return again_;
  }
  [[nodiscard]] std::vector<Stand> stands() const {
    const std::scoped_lock lock(mutex_);
    return stands_;
  }
  [[nodiscard]] std::size_t count(EventKind kind, ThreadId thread) const {
    const std::scoped_lock lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count_if(stands_, [&](const Stand& stand) {
      return stand.event.kind == kind && stand.event.thread == thread;
    }));
  }
  [[nodiscard]] std::vector<Event> bare() const {
    const std::scoped_lock lock(mutex_);
    return bare_;
  }
  // Requests come without a stack.
  void await_requests(std::ptrdiff_t count) const {
    while (std::ranges::count(bare(), EventKind::Request, &Event::kind) < count) std::this_thread::yield();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Stand> stands_;
  std::vector<Event> bare_;
  std::vector<ThreadId> again_;
};

constexpr std::size_t kEnough = 10;
StackList* watched = nullptr;
std::optional<std::size_t> on_the_way;  // so many releases, before the first question

PyObject* is_over(PyObject* /*self*/, PyObject* /*unused*/) {
  const std::size_t releases = watched->count(EventKind::Release, this_thread_id());
  if (!on_the_way) on_the_way = releases;
  return PyBool_FromLong(releases >= *on_the_way + kEnough ? 1 : 0);
}
PyMethodDef is_over_method{"is_over", is_over, METH_NOARGS, nullptr};

class ProbeStacksTest : public ProbeOfStacksTest {
 protected:
  // Runs the code, in a file of that name, beside a thread that gives the GIL up and asks for it again and
  // again. To the code, `is_over()` says whether that one has waited often enough.
  std::vector<Stand> stands_of(const std::string& code, const std::string& file = "culprit.py",
                               Stacks stacks = Stacks::On) {
    PyObject* const function = PyCFunction_New(&is_over_method, nullptr);
    PyObject_SetAttrString(PyImport_AddModule("__main__"), "is_over", function);
    Py_DECREF(function);
    run("import os, threading\n"
        "def ask():\n"
        "    global asks\n"
        "    while not over: asks = bool(os.read(zero, 1))\n"
        "zero = os.open('/dev/zero', os.O_RDONLY)\n"
        "asks = over = False\n"
        "asker = threading.Thread(target=ask)\n"
        "asker.start()\n"
        "while not asks: os.read(zero, 1)\n");
    watched = &list_;
    on_the_way.reset();
    probe_.start(list_, stacks);
    EXPECT_EQ(probe_.stacks(), stacks);
    run("exec(compile(\"\"\"" + code + "\"\"\", '" + file + "', 'exec'))");
    probe_.stop();
    watched = nullptr;
    run("over = True\nasker.join()\nos.close(zero)");
    return list_.stands();
  }

  // Of the releases of this thread that were forced or not: those for which somebody waited.
  static std::vector<Stand> own_releases(std::vector<Stand> stands) {
    std::erase_if(stands, [](const Stand& stand) {
      return stand.event.kind != EventKind::Release || stand.event.thread != this_thread_id();
    });
    return stands;
  }

  // That at most releases the stack began with these lines, once the code asked whether it is over.
  static void expect_stands(const std::vector<Stand>& stands, const std::vector<std::string>& lines) {
    auto releases = own_releases(stands);
    ASSERT_TRUE(on_the_way);
    ASSERT_GE(releases.size(), *on_the_way + kEnough);
    releases.erase(releases.begin(), releases.begin() + static_cast<std::ptrdiff_t>(*on_the_way));
    releases.resize(kEnough);
    const auto right = std::ranges::count_if(releases, [&](const Stand& stand) {
      std::span<const std::string> found(stand.lines);
      // Where it was kept for long, the waiter has seen what was called; a machine may stop it in any call.
      const std::size_t calls = !found.empty() && found.front().starts_with("<call>:") ? 1 : 0;
      const std::size_t most = std::min(lines.size(), kMaxFrames - calls);
      found = found.subspan(calls);
      return found.size() >= most && std::ranges::equal(found.first(most), std::span(lines).first(most));
    });
    // Not all: a line that is asked for little may be the one.
    EXPECT_GE(2 * right, std::ssize(releases)) << testing::PrintToString(releases.front().lines);
  }

  StackList list_;
  Probe probe_;
};

TEST_F(ProbeStacksTest, the_frames_of_this_build_are_known) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(check_stacks());
}

TEST_F(ProbeStacksTest, a_release_for_which_somebody_waits_says_where_the_thread_stands) {
  const auto stands = stands_of(
      "def loop():\n"
      "    while not is_over(): sum(range(1000))\n"
      "loop()\n");
  expect_stands(stands, {"culprit.py:2 loop", "culprit.py:3 <module>", "<string>:1 <module>"});
}

TEST_F(ProbeStacksTest, generators_coroutines_and_c_calls_lie_between_their_callers) {
  const auto stands = stands_of(
      "def produce():\n"
      "    while not is_over(): yield sum(range(1000))\n"
      "async def consume():\n"
      "    for _ in map(abs, produce()): pass\n"
      "try: consume().send(None)\n"
      "except StopIteration: pass\n");
  expect_stands(stands, {"culprit.py:2 produce", "culprit.py:4 consume", "culprit.py:5 <module>"});
}

TEST_F(ProbeStacksTest, of_a_deep_recursion_the_innermost_frames_are_read) {
  const auto stands = stands_of(
      "import sys\n"
      "before = sys.getrecursionlimit()\n"
      "sys.setrecursionlimit(200_000)\n"
      "def dive(left):\n"
      "    if left: return dive(left - 1)\n"
      "    while not is_over(): sum(range(1000))\n"
      "dive(100_000)\n"
      "sys.setrecursionlimit(before)\n");
  std::vector<std::string> lines(kMaxFrames, "culprit.py:5 dive");
  lines.front() = "culprit.py:6 dive";
  expect_stands(stands, lines);
}

TEST_F(ProbeStacksTest, names_are_utf_8_whatever_their_width) {
  const auto stands = stands_of(
      "class Größe:\n"
      "    def 測る(self):\n"
      "        while not is_over(): sum(range(1000))\n"
      "Größe().測る()\n",
      "größe/日本/🐍.py");
  expect_stands(stands, {"größe/日本/🐍.py:3 Größe.測る", "größe/日本/🐍.py:4 <module>"});
}

TEST_F(ProbeStacksTest, a_long_path_keeps_its_end_and_half_a_pair_is_no_utf_8) {
  const auto stands =
      stands_of("while not is_over(): sum(range(1000))\n", std::string(300, 'x') + "/\\udcff.py");
  expect_stands(stands, {"…" + std::string(245, 'x') + "/\xef\xbf\xbd.py:1 <module>"});
}

TEST_F(ProbeStacksTest, an_acquire_after_a_wait_says_where_the_thread_had_stopped) {
  const auto stands = stands_of("while not is_over(): sum(range(1000))\n");
  std::size_t asked = 0;
  for (const auto& stand : stands) {
    if (stand.event.kind != EventKind::Acquire || stand.event.thread == this_thread_id()) continue;
    ASSERT_FALSE(stand.lines.empty());
    EXPECT_EQ(stand.lines.front(), "<string>:4 ask");
    ++asked;
  }
  EXPECT_GT(asked, 0U);
}

// Of two threads that wait for each other: the first time a stack is read, as no release was noted before;
// and after a release for which nobody waited.
TEST_F(ProbeStacksTest, a_stack_is_not_read_again_where_the_thread_has_only_waited) {
  std::binary_semaphore may_ask(0);
  std::binary_semaphore has_it(0);
  std::binary_semaphore may_give(0);
  std::binary_semaphore has_given(0);
  ThreadId other_id{};
  std::thread thread([&] {
    other_id = this_thread_id();
    AttachedThread other;
    for (int turn = 0; turn < 3; ++turn) {
      may_ask.acquire();
      other.attach();
      has_it.release();
      may_give.acquire();
      other.detach();
      has_given.release();
    }
    may_ask.acquire();
  });
  probe_.start(list_, Stacks::On);
  std::ptrdiff_t requests = 0;
  for (int turn = 0; turn < 3; ++turn) {
    may_ask.release();
    list_.await_requests(++requests);
    PyThreadState* const own = PyEval_SaveThread();
    has_it.acquire();
    if (turn == 1) {
      may_give.release();
      has_given.acquire();  // the GIL, while nobody waits for it
      PyEval_RestoreThread(own);
      continue;
    }
    std::thread giver([&] {
      list_.await_requests(requests + 1);
      may_give.release();
    });
    PyEval_RestoreThread(own);
    ++requests;
    has_given.acquire();
    giver.join();
  }
  probe_.stop();
  may_ask.release();
  {
    const Detached detached;
    thread.join();
  }
  EXPECT_EQ(list_.again(), (std::vector{this_thread_id(), other_id, this_thread_id()}));
}

TEST_F(ProbeStacksTest, where_nobody_waits_nothing_is_read) {
  probe_.start(list_, Stacks::On);
  run("import os\n"
      "zero = os.open('/dev/zero', os.O_RDONLY)\n"
      "for _ in range(100): os.read(zero, 1)\n"
      "os.close(zero)\n");
  probe_.stop();
  EXPECT_TRUE(list_.stands().empty());
  EXPECT_GE(list_.bare().size(), 200U);
}

TEST_F(ProbeStacksTest, without_being_asked_for_nothing_is_read) {
  const auto stands = stands_of("while not is_over(): sum(range(1000))\n", "culprit.py", Stacks::Off);
  ASSERT_FALSE(stands.empty());
  for (const auto& stand : stands) EXPECT_TRUE(stand.lines.empty());
}

TEST_F(ProbeStacksTest, with_every_hold_its_begin_and_its_end_are_read_though_nobody_waits) {
  run("import time\n"
      "def rest():\n"
      "    time.sleep(0)\n");
  probe_.start(list_, Stacks::Every);
  EXPECT_EQ(probe_.stacks(), Stacks::Every);
  run("rest()\n");
  probe_.stop();
  EXPECT_TRUE(list_.bare().empty());
  std::vector<EventKind> kinds;
  for (const auto& stand : list_.stands()) {
    if (!stand.lines.empty() && stand.lines.front().ends_with(":3 rest")) kinds.push_back(stand.event.kind);
  }
  EXPECT_EQ(kinds, (std::vector{EventKind::Release, EventKind::Acquire}));
}

}  // namespace
}  // namespace gilscope
