// A run that goes on, seen by somebody who only looks: what it says is what the run would say, and its memory
// is as before.
#include <Python.h>

#include "recording/live_run.h"

#include <cstring>
#include <unistd.h>

#include "expect_error.h"
#include "recording/live_copy.h"
#include "recording/recording_fixture.h"

namespace gilscope {
namespace {

class LiveRuns : public RecordingTest {
 protected:
  static SharedSpace look_into(const Recording& recording) {
    return *SharedSpace::look(recording.path(), bytes_of_slot());
  }
  static RecordedRun look_at(const Recording& recording) { return LiveRun(look_into(recording)).collect(); }
};

std::uint64_t count_waits(const MachineSnapshot& figures) {
  std::uint64_t sum = 0;
  for (const auto& row : figures.threads) sum += row.waits;
  return sum;
}

std::uint64_t count_holds(const MachineSnapshot& figures) {
  std::uint64_t sum = 0;
  for (const auto& row : figures.threads) sum += row.holds;
  return sum;
}

TEST_F(LiveRuns, say_what_the_run_says) {
  Recording recording(Reach::WithChildren);
  recording.note_command({"gilscope", "run", "-c", ""});
  recording.start();
  run("read(1000)\npid = child(lambda: read(100))");
  const LiveRun live(look_into(recording));
  const RecordedRun seen = live.collect();
  recording.stop();
  const RecordedRun said = recording.collect();
  ASSERT_EQ(seen.processes.size(), 2U);
  ASSERT_EQ(said.processes.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(seen.processes[i].pid, said.processes[i].pid);
    EXPECT_EQ(count_holds(seen.processes[i]), count_holds(said.processes[i]));
    EXPECT_EQ(count_releases(seen.processes[i]), count_releases(said.processes[i]));
    EXPECT_EQ(seen.processes[i].threads.front().name, "MainThread");
  }
  EXPECT_GE(count_releases(seen.processes.front()), 1000U);
  EXPECT_EQ(seen.running, std::vector<std::int64_t>{getpid()});
  EXPECT_EQ(said.running, std::vector<std::int64_t>{});
  EXPECT_GT(seen.processes.front().cpu, Nanoseconds{});
  EXPECT_GT(seen.processes.front().threads.front().cpu, Nanoseconds{});
  EXPECT_EQ(seen.losses.unrecorded_processes, 0U);
  EXPECT_EQ(live.capture(), "");
  EXPECT_EQ(live.command(), (std::vector<std::string>{"gilscope", "run", "-c", ""}));
}

TEST_F(LiveRuns, are_found_by_the_process) {
  Recording recording(Reach::WithChildren);
  recording.start();
  run("read(10)");
  EXPECT_EQ(LiveRun::find(getpid()).collect().running, std::vector<std::int64_t>{getpid()});
}

TEST_F(LiveRuns, have_nothing_written_to_their_memory) {
  Recording recording(Reach::WithChildren);
  recording.start();
  run("read(100)");
  const auto space = look_into(recording);
  const auto begin = static_cast<off_t>(space.offset_of(0));
  const auto end = begin + static_cast<off_t>(bytes_of_slot());
  const auto bytes_of_memory = [&] {
    off_t bytes = 0;
    for (off_t at = lseek(space.file(), begin, SEEK_DATA); at >= 0 && at < end;) {
      const off_t hole = lseek(space.file(), at, SEEK_HOLE);
      bytes += hole - at;
      at = lseek(space.file(), hole, SEEK_DATA);
    }
    return bytes;
  };
  const auto before = bytes_of_memory();
  EXPECT_GT(before, 0);
  const ZeroedMemory old(bytes_of_slot());
  copy_written(space, 0, bytes_of_slot(), old.data());
  EXPECT_GE(count_releases(look_at(recording).processes.front()), 100U);
  EXPECT_EQ(LiveRun(look_into(recording)).notes().processes.size(), 1U);
  EXPECT_EQ(LiveRun::find(getpid()).capture(), "");
  EXPECT_EQ(bytes_of_memory(), before);
  const ZeroedMemory now(bytes_of_slot());
  copy_written(space, 0, bytes_of_slot(), now.data());
  EXPECT_EQ(std::memcmp(now.data(), old.data(), bytes_of_slot()), 0);
}

TEST_F(LiveRuns, never_say_less_than_before_however_busy_they_are) {
  Recording recording(Reach::WithChildren);
  recording.start();
  const auto space = look_into(recording);
  run(R"(
import threading
is_over = False
def work():
    while not is_over: read(1)
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
)");
  PyThreadState* const state = PyEval_SaveThread();
  std::uint64_t holds = 0;
  std::uint64_t waits = 0;
  for (int i = 0; i < 50; ++i) {
    LiveCopy copy(space, 0);
    ASSERT_TRUE(copy.is_exact());
    const auto figures = copy.view().figures(ProbeClock::best().read());
    EXPECT_GE(count_holds(figures), holds);
    EXPECT_GE(count_waits(figures), waits);
    holds = count_holds(figures);
    waits = count_waits(figures);
  }
  PyEval_RestoreThread(state);
  run("is_over = True\nfor thread in threads: thread.join()");
  recording.stop();
  EXPECT_GE(count_holds(recording.collect().processes.front()), holds);
}

// It has stopped for good in the middle of something.
TEST_F(LiveRuns, tell_of_a_process_whose_lock_somebody_has) {
  Recording recording(Reach::WithChildren);
  recording.start();
  run("read(100)");
  const auto space = SharedSpace::open(recording.path(), bytes_of_slot());
  const SharedSpace::View view(*space, 0);
  const BlameTables tables(kSharedBounds, view.data() + sizeof(ProcessNote));
  tables.queue().lock();
  LiveCopy copy(*space, 0);
  EXPECT_FALSE(copy.is_exact());
  const auto figures = copy.view().figures(ProbeClock::best().read());
  tables.queue().unlock();
  EXPECT_GE(count_holds(figures), 100U);
}

TEST_F(LiveRuns, wait_for_no_process_that_was_killed_with_its_lock) {
  Recording recording(Reach::WithChildren);
  recording.start();
  run(R"(
pid = child(lambda: (read(100), os.kill(os.getpid(), signal.SIGKILL)))
)");
  const auto space = SharedSpace::open(recording.path(), bytes_of_slot());
  ASSERT_EQ(space->claimed(), 2U);
  EXPECT_EQ(test::run_in_child([&] {
              const SharedSpace::View view(*space, 1);
              BlameTables(kSharedBounds, view.data() + sizeof(ProcessNote)).queue().lock();
              return true;
            }),
            0);
  LiveCopy copy(*space, 1);
  EXPECT_TRUE(copy.is_exact());
  EXPECT_GE(count_releases(process_of(look_at(recording), value_of("pid"))), 100U);
}

TEST_F(LiveRuns, name_no_process_that_became_another_program) {
  Recording recording(Reach::WithChildren);
  recording.start();
  run(R"(
r, w = os.pipe()
ready, told = os.pipe()
def wait(): os.close(w); os.write(told, b'x'); os.read(r, 1)
pid = os.fork()
if not pid:
    try: wait()
    finally: os._exit(0)
os.read(ready, 1); os.close(ready); os.close(told)
)");
  const auto child = value_of("pid");
  EXPECT_EQ(look_at(recording).running, (std::vector<std::int64_t>{getpid(), child}));
  const auto told = recording.collect();
  EXPECT_EQ(told.running, std::vector<std::int64_t>{child});
  EXPECT_GE(process_of(told, child).cpu, Nanoseconds{}) << "of a process that goes on it can be asked";
  const auto space = SharedSpace::open(recording.path(), bytes_of_slot());
  const SharedSpace::View view(*space, 1);
  reinterpret_cast<ProcessNote*>(view.data())->exec_ticks.set(1);
  EXPECT_EQ(look_at(recording).running, std::vector<std::int64_t>{getpid()});
  run("os.close(w); os.waitpid(pid, 0)");
}

TEST_F(LiveRuns, are_not_found_by_a_process_that_is_no_part_of_them) {
  Recording recording(Reach::WithChildren);
  recording.exclude_children();
  recording.start();
  EXPECT_EQ(test::run_in_child([] {
              const std::string said = test::error_of([] { LiveRun::find(getpid()); }).what();
              return said.find("is not recorded") != std::string::npos;
            }),
            0);
}

TEST(FindLiveRun, SaysWhyThereIsNone) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  EXPECT_THAT(test::error_of([&] { LiveRun::find(child); }).what(), testing::HasSubstr("is not recorded"));
  kill(child, SIGKILL);
  siginfo_t ended{};
  waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT);
  EXPECT_THAT(test::error_of([&] { LiveRun::find(child); }).what(),
              testing::HasSubstr("there is no process"));
  test::wait_for(child);
  EXPECT_THAT(test::error_of([&] { LiveRun::find(child); }).what(),
              testing::HasSubstr("there is no process"));
}

TEST(FindLiveRun, LooksAtNobodyElses) {
  if (geteuid() != 0) GTEST_SKIP() << "only root becomes another user";
  constexpr uid_t kNobody = 65534;
  const pid_t parent = getpid();
  EXPECT_EQ(test::run_in_child([&] {
              if (setuid(kNobody) != 0) return false;
              const std::string said = test::error_of([&] { LiveRun::find(parent); }).what();
              return said.find("is another user's") != std::string::npos;
            }),
            0);
}

}  // namespace
}  // namespace gilscope
