// The capture of tests/golden/capture: what was recorded into it, on a machine where nothing changes.
#pragma once

#include <thread>
#include <vector>

#include "capture/capture_fixture.h"
#include "capture/fake_code.h"

namespace gilscope::test {

inline const CaptureSystem& golden_system() {
  static const CaptureSystem system_of_golden = [] {
    auto system = real_system();
    system.pid = []() noexcept -> std::uint32_t { return 4711; };
    system.parent_pid = []() noexcept -> std::uint32_t { return 4000; };
    system.read_point = [](const ProbeClock&) noexcept {
      return ClockPoint{.ticks = 2'000'000, .time = Nanoseconds(800'000)};
    };
    return system;
  }();
  return system_of_golden;
}

// Two threads that hand a GIL to each other, a second GIL, each width of delta.
inline std::vector<Event> golden_events() {
  return {
      make_event(1'000'500, EventKind::Acquire, 4711),    make_event(1'001'000, EventKind::Request, 4712),
      make_event(1'101'000, EventKind::Timeout, 4712),    make_event(1'101'001, EventKind::Release, 4711),
      make_event(1'101'002, EventKind::Acquire, 4712),    make_event(1'101'300, EventKind::Acquire, 4711, 1),
      make_event(1'101'301, EventKind::Release, 4711, 1), make_event(13'000'000, EventKind::Release, 4712),
      make_event(1'000'000'000, EventKind::Acquire, 4711)};
}

inline const FakeCode& golden_code() {
  static const FakeCode code({{"app.py", "main", 1}, {"app.py", "parse", 41}, {"lib.py", "Pool.work", 0}});
  return code;
}

// The release for which the other thread waits, and that one's acquire, with where they stand.
inline void record_golden_event(EventRecorder& recorder, const Event& event) {
  const FakeCode& code = golden_code();
  if (event == golden_events()[3]) {
    recorder.record_at(event, std::array{code.point(1), code.point(0)}, code);
  } else if (event == golden_events()[4]) {
    recorder.record_at(event, std::array{code.point(2)}, code);
  } else {
    recorder.record(event);
  }
}

// The last of all.
inline LockWait golden_wait() { return {.thread = 4711, .ender = 4712, .begin = 1'000'000'010, .ticks = 60}; }

inline void record_golden(EventRecorder& recorder, const std::filesystem::path& folder) {
  recorder.start({.folder = folder,
                  .clock = ProbeClock(ClockKind::Tsc),
                  .begin = ClockPoint{.ticks = 1'000'000, .time = Nanoseconds(400'000)},
                  .process_begin = Nanoseconds(300'000),
                  .start_method = "spawn",
                  .metadata = R"({"executable":"/usr/bin/python3"})",
                  .system = &golden_system()});
  recorder.open(GilId{0}, 0);
  recorder.name_thread(ThreadId{4711}, "MainThread");
  recorder.name_process("SpawnProcess-1");
  const auto events = golden_events();
  Signal turn;
  Signal done;
  std::thread other([&] {
    for (const auto& event : events) {
      if (event.thread != ThreadId{4712}) continue;
      turn.wait();
      record_golden_event(recorder, event);
      done.tell();
    }
  });
  for (const auto& event : events) {
    if (event.thread == ThreadId{4712}) {
      turn.tell();
      done.wait();
      continue;
    }
    if (event.gil == GilId{1} && event.kind == EventKind::Acquire) recorder.open(GilId{1}, 1);
    record_golden_event(recorder, event);
  }
  other.join();
  const std::array stack{golden_code().point(0)};
  const auto stand = recorder.stand_at(golden_wait().begin, stack, golden_code());
  recorder.record_wait(golden_wait(), WaitFor::Turn, stand);
  recorder.stop(ClockPoint{.ticks = 1'000'000'100, .time = Nanoseconds(400'000'040)});
}

inline std::filesystem::path golden_folder() {
  return std::filesystem::path(GILSCOPE_GOLDEN_DIR) / "capture";
}
inline std::filesystem::path golden_file() { return golden_folder() / "4711-1.events"; }

}  // namespace gilscope::test
