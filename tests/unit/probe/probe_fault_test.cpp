// Fork, stop while threads run, threads that wait while the probe comes and goes, errno.
#include <Python.h>

#include <atomic>
#include <cerrno>
#include <sys/wait.h>
#include <thread>

#include "probe/probe_fixture.h"
#include "sanitizers.h"

namespace gilscope {
namespace {

// A recorder that notices an event after it was told that there will be none.
class ClosedRecorder : public Recorder {
 public:
  void record(const Event&) noexcept override {
    inside_.fetch_add(1);
    if (is_closed_.load()) late_.fetch_add(1);
    for (int i = 0; i < 50; ++i)
      spin_.fetch_add(1, std::memory_order_relaxed);  // the longer, the likelier to be met
    inside_.fetch_sub(1);
    count_.fetch_add(1);
  }
  void shut() {
    is_closed_.store(true);
    if (inside_.load() != 0) late_.fetch_add(1);
  }
  [[nodiscard]] int late() const { return late_.load(); }
  [[nodiscard]] std::uint64_t count() const { return count_.load(); }

 private:
  std::atomic<int> inside_{0};
  std::atomic<int> late_{0};
  std::atomic<int> spin_{0};
  std::atomic<bool> is_closed_{false};
  std::atomic<std::uint64_t> count_{0};
};

TEST_F(ProbeTest, AfterTheStopNoThreadIsInsideTheRecorder) {
  std::atomic<bool> is_over{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&is_over] {
      AttachedThread state;
      while (!is_over.load()) {
        state.attach();
        state.detach();
      }
    });
  }
  for (int round = 0; round < 200; ++round) {
    ClosedRecorder recorder;
    Probe probe;
    probe.start(recorder);
    for (int i = 0; i < 20; ++i) {
      const Detached detached;
    }
    if (round % 2 == 0) {
      const Detached detached;  // a thread that holds no GIL may stop it, too
      probe.stop();
      recorder.shut();
    } else {
      probe.stop();
      recorder.shut();
    }
    const std::uint64_t before = recorder.count();
    {
      const Detached detached;
      std::this_thread::yield();
    }
    ASSERT_EQ(recorder.late(), 0);
    ASSERT_EQ(recorder.count(), before);
  }
  is_over = true;
  {
    const Detached detached;
    for (auto& thread : threads) thread.join();
  }
}

TEST_F(ProbeTest, AThreadThatWaitsWhileProbesComeAndGoGetsTheGil) {
  std::binary_semaphore may_ask(0);
  std::thread thread([&] {
    may_ask.acquire();
    AttachedThread other;
    other.attach();
    other.detach();
  });
  EventList first;
  EventList second;
  Probe probe;
  probe.start(first);
  may_ask.release();
  while (first.count(EventKind::Request) == 0) std::this_thread::yield();
  while (first.count(EventKind::Timeout) == 0) std::this_thread::yield();
  probe.stop();
  // It waits inside the hook of the run that is over. One of its rounds ends in the next run, which asks
  // anew.
  probe.start(second);
  {
    const Detached detached;
    thread.join();
  }
  probe.stop();
  expect_true_list(first.events());
  expect_true_list(second.events());
  EXPECT_EQ(first.count(EventKind::Request), 1U);
}

TEST_F(ProbeTest, AForkedChildCountsOn) {
  EventList list;
  Probe probe;
  probe.start(list);
  {
    const Detached detached;
  }
  run(R"(
import os, sys
child = os.fork()
)");
  PyObject* const main = PyImport_AddModule("__main__");
  PyObject* const child = PyObject_GetAttrString(main, "child");
  const long pid = PyLong_AsLong(child);
  Py_DECREF(child);
  if (pid == 0) {
    const std::size_t inherited = list.size();
    for (int i = 0; i < 1'000; ++i) {
      const Detached detached;
    }
    const std::size_t own = list.size() - inherited;
    int verdict = 0;
    if (own != 2'000) verdict |= 1;
    const auto events = list.events();
    // From fork() on, the child's events begin with the acquire of the GIL that Python made anew.
    std::size_t begin = events.size();
    while (begin > 0 && events[begin - 1].thread == this_thread_id()) --begin;
    const std::size_t size = events.size() - begin;
    if (size < 2'001 || size % 2 == 0 || events[begin].kind != EventKind::Acquire) verdict |= 2;
    if (events[begin].gil != GilId{0}) verdict |= 4;
    for (std::size_t i = begin; i < events.size(); ++i) {
      if (events[i].kind != ((i - begin) % 2 == 0 ? EventKind::Acquire : EventKind::Release)) verdict |= 8;
    }
    // Python's own threads, in the child.
    if (PyRun_SimpleString(
            "import threading\nt = threading.Thread(target=sum, args=([1],)); t.start(); t.join()") != 0) {
      verdict |= 16;
    }
    probe.stop();
    const std::size_t at_end = list.size();
    {
      const Detached detached;
    }
    if (list.size() != at_end) verdict |= 32;
    probe.start(list);
    probe.stop();
    if (list.size() != at_end + 1) verdict |= 64;
    _exit(verdict);
  }
  const std::size_t before = list.size();
  int status = 0;
  waitpid(static_cast<pid_t>(pid), &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(list.size(), before);
  probe.stop();
  expect_true_list(list.events());
}

TEST_F(ProbeTest, AForkFromAThreadWhileOthersRun) {
  // TSan ends a child that starts one after a fork beside other threads (die_after_fork=0 changes the words).
  run(test::is_sanitized_by("thread") ? "may_start_threads = False" : "may_start_threads = True");
  EventList list;
  Probe probe;
  probe.start(list);
  run(R"(
import os, threading, time, warnings
warnings.simplefilter('ignore')
over = False
def churn():
    fd = os.open('/dev/zero', os.O_RDONLY)
    while not over: os.read(fd, 1); time.sleep(1e-4)
    os.close(fd)
def fork():
    global statuses
    statuses = []
    for _ in range(30):
        pid = os.fork()
        if pid == 0:
            if may_start_threads:
                t = threading.Thread(target=sum, args=([1],)); t.start(); t.join()
            os._exit(7)
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
churner = threading.Thread(target=churn); churner.start()
forker = threading.Thread(target=fork); forker.start(); forker.join()
over = True; churner.join()
assert statuses == [7] * 30, statuses
)");
  probe.stop();
  expect_true_list(list.events());
}

TEST_F(ProbeTest, ErrnoStaysAsItWas) {
  EventList list;
  Probe probe;
  probe.start(list);
  for (int i = 0; i < 100; ++i) {
    PyThreadState* const state = PyEval_SaveThread();
    errno = 4711;
    PyEval_RestoreThread(state);
    ASSERT_EQ(errno, 4711);
  }
  probe.stop();
}

TEST_F(ProbeTest, DestroyingAProbeStopsIt) {
  EventList list;
  {
    Probe probe;
    probe.start(list);
  }
  {
    const Detached detached;
  }
  EXPECT_EQ(list.size(), 1U);
}

}  // namespace
}  // namespace gilscope
