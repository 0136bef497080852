// Waits for locks of CPython's, made by threads that are no Python's, and by Python's.
#include <Python.h>

#include "probe/lock_waits.h"

#include <atomic>
#include <csignal>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "probe/probe_fixture.h"

namespace gilscope {
namespace {

using testing::Contains;

// Of a lock that CPython has made for C. Up to 3.13 that is a semaphore of the C library's, which counts who
// waits (glibc, 64 bits: the upper half of its first word); later a PyMutex, whose second bit says that
// somebody does.
bool is_waited_for(PyThread_type_lock lock) {
#if PY_VERSION_HEX < 0x030e0000
  std::uint64_t word = 0;
  std::memcpy(&word, lock, sizeof word);
  return word >> 32U != 0;
#else
  return (*static_cast<const volatile std::uint8_t*>(lock) & 2U) != 0;
#endif
}

// One that this thread has, and another thread waits for until it is given up.
class ContendedLock {
 public:
  ContendedLock() : lock_(PyThread_allocate_lock()) {
    PyThread_acquire_lock(lock_, WAIT_LOCK);
    other_ = std::thread([this] {
      waiter_ = gettid();
      PyThread_acquire_lock(lock_, WAIT_LOCK);
      PyThread_release_lock(lock_);
    });
    while (!is_waited_for(lock_)) std::this_thread::yield();
  }
  ContendedLock(const ContendedLock&) = delete;
  ContendedLock& operator=(const ContendedLock&) = delete;
  ContendedLock(ContendedLock&&) = delete;
  ContendedLock& operator=(ContendedLock&&) = delete;
  ~ContendedLock() { PyThread_free_lock(lock_); }

  // Returns when the other thread has ended; which one that was.
  std::uint64_t give_up() {
    PyThread_release_lock(lock_);
    other_.join();
    return static_cast<std::uint64_t>(waiter_.load());
  }

 private:
  PyThread_type_lock lock_;
  std::atomic<pid_t> waiter_{0};
  std::thread other_;
};

// One that can have a signal come when a thread is about to wait.
class SignallingList final : public EventList {
 public:
  Stand stand_at(std::uint64_t /*ticks*/, std::span<const CodePoint> /*stack*/,
                 const CodeReader& /*reader*/) noexcept override {
    if (std::exchange(is_to_signal, false)) static_cast<void>(raise(SIGUSR1));
    return {};
  }

  bool is_to_signal = false;
};

class LockWaitsTest : public ProbeOfStacksTest {
 protected:
  void SetUp() override {
    ProbeOfStacksTest::SetUp();
    if (IsSkipped()) return;
    list_.note_locks(table_.get());
    probe_.start(list_, Stacks::On);
  }
  void TearDown() override {
    probe_.stop();
    ProbeOfStacksTest::TearDown();
  }

  // "turn at app.py:3 work, ended at app.py:9 give"
  [[nodiscard]] std::vector<std::string> rows() const {
    std::vector<std::string> found;
    for (const LockRow& row : table_->rows) {
      if (row.count == 0) break;
      EXPECT_GE(row.ticks, row.longest);
      EXPECT_NE(row.longest_thread, 0U);
      auto text = describe(row.place);
      if (row.ended_at_plus_one != 0) text += ", ended at" + describe(row.ended_at_plus_one - 1).substr(7);
      found.push_back(text);
    }
    return found;
  }

  // Ticks at lines of app.py.
  [[nodiscard]] std::uint64_t by_peers() const {
    std::uint64_t sum = 0;
    for (const LockRow& row : table_->rows) {
      if (row.count != 0 && std::string_view(table_->places.at(row.place).file.data()) == "app.py")
        sum += row.by_peers;
    }
    return sum;
  }

  SignallingList list_;
  Probe probe_;
  std::unique_ptr<LockTable> table_ = std::make_unique<LockTable>();

 private:
  [[nodiscard]] std::string describe(std::uint64_t number) const {
    const LockPlace& place = table_->places.at(number);
    const auto text = std::string(place.work == 1 ? "work at " : "turn at ") + place.file.data() + ':' +
                      std::to_string(place.line) + ' ' + place.function.data();
    return place.within.front() == '\0' ? text : text + " in " + place.within.data();
  }
};

TEST_F(LockWaitsTest, have_their_length_their_thread_and_who_ended_them) {
  ContendedLock lock;
  const std::uint64_t waiter = lock.give_up();
  const LockRow& row = table_->rows[0];
  EXPECT_EQ(row.count, 1U);
  EXPECT_GT(row.ticks, 0U);
  EXPECT_EQ(row.longest_thread, waiter);
  EXPECT_EQ(row.longest_ender, static_cast<std::uint64_t>(gettid()));
  EXPECT_EQ(table_->rows[1].count, 0U) << "to release it when nobody waits is no wait";
}

TEST_F(LockWaitsTest, that_time_ends_were_ended_by_nobody) {
  const PyThread_type_lock lock = PyThread_allocate_lock();
  PyThread_acquire_lock(lock, WAIT_LOCK);
  EXPECT_EQ(PyThread_acquire_lock_timed(lock, 1000, 0), PY_LOCK_FAILURE);
  EXPECT_EQ(table_->rows[0].count, 1U);
  EXPECT_EQ(table_->rows[0].longest_ender, 0U);
  EXPECT_EQ(table_->rows[0].ended_at_plus_one, 0U);
  PyThread_release_lock(lock);
  PyThread_free_lock(lock);
}

TEST_F(LockWaitsTest, are_none_after_the_stop_though_one_was_on) {
  ContendedLock lock;
  probe_.stop();
  lock.give_up();
  EXPECT_EQ(table_->rows[0].count, 0U);
}

TEST_F(LockWaitsTest, of_python_have_the_line_that_waits_and_the_line_that_ended_it) {
  run("import threading, time\n"
      "exec(compile(\"\"\"\n"
      "lock = threading.Lock()\n"
      "waited = {}\n"
      "def work():\n"
      "    name = threading.current_thread().name\n"
      "    waited[name] = 0\n"
      "    while len(waited) < 2 or min(waited.values()) < 2:\n"
      "        begin = time.perf_counter()\n"
      "        with lock:\n"  // line 9
      "            waited[name] += time.perf_counter() - begin > 0.001\n"
      "            time.sleep(0.002)\n"
      "threads = [threading.Thread(target=work) for _ in range(2)]\n"
      "for thread in threads: thread.start()\n"
      "for thread in threads: thread.join()\n"
      "\"\"\", 'app.py', 'exec'))");
  EXPECT_THAT(rows(), Contains("turn at app.py:9 work, ended at app.py:9 work"));
  EXPECT_GT(by_peers(), 0U) << "each has waited, and had his turn";
}

// The signal comes when CPython has let go of the GIL and has not begun to wait: it would wait for ever.
TEST_F(LockWaitsTest, are_interrupted_by_a_signal_that_comes_while_they_are_made_ready) {
  list_.is_to_signal = true;
  run("import signal, threading\n"
      "def interrupt(*_): raise InterruptedError\n"
      "before = signal.signal(signal.SIGUSR1, interrupt)\n"
      "lock = threading.Lock()\n"
      "lock.acquire()\n"
      "try: lock.acquire()\n"
      "except InterruptedError: lock.release()\n"
      "signal.signal(signal.SIGUSR1, before)\n"
      "assert not lock.locked()");
  EXPECT_FALSE(list_.is_to_signal);
}

TEST_F(LockWaitsTest, that_signals_end_were_ended_by_no_peer) {
  run("exec(compile(\"\"\"\n"
      "import threading, time\n"
      "first, second = threading.Lock(), threading.Lock()\n"
      "second.acquire()\n"
      "def work(mine, others):\n"
      "    for _ in range(20):\n"
      "        mine.acquire()\n"  // line 7
      "        time.sleep(0.001)\n"
      "        others.release()\n"
      "turns = (first, second), (second, first)\n"
      "threads = [threading.Thread(target=work, args=both) for both in turns]\n"
      "for thread in threads: thread.start()\n"
      "for thread in threads: thread.join()\n"
      "\"\"\", 'app.py', 'exec'))");
  EXPECT_THAT(rows(), Contains("turn at app.py:7 work, ended at app.py:9 work"));
  EXPECT_EQ(by_peers(), 0U);
}

TEST_F(LockWaitsTest, tell_by_what_is_called_where_one_line_calls_a_queue_and_then_a_lock) {
  run("import _queue, threading, time\n"
      "exec(compile(\"\"\"\n"
      "queue = _queue.SimpleQueue()\n"
      "lock = threading.Lock()\n"
      "waited = set()\n"
      "def work():\n"
      "    for call in (queue.get, lock.acquire):\n"
      "        while call not in waited:\n"
      "            begin = time.perf_counter()\n"
      "            call()\n"  // line 9
      "            if time.perf_counter() - begin > 0.001: waited.add(call)\n"
      "lock.acquire()\n"
      "thread = threading.Thread(target=work)\n"
      "thread.start()\n"
      "while thread.is_alive():\n"
      "    time.sleep(0.002)\n"
      "    queue.put(1)\n"  // line 16
      "    if lock.locked(): lock.release()\n"
      "\"\"\", 'app.py', 'exec'))");
  EXPECT_THAT(rows(), Contains("work at app.py:9 work, ended at app.py:16 <module>"));
  EXPECT_THAT(rows(), Contains("turn at app.py:9 work, ended at app.py:17 <module>"));
}

TEST_F(LockWaitsTest, go_on_in_the_child_of_a_fork_where_nobody_waits_any_more) {
  ContendedLock lock;
  const pid_t child = fork();
  if (child == 0) {
    const PyThread_type_lock own = PyThread_allocate_lock();
    PyThread_acquire_lock(own, WAIT_LOCK);
    *table_ = {};
    PyThread_acquire_lock_timed(own, 1000, 0);
    _exit(table_->rows[0].count == 1 && table_->rows[0].longest_thread == static_cast<std::uint64_t>(gettid())
              ? 0
              : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  lock.give_up();
  EXPECT_EQ(table_->rows[0].count, 1U);
}

}  // namespace
}  // namespace gilscope
