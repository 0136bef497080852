// What a thread did with the GIL when somebody who waited looked, or Python collected: of real Python code
// that comes into a function of ours, which returns once somebody has waited for long enough.
#include <Python.h>

#include <algorithm>
#include <mutex>
#include <sched.h>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "probe/probe_fixture.h"

namespace gilscope {
namespace {

// The stacks of releases. Allocates, which a recorder of the product may not: the tests' threads do not mind.
class ReleaseList final : public EventList {
 public:
  void record_at(const Event& event, std::span<const CodePoint> stack,
                 const CodeReader& reader) noexcept override {
    record(event);
    if (event.kind == EventKind::Acquire || stack.empty()) return;
    std::vector<std::string> lines;
    for (const auto& point : stack) {
      CodeWords words;
      EXPECT_TRUE(reader.describe(point, words));
      lines.push_back(std::string(words.file()) + ":" + std::to_string(words.line) + " " +
                      std::string(words.function()));
    }
    const std::scoped_lock lock(mutex_);
    (event.kind == EventKind::Release ? releases_ : seen_).push_back(std::move(lines));
  }

  [[nodiscard]] std::vector<std::vector<std::string>> releases() const {
    const std::scoped_lock lock(mutex_);
    return releases_;
  }

  // Of holders, by who waits.
  [[nodiscard]] std::vector<std::vector<std::string>> seen() const {
    const std::scoped_lock lock(mutex_);
    return seen_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::vector<std::string>> releases_;
  std::vector<std::vector<std::string>> seen_;
};

ReleaseList* released = nullptr;
std::counting_semaphore<> turns{0};
bool was_kept = false;

std::size_t kept_intervals = 6;

// With the GIL held: has the other thread ask for it, and lets it wait for several switch intervals.
void keep_the_gil() {
  const auto before = released->count(EventKind::Timeout);
  turns.release();
  while (released->count(EventKind::Timeout) < before + kept_intervals) sched_yield();
  was_kept = true;
}

PyObject* keep(PyObject* /*self*/, PyObject* /*arguments*/, PyObject* /*names*/) {
  keep_the_gil();
  return PyLong_FromLong(1);
}
PyMethodDef keep_method{"keep", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(keep)),
                        METH_VARARGS | METH_KEYWORDS, nullptr};

PyObject* is_kept(PyObject* /*self*/, PyObject* /*unused*/) { return PyBool_FromLong(was_kept ? 1 : 0); }
PyMethodDef is_kept_method{"is_kept", is_kept, METH_NOARGS, nullptr};

// An object whose end takes that long.
PyObject* make(PyObject* /*self*/, PyObject* /*unused*/) {
  static int anything = 0;
  return PyCapsule_New(&anything, nullptr, [](PyObject*) { keep_the_gil(); });
}
PyMethodDef make_method{"make", make, METH_NOARGS, nullptr};

class ProbeHeldWorkTest : public ProbeOfStacksTest {
 protected:
  void SetUp() override {
    ProbeOfStacksTest::SetUp();
    if (IsSkipped()) return;
    for (auto* method : {&keep_method, &is_kept_method, &make_method}) {
      PyObject* const function = PyCFunction_New(method, nullptr);
      PyObject_SetAttrString(PyImport_AddModule("__main__"), method->ml_name, function);
      Py_DECREF(function);
    }
    run("import gc, functools, sys, threading\n");
  }

  // The release at which the other thread got its turn, as the code ran.
  std::vector<std::string> release_of(const std::string& code) {
    released = &list_;
    was_kept = false;
    std::binary_semaphore is_ready{0};
    std::thread waiter([&] {
      AttachedThread attached;
      is_ready.release();
      turns.acquire();
      attached.attach();
      attached.detach();
    });
    Py_BEGIN_ALLOW_THREADS;
    is_ready.acquire();
    Py_END_ALLOW_THREADS;
    probe_.start(list_, Stacks::On);
    // It lives on, as code does that is no longer run.
    run("code = compile(\"\"\"" + code + "\"\"\", 'culprit.py', 'exec')\nexec(code)");
    probe_.stop();
    Py_BEGIN_ALLOW_THREADS;
    waiter.join();
    Py_END_ALLOW_THREADS;
    const auto releases = list_.releases();
    EXPECT_FALSE(releases.empty());
    return releases.empty() ? std::vector<std::string>{"", ""} : releases.front();
  }

  void expect_release(const std::string& code, const std::vector<std::string>& lines) {
    auto release = release_of(code);
    ASSERT_GE(release.size(), lines.size()) << testing::PrintToString(release);
    release.resize(lines.size());
    EXPECT_EQ(release, lines);
  }

  ReleaseList list_;
  Probe probe_;
};

TEST_F(ProbeHeldWorkTest, the_function_that_was_called_is_named_whatever_lies_on_the_stack) {
  expect_release(
      "def work(lock):\n"
      "    with lock:\n"
      "        for i in range(1):\n"
      "            try:\n"
      "                raise ValueError\n"
      "            except ValueError as error:\n"
      "                str([i, max(2, id(keep()))])\n"
      "work(threading.Lock())\n",
      {"<call>:0 keep", "culprit.py:7 work", "culprit.py:8 <module>"});
}

TEST_F(ProbeHeldWorkTest, a_call_with_unpacked_arguments_is_named) {
  expect_release(
      "def work(call, *arguments, **names): return 1 + call(*arguments, **names)\nwork(keep, 1, a=2)\n",
      {"<call>:0 keep", "culprit.py:1 work"});
}

TEST_F(ProbeHeldWorkTest, a_call_with_named_arguments_is_named) {
  expect_release("sorted([2], key=keep)\n", {"<call>:0 sorted", "culprit.py:1 <module>"});
}

TEST_F(ProbeHeldWorkTest, a_method_is_named_with_its_type) {
  expect_release("[2].sort(key=keep)\n", {"<call>:0 list.sort", "culprit.py:1 <module>"});
}

TEST_F(ProbeHeldWorkTest, a_function_is_named_with_its_module) {
  expect_release("functools.reduce(keep, [1, 2])\n", {"<call>:0 _functools.reduce", "culprit.py:1 <module>"});
}

TEST_F(ProbeHeldWorkTest, an_object_that_is_called_is_named_by_its_type) {
  expect_release("functools.partial(keep, 1)()\n", {"<call>:0 functools.partial", "culprit.py:1 <module>"});
}

TEST_F(ProbeHeldWorkTest, a_class_that_is_called_is_named) {
  expect_release("list(map(keep, [1]))\n", {"<call>:0 list", "culprit.py:1 <module>"});
}

TEST_F(ProbeHeldWorkTest, a_step_of_a_loop_is_named_in_a_generator_too) {
  expect_release(
      "def produce():\n"
      "    for one in map(keep, [1]):\n"
      "        for i in range(1000): pass\n"
      "        yield one\n"
      "for _ in produce(): pass\n",
      {"<call>:0 map.__next__", "culprit.py:2 produce"});
}

TEST_F(ProbeHeldWorkTest, objects_that_a_function_held_are_freed_as_it_returns) {
  const auto release = release_of(
      "def handle():\n"
      "    batch = make()\n"
      "    return 1\n"
      "def receive():\n"
      "    handle()\n"
      "    for i in range(1000): pass\n"
      "receive()\n");
  EXPECT_EQ(release.front(), "<freeing>:0 handle");
#if PY_VERSION_HEX >= 0x030c0000
  EXPECT_EQ(release.at(1), "culprit.py:5 receive") << "where it was called, not where the thread stood later";
#endif
}

TEST_F(ProbeHeldWorkTest, objects_are_freed_as_a_name_is_deleted) {
  expect_release(
      "def receive():\n"
      "    batch = make()\n"
      "    del batch\n"
      "    for i in range(1000): pass\n"
      "receive()\n",
      {"<freeing>:0 ", "culprit.py:3 receive"});
}

// Garbage that takes long.
const std::string kMakeGarbage =
    "gc.collect()\n"
    "garbage = [make()]\n"
    "garbage.append(garbage)\n"
    "del garbage\n";

TEST_F(ProbeHeldWorkTest, a_collection_that_was_asked_for_is_told_on_its_line) {
  expect_release("gc.disable()\n" + kMakeGarbage + "gc.collect()\n",
                 {"<gc.collect>:0 generation 2", "culprit.py:6 <module>"});
  run("gc.enable()");
}

TEST_F(ProbeHeldWorkTest, a_collection_that_comes_by_itself_is_told) {
  const auto release = release_of("gc.disable()\n" + kMakeGarbage +
                                  "gc.enable()\nkept = []\nwhile not is_kept(): kept.append([])\n");
  EXPECT_TRUE(release.front().starts_with("<garbage collection>:0 generation ")) << release.front();
}

// It may never come back.
TEST_F(ProbeHeldWorkTest, a_holder_is_seen_by_who_has_waited_for_very_long_with_all_its_stack) {
  kept_intervals = 70;
  run("sys.setswitchinterval(1e-3)");
  release_of(
      "def größe(lines):\n"
      "    return [keep() for line in lines]\n"
      "def produce():\n"
      "    yield größe([1])\n"
      "list(produce())\n");
  run("sys.setswitchinterval(5e-3)");
  kept_intervals = 6;
  const auto seen = list_.seen();
  ASSERT_EQ(seen.size(), 1U) << "once a hold";
  auto stack = seen.front();
  std::erase_if(stack, [](const std::string& line) { return line.ends_with("<listcomp>"); });  // up to 3.11
  ASSERT_GE(stack.size(), 4U);
  stack.resize(4);
  EXPECT_EQ(stack, (std::vector<std::string>{"<call>:0 keep", "culprit.py:2 größe", "culprit.py:4 produce",
                                             "culprit.py:5 <module>"}));
}

TEST_F(ProbeHeldWorkTest, the_program_sees_its_own_callbacks_and_they_hear_what_they_heard) {
  run("told = []\n"
      "def hear(phase, info): told.append((phase, sorted(info)))\n"
      "callbacks = gc.callbacks\n"
      "gc.callbacks.append(hear)\n"
      "gc.collect()\n"
      "before, told[:] = told[:], []\n");
  probe_.start(list_, Stacks::On);
  run("gc.collect()\n"
      "assert told == before, told\n"
      "assert gc.callbacks is callbacks and callbacks == [hear]\n"
      "del sys.modules['gc']\n"
      "import gc as another\n"
      "assert another.callbacks is callbacks\n"
      "assert not [item for item in gc.get_objects() if type(item) is type(len) and item.__name__ == "
      "'gilscope']\n"
      "callbacks.clear()\n"
      "callbacks.append(hear)\n"
      "told.clear()\n");
  probe_.stop();
  run("gc.collect()\n"
      "assert told == before, told\n"
      "assert callbacks == [hear]\n"
      "callbacks.clear()\n"
      "told.clear()\n"
      "gc.collect()\n"
      "assert not told\n"
      "sys.modules['gc'] = gc\n");
}

}  // namespace
}  // namespace gilscope
