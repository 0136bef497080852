#include "capture/golden_capture.h"

#include <gtest/gtest.h>

#include "golden.h"

namespace gilscope {
namespace {

TEST(GoldenCapture, is_written_byte_for_byte) {
  const test::ScratchFolder temporary;
  const auto folder = temporary.path() / "capture";
  create_capture(folder,
                 {.gilscope = "0.1.0",
                  .command = {"script.py", "--fast"},
                  .python = {{"version", "3.13.0"}},
                  .machine = {{"cpus", 2}}},
                 Existing::Keep);
  EventRecorder recorder;
  test::record_golden(recorder, folder);
  std::filesystem::create_directories(test::golden_folder());
  for (const auto* name : {"capture.json", "4711-1.events"}) {
    test::expect_golden("capture/" + std::string(name), test::read_file(folder / name));
  }
}

TEST(GoldenCapture, is_read) {
  const auto capture = read_capture(test::golden_folder());
  EXPECT_EQ(capture.metadata.gilscope, "0.1.0");
  EXPECT_EQ(capture.metadata.command, (std::vector<std::string>{"script.py", "--fast"}));
  EXPECT_EQ(capture.metadata.python.at("version"), "3.13.0");
  EXPECT_EQ(capture.metadata.machine.at("cpus"), 2);
  ASSERT_EQ(capture.processes, std::vector{test::golden_file()});

  const ProcessReader reader(capture.processes.at(0));
  EXPECT_EQ(reader.facts().pid, 4711U);
  EXPECT_EQ(reader.facts().parent_pid, 4000U);
  EXPECT_EQ(reader.facts().clock, ClockKind::Tsc);
  EXPECT_EQ(reader.facts().streams, 2U);
  EXPECT_EQ(reader.facts().events, test::golden_events().size());
  test::expect_same(test::read_events(reader.path()), test::golden_events());
  auto sequence = reader.events();
  std::vector<CapturedWait> waits;
  sequence.take_lock_waits([&](const CapturedWait& wait) { waits.push_back(wait); });
  std::vector<std::vector<CodePlace>> stacks;
  for (Event event{}; sequence.next(event);) {
    if (const auto stands = sequence.stands()) {
      EXPECT_EQ(event, test::golden_events().at(3 + stacks.size()));
      stacks.push_back(test::places_of(sequence.names().stacks, *stands));
    }
  }
  EXPECT_EQ(stacks, (std::vector<std::vector<CodePlace>>{{{"app.py", "parse", 41}, {"app.py", "main", 1}},
                                                         {{"lib.py", "Pool.work", 0}}}));
  ASSERT_EQ(waits.size(), 1U);
  EXPECT_EQ(waits[0].thread, ThreadId{4711});
  EXPECT_EQ(waits[0].begin, test::golden_wait().begin);
  EXPECT_EQ(waits[0].end, test::golden_wait().end());
  EXPECT_EQ(waits[0].wait_for, WaitFor::Turn);
  EXPECT_EQ(waits[0].ender, ThreadId{4712});
  EXPECT_EQ(test::places_of(sequence.names().stacks, waits[0].stands),
            (std::vector<CodePlace>{{"app.py", "main", 1}}));
  EXPECT_EQ(sequence.names().threads.at(ThreadId{4711}), "MainThread");
  EXPECT_EQ(sequence.names().process, "SpawnProcess-1");
  EXPECT_EQ(sequence.names().owners.at(GilId{1}), 1);
}

// Recorded before the probe saw to it that times grow.
TEST(GoldenCapture, is_read_in_order_where_ties_tell_equal_times_apart) {
  auto events = test::golden_events();
  events[3].ticks = events[4].ticks = events[2].ticks;
  const auto file = std::filesystem::path(GILSCOPE_GOLDEN_DIR) / "capture_with_ties" / "4711-1.events";
  test::expect_same(test::read_events(file), events);
}

}  // namespace
}  // namespace gilscope
