// What the tests of the capture share: a capture in a folder of the test's own, events in a row, all events
// of a file, and a child process that says when it is ready.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "capture/capture_folder.h"
#include "capture/event_recorder.h"
#include "capture/process_reader.h"
#include "scratch_folder.h"

namespace gilscope {

inline bool operator==(const Event& a, const Event& b) {
  return a.ticks == b.ticks && a.gil == b.gil && a.thread == b.thread && a.kind == b.kind;
}

}  // namespace gilscope

namespace gilscope::test {

inline Event make_event(std::uint64_t ticks, EventKind kind, unsigned thread = 1, unsigned gil = 0) {
  return {.ticks = ticks, .gil = GilId{gil}, .thread = ThreadId{thread}, .kind = kind};
}

inline std::vector<Event> read_events(const std::filesystem::path& file) {
  const ProcessReader reader(file);
  auto sequence = reader.events();
  std::vector<Event> events;
  for (Event event{}; sequence.next(event);) events.push_back(event);
  return events;
}

// Names the first difference: a list may be long.
inline void expect_same(const std::vector<Event>& actual, const std::vector<Event>& expected) {
  EXPECT_EQ(actual.size(), expected.size());
  const auto [first, wanted] = std::ranges::mismatch(actual, expected);
  if (first == actual.end() || wanted == expected.end()) return;
  EXPECT_EQ(*first, *wanted) << "event " << first - actual.begin();
}

class CaptureTest : public ::testing::Test {
 protected:
  CaptureTest() : folder_(temporary_.path() / "capture") {
    create_capture(folder_, {.gilscope = "1.2.3", .command = {"script.py"}}, Existing::Keep);
  }

  [[nodiscard]] RecordingOptions options() const {
    return {.folder = folder_, .clock = ProbeClock(ClockKind::Monotonic), .begin = ClockPoint{}};
  }
  [[nodiscard]] std::vector<std::filesystem::path> files() const { return read_capture(folder_).processes; }
  [[nodiscard]] std::filesystem::path only_file() const {
    const auto list = files();
    EXPECT_EQ(list.size(), 1U);
    return list.at(0);
  }
  // Of the process, which has recorded once.
  [[nodiscard]] std::filesystem::path file_of(pid_t pid) const {
    return folder_ / (std::to_string(pid) + "-1.events");
  }
  [[nodiscard]] std::uint64_t size_of_folder() const {
    std::uint64_t sum = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) sum += entry.file_size();
    return sum;
  }

  void record_run(unsigned first, unsigned count, unsigned thread = 1) {
    for (unsigned i = first; i < first + count; ++i)
      recorder_.record(make_event(i, EventKind::Acquire, thread));
  }
  // Records from this thread and stops.
  RecordingCounts record(const std::vector<Event>& events) {
    recorder_.start(options());
    for (const auto& event : events) recorder_.record(event);
    return recorder_.stop();
  }

  ScratchFolder temporary_;
  std::filesystem::path folder_;
  EventRecorder recorder_;
};

// Runs `body` in a child of fork(); its result is the exit code.
class Child {
 public:
  explicit Child(const std::function<int()>& body) : pid_(fork()) {
    if (pid_ == 0) _exit(body());
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int wait() const {  // as waitpid() has it
    int status = -1;
    waitpid(pid_, &status, 0);
    return status;
  }
  void end() const { static_cast<void>(wait()); }

 private:
  pid_t pid_;
};

// One side tells, the other waits.
class Signal {
 public:
  Signal() {
    if (pipe(ends_.data()) != 0) std::abort();
  }
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  Signal(Signal&&) = delete;
  Signal& operator=(Signal&&) = delete;
  ~Signal() {
    close(ends_[0]);
    close(ends_[1]);
  }
  void tell() const {
    if (write(ends_[1], "!", 1) != 1) std::abort();
  }
  void wait() const {
    char byte = 0;
    if (read(ends_[0], &byte, 1) != 1) std::abort();
  }

 private:
  std::array<int, 2> ends_{};
};

}  // namespace gilscope::test
