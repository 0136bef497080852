// Children: what they recorded is there however they ended, and their parent's figures are not touched.
#include <Python.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/switched_off_tsc.h"
#include "recording/recording.h"
#include "recording/recording_fixture.h"

namespace gilscope {
namespace {

class RecordedChildren : public RecordingTest {
 protected:
  // Exit code 0 where it is true of a child that Python knows of.
  template <typename Check>
  static int run_as_fork(Check succeeds) {
    PyOS_BeforeFork();
    const pid_t pid = fork();
    if (pid == 0) {
      PyOS_AfterFork_Child();
      _exit(succeeds() ? 0 : 1);
    }
    PyOS_AfterFork_Parent();
    return test::wait_for(pid);
  }

  // What a child recorded that did `act`.
  static ProcessRecord record_child(const std::string& act) {
    Recording recording(Reach::WithChildren);
    recording.start();
    run("pid = child(lambda: (" + act + "))");
    recording.stop();
    const RecordedRun recorded = recording.collect();
    EXPECT_EQ(recorded.processes.size(), 2U);
    EXPECT_EQ(recorded.processes.front().pid, getpid());
    return process_of(recorded, value_of("pid"));
  }
};

TEST_F(RecordedChildren, are_recorded_exactly_however_they_end) {
  const std::string kill = "os.kill(os.getpid(), signal.SIGKILL)";
  for (const std::string& end : {std::string("os._exit(0)"), kill, std::string("os.abort()")}) {
    const auto idle = record_child(end);
    const auto busy = record_child("read(1000), " + end);
    EXPECT_EQ(count_releases(busy), count_releases(idle) + 1000) << end;
    EXPECT_EQ(count_holds(busy), count_holds(idle) + 1000) << end;
    EXPECT_EQ(busy.role, ProcessRole::Fork);
    EXPECT_EQ(busy.parent_pid, getpid());
    EXPECT_GT(busy.wall, Nanoseconds::zero());
    EXPECT_FALSE(busy.cpu) << "nobody was there to read it";
    ASSERT_EQ(busy.figures.threads.size(), 1U);
    EXPECT_EQ(static_cast<std::int64_t>(*busy.figures.threads.front().thread), busy.pid);
    ASSERT_EQ(busy.threads.size(), 1U);
    EXPECT_EQ(busy.threads.front().name, "MainThread");
  }
}

// Noted as it happens: who is killed says it, too. 1,000 reads are 2,000 events, each in a sample of 61.
TEST_F(RecordedChildren, that_were_killed_have_the_time_that_their_hooks_took) {
  Recording recording(Reach::WithChildren, {}, Stacks::Every);
  recording.start();
  run("pid = child(lambda: (read(1000), os.kill(os.getpid(), signal.SIGKILL)))");
  recording.stop();
  const RecordedRun recorded = recording.collect();
  const auto child = process_of(recorded, value_of("pid"));
  EXPECT_GE(child.hooks.timed, 2000 / HookTimes::kOneOf - 1);
  EXPECT_GT(child.hooks.ticks, 0U);
  EXPECT_LT(recorded.processes.front().hooks.timed, child.hooks.timed) << "it has its own";
}

TEST_F(RecordedChildren, do_not_touch_the_figures_of_their_parent) {
  for (const auto reach : {Reach::ThisProcess, Reach::WithChildren}) {
    std::uint64_t releases[2] = {};
    for (const int reads : {0, 1000}) {
      Recording recording(reach);
      recording.start();
      run("child(lambda: read(" + std::to_string(reads) + "))");
      recording.stop();
      const RecordedRun recorded = recording.collect();
      EXPECT_EQ(recorded.processes.size(), reach == Reach::ThisProcess ? 1U : 2U);
      releases[reads == 0 ? 0 : 1] = count_releases(recorded.processes.front());
    }
    EXPECT_EQ(releases[0], releases[1]);
  }
}

TEST_F(RecordedChildren, have_children_of_their_own) {
  Recording recording(Reach::WithChildren);
  recording.start();
  run(R"(
r, w = os.pipe()
pid = child(lambda: os.write(w, child(lambda: read(100)).to_bytes(8, 'big')))
grandchild = int.from_bytes(os.read(r, 8), 'big')
os.close(r); os.close(w)
)");
  recording.stop();
  const RecordedRun recorded = recording.collect();
  EXPECT_EQ(recorded.processes.size(), 3U);
  EXPECT_EQ(process_of(recorded, value_of("pid")).parent_pid, getpid());
  const auto grandchild = process_of(recorded, value_of("grandchild"));
  EXPECT_EQ(grandchild.parent_pid, value_of("pid"));
  EXPECT_EQ(grandchild.role, ProcessRole::Fork);
  EXPECT_GE(count_releases(grandchild), 100U);
}

TEST_F(RecordedChildren, forked_by_a_thread_have_that_thread_as_their_main_one) {
  Recording recording(Reach::WithChildren);
  recording.start();
  run(R"(
import threading, warnings
warnings.simplefilter('ignore')
pids = []
thread = threading.Thread(target=lambda: pids.append(child(lambda: read(10))))
thread.start(); thread.join()
)");
  recording.stop();
  const auto process = process_of(recording.collect(), value_of("pids[0]"));
  ASSERT_EQ(process.threads.size(), 1U);
  EXPECT_EQ(process.threads.front().name, "MainThread");
  EXPECT_EQ(static_cast<std::int64_t>(process.threads.front().id), process.pid);
}

TEST_F(RecordedChildren, that_still_run_count_up_to_now_and_up_to_their_last_event_once_they_are_dead) {
  Recording recording(Reach::WithChildren);
  recording.start();
  // From the byte on the child keeps the GIL: who has read it knows that no event of the child's is to come.
  run(R"(
import ctypes
libc = ctypes.PyDLL(None)
ready, told = os.pipe()
block, never = os.pipe()
pid = os.fork()
if pid == 0:
    try:
        libc.write(told, b'x', 1)
        libc.read(block, ctypes.create_string_buffer(1), 1)
    finally: os._exit(0)
os.read(ready, 1)
)");
  const auto pid = value_of("pid");
  const auto early = process_of(recording.collect(), pid).wall;
  const auto later = process_of(recording.collect(), pid).wall;
  EXPECT_GT(later, early);
  run("os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)");
  const auto last = process_of(recording.collect(), pid);
  EXPECT_LE(last.wall, later);
  run("for number in (ready, told, block, never): os.close(number)");
  // The length of a tick is measured anew each time.
  const auto again = static_cast<double>(process_of(recording.collect(), pid).wall.count());
  EXPECT_NEAR(again / static_cast<double>(last.wall.count()), 1, 0.01);
  EXPECT_EQ(count_holds(process_of(recording.collect(), pid)), count_holds(last));
}

// One after the other: their slots are taken again.
TEST_F(RecordedChildren, that_ended_long_ago_are_one_and_nothing_of_them_is_lost) {
  constexpr std::uint64_t kChildren = SharedSpace::kFew + 60;
  Recording recording(Reach::WithChildren);
  recording.start();
  const auto bytes = [&] {
    struct stat status{};
    fstat(recording.file(), &status);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
  };
  run("pid = child(lambda: read(3))");
  const auto one = process_of(recording.collect(), value_of("pid"));
  run("for _ in range(" + std::to_string(kChildren - 1) + "): child(lambda: read(3))");
  recording.stop();
  const RecordedRun recorded = recording.collect();
  std::uint64_t children = 0;
  std::uint64_t releases = 0;
  for (const auto& process : recorded.processes) {
    if (process.pid == getpid()) continue;
    children += std::max<std::uint64_t>(process.folded, 1);
    releases += count_releases(process);
    EXPECT_EQ(process.role, ProcessRole::Fork);
  }
  EXPECT_EQ(children, kChildren);
  EXPECT_EQ(releases, kChildren * count_releases(one));
  EXPECT_LE(recorded.processes.size(), SharedSpace::kFew + 2);
  EXPECT_EQ(recorded.losses.unrecorded_processes, 0U);
  EXPECT_LT(bytes(), std::uint64_t{32} << 20U);
}

TEST_F(RecordedChildren, that_did_not_touch_python_are_left_out) {
  Recording recording(Reach::WithChildren);
  recording.start();
  EXPECT_EQ(test::run_in_child([] { return true; }), 0);
  recording.stop();
  const RecordedRun recorded = recording.collect();
  EXPECT_EQ(recorded.processes.size(), 1U);
  EXPECT_EQ(recorded.losses.unrecorded_processes, 0U);
}

TEST_F(RecordedChildren, are_counted_where_the_script_has_closed_the_descriptor) {
  Recording recording(Reach::WithChildren);
  recording.start();
  run("child(lambda: read(1))");
  close(std::stoi(recording.path().substr(recording.path().rfind('/') + 1)));
  run("child(lambda: read(1))");
  recording.stop();
  const RecordedRun recorded = recording.collect();
  EXPECT_EQ(recorded.processes.size(), 1U);
  EXPECT_EQ(recorded.losses.unrecorded_processes, 2U);
}

// Addresses that a script's limit (RLIMIT_AS) does not leave us: the rest is reported all the same.
TEST_F(RecordedChildren, that_cannot_be_mapped_are_counted) {
  Recording recording(Reach::WithChildren);
  recording.start();
  run("child(lambda: read(1))");
  recording.stop();
  const int code = test::run_in_child([&] {
    const rlimit limit{.rlim_cur = 1U << 20U, .rlim_max = 1U << 20U};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return false;
    const RecordedRun recorded = recording.collect();
    return recorded.processes.size() == 1 && recorded.losses.unrecorded_processes == 1;
  });
  EXPECT_EQ(code, 0);
}

// Of the second slot, as another process may have left it.
TEST_F(RecordedChildren, whose_notes_are_damaged_are_counted) {
  Recording recording(Reach::WithChildren);
  recording.start();
  run("child(lambda: read(1))");
  recording.stop();
  ASSERT_EQ(recording.collect().processes.size(), 2U);
  const FileDescriptor file(open(recording.path().c_str(), O_RDWR | O_CLOEXEC));
  struct stat status{};
  ASSERT_EQ(fstat(file.get(), &status), 0);
  constexpr auto kHead = static_cast<off_t>(SharedSpace::kHeaderBytes);
  const off_t slot = (status.st_size - kHead) / static_cast<off_t>(SharedSpace::kSlots);
  const std::string bytes(offsetof(ProcessNote, name), '\xff');
  ASSERT_EQ(pwrite(file.get(), bytes.data(), bytes.size(), kHead + slot), static_cast<ssize_t>(bytes.size()));
  const auto recorded = recording.collect();
  EXPECT_EQ(recorded.processes.size(), 1U);
  EXPECT_EQ(recorded.losses.unrecorded_processes, 1U);
  EXPECT_EQ(recording.notes().losses.unrecorded_processes, 1U);
}

TEST_F(RecordedChildren, that_join_take_no_word_for_granted) {
  const Recording recording(Reach::WithChildren);
  const FileDescriptor file(open(recording.path().c_str(), O_RDWR | O_CLOEXEC));
  const std::string bytes(SharedSpace::kCommonBytes, '\xfe');
  ASSERT_EQ(pwrite(file.get(), bytes.data(), bytes.size(), 4096), static_cast<ssize_t>(bytes.size()));
  const auto joined = Recording::join(recording.path(), ProcessRole::Spawn);
  ASSERT_NE(joined, nullptr);
  EXPECT_THROW(joined->start(), Error) << "there is no such folder";
}

TEST_F(RecordedChildren, are_nobodys_after_the_stop) {
  Recording recording(Reach::WithChildren);
  recording.start();
  recording.stop();
  run("child(lambda: read(1))");
  EXPECT_EQ(recording.collect().processes.size(), 1U);
}

// As multiprocessing's spawn does, but that a fork stands for the fresh process: no recording runs in it.
TEST_F(RecordedChildren, that_were_started_anew_join_by_the_path) {
  for (const auto role : {ProcessRole::Spawn, ProcessRole::Server}) {
    Recording recording(Reach::WithChildren);
    PyOS_BeforeFork();
    const pid_t pid = fork();
    if (pid == 0) {
      PyOS_AfterFork_Child();
      auto joined = Recording::join(recording.path(), role);
      if (!joined) _exit(1);
      joined->start();
      run("child(lambda: read(5))");
      joined->stop();
      _exit(0);
    }
    PyOS_AfterFork_Parent();
    recording.start();
    EXPECT_EQ(test::wait_for(pid), 0);
    recording.stop();
    const RecordedRun recorded = recording.collect();
    ASSERT_EQ(recorded.processes.size(), 3U);
    const auto joined = process_of(recorded, pid);
    EXPECT_EQ(joined.role, role);
    EXPECT_EQ(joined.parent_pid, getpid());
    EXPECT_TRUE(joined.cpu);
    const auto& forked = recorded.processes.back();
    EXPECT_EQ(forked.parent_pid, pid);
    EXPECT_EQ(forked.role, role == ProcessRole::Server ? ProcessRole::Forkserver : ProcessRole::Fork);
  }
}

// Its ticks could not be compared with those of the others.
TEST_F(RecordedChildren, that_may_not_read_the_clock_of_the_others_are_counted) {
  Recording recording(Reach::WithChildren);
  recording.start();
  recording.stop();
  const bool is_tsc = recording.collect().clock == ClockKind::Tsc;
  const int code = test::run_in_child([&] {
    const bool is_off = test::switch_tsc_off();
    const auto joined = Recording::join(recording.path(), ProcessRole::Spawn);
    return (joined == nullptr) == (is_tsc && is_off);
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(recording.collect().losses.unrecorded_processes, is_tsc ? 1U : 0U);
}

// Whatever they would have chosen for themselves.
TEST_F(RecordedChildren, that_were_started_anew_are_timed_by_the_clock_of_the_first_one) {
  const int code = run_as_fork([] {
    const bool is_off = test::switch_tsc_off();
    Recording recording(Reach::WithChildren);
    test::switch_tsc_on();  // up to 3.12, Python itself reads a clock for a lock, and at a fork
    recording.start();
    recording.stop();
    const int child = run_as_fork([&] {
      const auto joined = Recording::join(recording.path(), ProcessRole::Spawn);
      if (!joined) return false;
      joined->start();
      run("read(5)");
      joined->stop();
      return true;
    });
    if (child != 0) return false;
    const auto clock = ProbeClock::of(recording.collect().clock);
    const auto processes = recording.notes().processes;
    return clock && (!is_off || clock->kind() == ClockKind::Monotonic) && processes.size() == 2 &&
           processes[0].begin < processes[1].begin && processes[1].begin < clock->read();
  });
  EXPECT_EQ(code, 0);
}

TEST_F(RecordedChildren, find_nothing_to_join_where_nobody_records) {
  EXPECT_EQ(Recording::join("", ProcessRole::Spawn), nullptr);
  EXPECT_EQ(Recording::join("/dev/null", ProcessRole::Spawn), nullptr);
  std::string gone;
  {
    const Recording recording(Reach::WithChildren);
    gone = recording.path();
  }
  EXPECT_EQ(Recording::join(gone, ProcessRole::Spawn), nullptr);
}

}  // namespace
}  // namespace gilscope
