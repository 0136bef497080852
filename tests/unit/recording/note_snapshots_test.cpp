// What processes had noted at some times, and which of these a dump begins at.
#include "recording/note_snapshots.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "expect_error.h"
#include "scratch_folder.h"
#include "support/error.h"

namespace gilscope {
namespace {

using Times = std::vector<std::uint64_t>;

class NoteSnapshotsTest : public ::testing::Test {
 protected:
  static RunNotes notes_of(std::int64_t pid) {
    RunNotes notes;
    notes.processes.push_back({.pid = pid, .parent_pid = 1, .begin = 5, .end = 100, .cpu = Nanoseconds(7)});
    return notes;
  }

  test::ScratchFolder temporary_;
  std::filesystem::path rings_ = temporary_.path() / "ring";
  NoteSnapshots snapshots_{rings_};
};

TEST_F(NoteSnapshotsTest, are_read_by_others) {
  snapshots_.add(300, notes_of(1));
  snapshots_.add(1000, notes_of(2));
  const NoteSnapshots others(rings_);
  EXPECT_EQ(others.times(), (Times{300, 1000}));
  EXPECT_EQ(others.read(1000).processes.front().pid, 2);
  EXPECT_EQ(others.read(300).processes.front().cpu, Nanoseconds(7));
  EXPECT_THROW(static_cast<void>(others.read(301)), Error);
}

TEST_F(NoteSnapshotsTest, keep_the_one_that_a_dump_from_then_on_begins_at) {
  for (const std::uint64_t time : Times{100, 200, 300, 400}) snapshots_.add(time, notes_of(1));
  snapshots_.drop_before(299);
  EXPECT_EQ(snapshots_.times(), (Times{200, 300, 400}));
  EXPECT_EQ(NoteSnapshots(rings_).times(), (Times{200, 300, 400}));
  snapshots_.drop_before(1000);
  EXPECT_EQ(snapshots_.times(), (Times{400}));
}

TEST_F(NoteSnapshotsTest, are_of_a_bounded_number) {
  for (std::uint64_t time = 1; time <= 200; ++time) snapshots_.add(time, notes_of(1));
  EXPECT_LE(snapshots_.times().size(), 64U);
  EXPECT_EQ(snapshots_.times().back(), 200U);
  EXPECT_EQ(NoteSnapshots(rings_).times(), snapshots_.times());
}

TEST_F(NoteSnapshotsTest, a_dump_begins_a_little_earlier_or_else_where_all_is_there) {
  EXPECT_FALSE(snapshots_.find_begin(100, 0, 1000));
  for (const std::uint64_t time : Times{100, 200, 300}) snapshots_.add(time, notes_of(1));
  EXPECT_EQ(snapshots_.find_begin(250, 0, 1000), 200U);
  EXPECT_EQ(snapshots_.find_begin(200, 0, 1000), 200U);
  EXPECT_EQ(snapshots_.find_begin(250, 201, 1000), 300U);  // what came before is lost
  EXPECT_EQ(snapshots_.find_begin(50, 0, 1000), 100U);
  EXPECT_FALSE(snapshots_.find_begin(250, 301, 1000));
}

TEST_F(NoteSnapshotsTest, a_dump_does_not_begin_after_what_it_is_of) {
  snapshots_.add(300, notes_of(1));
  EXPECT_EQ(snapshots_.find_begin(250, 260, 460), 300U);
  EXPECT_FALSE(snapshots_.find_begin(250, 260, 400));
  EXPECT_FALSE(snapshots_.find_begin(250, 260, 255));
  EXPECT_EQ(snapshots_.find_begin(310, 0, 312), 300U);
}

TEST_F(NoteSnapshotsTest, of_old_times_there_are_fewer) {
  for (std::uint64_t time = 1; time <= 1000; ++time) snapshots_.add(time, notes_of(1));
  EXPECT_EQ(snapshots_.times().front(), 1U);
  EXPECT_EQ(snapshots_.times().back(), 1000U);
  EXPECT_EQ(snapshots_.times()[snapshots_.times().size() - 5], 996U);
}

}  // namespace
}  // namespace gilscope
