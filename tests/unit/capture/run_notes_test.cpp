#include "capture/run_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "golden.h"
#include "scratch_folder.h"

namespace gilscope {
namespace {

using testing::HasSubstr;

RunNotes some_notes() {
  return {
      .exit_code = 3,
      .running = {4002, 4007},
      .pair_cost_ns = 17.25,
      .losses = {.unrecorded_processes = 1,
                 .overlooked_gils = 2,
                 .were_slots_overwritten = true,
                 .suspended = std::chrono::seconds(12),
                 .throttled = std::chrono::seconds(3),
                 .unrecorded_programs = {{.command = "python -I tool.py", .count = 2}},
                 .unseen_cpu_share = 0.25},
      .processes = {
          {.pid = 4001,
           .parent_pid = 4000,
           .begin = 1000,
           .end = 9000,
           .cpu = Nanoseconds(123),
           .threads = {{.id = ThreadId{4001},
                        .name = "MainThread",
                        .cpu = Nanoseconds(100),
                        .cpu_wait = Nanoseconds(40),
                        .has_outlived = true,
                        .turn_ticks = 70,
                        .work_ticks = 80,
                        .world_ticks = 90,
                        .life_ticks = 7000},
                       {.id = ThreadId{4005}, .name = "\"quoted\"\n"}},
           .hooks = {.timed = 30, .acquires = 10, .ticks = 9000, .work_ticks = 70'000},
           .steps = {{.thread = ThreadId{4001},
                      .place = {.file = "/srv/app.py", .function = "handle", .line = 23},
                      .count = 4,
                      .alone = 1,
                      .ticks = 900,
                      .longest = 400,
                      .longest_begin = 1500}},
           .further_steps = 7,
           .lock_waits = {{.place = CodePlace{.file = "/srv/app.py", .function = "serve", .line = 25},
                           .within = "Handler.acquire",
                           .ended_at = CodePlace{.file = "/srv/app.py", .function = "serve", .line = 25},
                           .ended_within = "Handler.release",
                           .threads = 8,
                           .count = 40,
                           .ticks = 9000,
                           .by_peers = 8900,
                           .longest = 800,
                           .longest_begin = 1600,
                           .longest_thread = ThreadId{4001},
                           .longest_ender = ThreadId{4005}},
                          {.is_for_work = true,
                           .threads = 1,
                           .count = 1,
                           .ticks = 5,
                           .longest = 5,
                           .longest_begin = 1700,
                           .longest_thread = ThreadId{4005},
                           .lock = LockKind::Object,
                           .lock_type = "dict"}},
           .further_lock_waits = 3,
           .open_lock_waits = {{.thread = ThreadId{4001},
                                .place = CodePlace{.file = "/srv/app.py", .function = "serve", .line = 25},
                                .within = "Handler.acquire",
                                .since = 1800,
                                .holder = ThreadId{4005}},
                               {.thread = ThreadId{4005}, .is_for_work = true, .since = 1900}},
           .stops = {{.place = CodePlace{.file = "/srv/app.py", .function = "tidy", .line = 31},
                      .call = "gc.collect",
                      .is_collection = true,
                      .count = 2,
                      .ticks = 600,
                      .until_stood = 5,
                      .lost = 580,
                      .longest = 310,
                      .longest_begin = 1800,
                      .longest_thread = ThreadId{4001}}},
           .further_stops = 1,
           .spins = 12,
           .spin_ticks = 340,
           .gil_return =
               GilReturn{.since = 1900,
                         .place = CodePlace{.file = "/srv/app.py", .function = "<module>", .line = 2},
                         .module = "old"},
           .became_program = true},
          {.pid = 4002, .parent_pid = 4001, .start_method = "spawn", .name = "parser", .begin = 2000}}};
}

class RunNotesTest : public testing::Test {
 protected:
  [[nodiscard]] std::string text() const { return test::read_file(folder_.path() / "run.json"); }
  test::ScratchFolder folder_;
};

TEST_F(RunNotesTest, looks_as_it_did) {
  write_run_notes(folder_.path(), some_notes());
  test::expect_golden("run.json", text());
}

TEST_F(RunNotesTest, is_read_as_it_was_written) {
  write_run_notes(folder_.path(), some_notes());
  const auto before = text();
  const auto notes = read_run_notes(folder_.path());
  ASSERT_TRUE(notes);
  EXPECT_EQ(notes->exit_code, 3);
  EXPECT_EQ(notes->running, (std::vector<std::int64_t>{4002, 4007}));
  EXPECT_EQ(notes->processes.at(1).end, std::nullopt);
  EXPECT_EQ(notes->processes.at(1).name, "parser");
  EXPECT_EQ(notes->processes.at(0).threads.at(1).name, "\"quoted\"\n");
  EXPECT_EQ(notes->losses.suspended, std::chrono::seconds(12));
  EXPECT_EQ(notes->losses.throttled, std::chrono::seconds(3));
  EXPECT_EQ(notes->processes.at(0).threads.at(0).cpu_wait, Nanoseconds(40));
  EXPECT_EQ(notes->processes.at(0).threads.at(1).cpu_wait, std::nullopt);
  EXPECT_EQ(notes->losses.unrecorded_programs, some_notes().losses.unrecorded_programs);
  EXPECT_EQ(notes->losses.unseen_cpu_share, 0.25);
  EXPECT_EQ(notes->processes.at(0).hooks.ticks, 9000U);
  EXPECT_TRUE(notes->processes.at(0).became_program);
  EXPECT_FALSE(notes->processes.at(1).became_program);
  EXPECT_EQ(notes->processes.at(0).steps, some_notes().processes.at(0).steps);
  EXPECT_EQ(notes->processes.at(0).further_steps, 7U);
  EXPECT_EQ(notes->processes.at(0).lock_waits, some_notes().processes.at(0).lock_waits);
  EXPECT_EQ(notes->processes.at(0).further_lock_waits, 3U);
  EXPECT_EQ(notes->processes.at(0).open_lock_waits, some_notes().processes.at(0).open_lock_waits);
  EXPECT_EQ(notes->processes.at(0).stops, some_notes().processes.at(0).stops);
  EXPECT_EQ(notes->processes.at(0).gil_return, some_notes().processes.at(0).gil_return);
  write_run_notes(folder_.path(), *notes);
  EXPECT_EQ(text(), before);
}

TEST_F(RunNotesTest, knows_of_no_suspension_where_the_capture_is_older_and_refuses_one_that_cannot_be) {
  write_run_notes(folder_.path(), some_notes());
  auto document = nlohmann::json::parse(text());
  document.erase("suspended_ns");
  document.erase("unrecorded_programs");
  document.erase("unseen_cpu_share");
  document.erase("running");
  static_cast<void>(folder_.write("run.json", document.dump()));
  EXPECT_EQ(read_run_notes(folder_.path())->losses.suspended, Nanoseconds{});
  EXPECT_TRUE(read_run_notes(folder_.path())->running.empty());
  document["suspended_ns"] = -1;
  static_cast<void>(folder_.write("run.json", document.dump()));
  EXPECT_THAT(test::error_of([&] { static_cast<void>(read_run_notes(folder_.path())); }).what(),
              HasSubstr("numbers that a run can note"));
}

TEST_F(RunNotesTest, does_not_know_who_waited_for_a_cpu_where_the_capture_is_older) {
  write_run_notes(folder_.path(), some_notes());
  auto document = nlohmann::json::parse(text());
  document.erase("throttled_ns");
  document["processes"][0]["threads"][0].erase("cpu_wait_ns");
  document["processes"][0].erase("became_program");
  static_cast<void>(folder_.write("run.json", document.dump()));
  const auto notes = read_run_notes(folder_.path());
  EXPECT_EQ(notes->losses.throttled, Nanoseconds{});
  EXPECT_FALSE(notes->processes.at(0).threads.at(0).cpu_wait);
}

TEST_F(RunNotesTest, does_not_know_what_threads_waited_for_locks_where_the_capture_is_older) {
  write_run_notes(folder_.path(), some_notes());
  auto document = nlohmann::json::parse(text());
  auto& noted = document["processes"][0]["threads"][0];
  for (const char* key : {"world_ticks", "life_ticks"}) noted.erase(key);
  static_cast<void>(folder_.write("run.json", document.dump()));
  EXPECT_EQ(read_run_notes(folder_.path())->processes.at(0).threads.at(0).work_ticks, 80U);
  EXPECT_FALSE(read_run_notes(folder_.path())->processes.at(0).threads.at(0).life_ticks);
  for (const char* key : {"has_outlived", "turn_ticks", "work_ticks"}) noted.erase(key);
  document["processes"][0].erase("open_lock_waits");
  static_cast<void>(folder_.write("run.json", document.dump()));
  const auto thread = read_run_notes(folder_.path())->processes.at(0).threads.at(0);
  EXPECT_FALSE(thread.turn_ticks || thread.work_ticks || thread.has_outlived);
  EXPECT_TRUE(read_run_notes(folder_.path())->processes.at(0).open_lock_waits.empty());
}

TEST_F(RunNotesTest, has_no_names_of_processes_where_the_capture_is_older) {
  write_run_notes(folder_.path(), some_notes());
  auto document = nlohmann::json::parse(text());
  for (auto& process : document["processes"]) process.erase("name");
  static_cast<void>(folder_.write("run.json", document.dump()));
  EXPECT_EQ(read_run_notes(folder_.path())->processes.at(1).name, "");
}

TEST_F(RunNotesTest, has_no_steps_of_loops_where_the_capture_is_older_and_refuses_some_that_cannot_be) {
  write_run_notes(folder_.path(), some_notes());
  auto document = nlohmann::json::parse(text());
  auto& process = document["processes"][0];
  const auto write = [&] { static_cast<void>(folder_.write("run.json", document.dump())); };
  process["loop_steps"][0]["longest_ticks"] = 901;
  write();
  EXPECT_ANY_THROW(read_run_notes(folder_.path())) << "longer than all";
  process.erase("loop_steps");
  process.erase("further_loop_steps");
  write();
  EXPECT_EQ(read_run_notes(folder_.path())->processes.at(0).further_steps, 0U);
  EXPECT_TRUE(read_run_notes(folder_.path())->processes.at(0).steps.empty());
}

TEST_F(RunNotesTest, has_no_waits_for_locks_where_the_capture_is_older_and_refuses_some_that_cannot_be) {
  write_run_notes(folder_.path(), some_notes());
  auto document = nlohmann::json::parse(text());
  auto& process = document["processes"][0];
  const auto write = [&] { static_cast<void>(folder_.write("run.json", document.dump())); };
  process["lock_waits"][0]["longest_ticks"] = 9001;
  write();
  EXPECT_ANY_THROW(read_run_notes(folder_.path())) << "longer than all";
  process["lock_waits"][0]["longest_ticks"] = 800;
  process["lock_waits"][0]["by_peers_ticks"] = 9001;
  write();
  EXPECT_ANY_THROW(read_run_notes(folder_.path())) << "more than all";
  process.erase("lock_waits");
  process.erase("further_lock_waits");
  write();
  EXPECT_TRUE(read_run_notes(folder_.path())->processes.at(0).lock_waits.empty());
}

TEST_F(RunNotesTest, has_no_times_of_hooks_where_the_capture_is_older_and_refuses_some_that_cannot_be) {
  write_run_notes(folder_.path(), some_notes());
  auto document = nlohmann::json::parse(text());
  auto& process = document["processes"][0];
  process.erase("hooks");
  static_cast<void>(folder_.write("run.json", document.dump()));
  EXPECT_EQ(read_run_notes(folder_.path())->processes.at(0).hooks.timed, 0U);
  process["hooks"] = {{"timed", 1}, {"acquires", 0}, {"ticks", -1}, {"work_ticks", 0}};
  static_cast<void>(folder_.write("run.json", document.dump()));
  EXPECT_THAT(test::error_of([&] { static_cast<void>(read_run_notes(folder_.path())); }).what(),
              HasSubstr("numbers that a run can note"));
}

TEST_F(RunNotesTest, is_nothing_where_the_run_left_none) { EXPECT_FALSE(read_run_notes(folder_.path())); }

TEST_F(RunNotesTest, is_refused_where_it_is_damaged) {
  write_run_notes(folder_.path(), some_notes());
  const auto good = text();
  const auto error_of = [&](const std::string& damaged) {
    static_cast<void>(folder_.write("run.json", damaged));
    return test::error_of([&] { static_cast<void>(read_run_notes(folder_.path())); });
  };
  for (const std::string& bad : {std::string(), std::string("{"), std::string("[]"),
                                 std::string("{\"schema\": 7}"), good.substr(0, good.size() / 2)}) {
    EXPECT_THAT(error_of(bad).what(), HasSubstr("run.json: byte ")) << bad;
  }
  // Each value in turn becomes one of another type.
  for (auto at = good.find(": "); at != std::string::npos; at = good.find(": ", at + 1)) {
    const auto end = good.find_first_of(",\n", at + 2);
    if (good[at + 2] == '[' || good[at + 2] == '{') continue;
    EXPECT_THAT(error_of(good.substr(0, at + 2) + "{}" + good.substr(end)).what(),
                HasSubstr("run.json: byte "))
        << good.substr(at, end - at);
  }
}

}  // namespace
}  // namespace gilscope
