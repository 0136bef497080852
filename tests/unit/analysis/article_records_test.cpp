// The claims that recordings of programs, and what programs found out, decide: by measurements that agree,
// that contradict, and that decide nothing.
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "article_measurements.h"

namespace gilscope {
namespace {

using test::agreeing_measurements;
using test::claim_of;
using test::expect_contradicted;
using test::expect_holds;
using test::expect_untestable;
using test::figure_of;
using test::flavour;
using test::holds_of;
using test::kMillisecond;
using test::missing_flavour;
using test::mode_of;
using test::run_of;
using test::thread_of;
using testing::HasSubstr;
using testing::Not;
using Strings = std::vector<std::string>;

GilFigures& gil_of_count_threads(ArticleMeasurements& measurements) {
  return run_of(measurements, "count_threads").summary->processes.front().gils.front();
}

TEST(ClaimOne, is_contradicted_by_one_overlap) {
  auto measurements = agreeing_measurements();
  expect_holds(measurements, 1, "no two holds of it overlap");
  gil_of_count_threads(measurements).overlaps = 1;
  expect_contradicted(measurements, 1, "a thread acquired a GIL that another one held");
}

TEST(ClaimOne, is_open_where_the_recording_cannot_be_trusted) {
  auto measurements = agreeing_measurements();
  run_of(measurements, "count_threads").can_be_true = false;
  expect_untestable(measurements, 1, "no real GIL can have done what was recorded");
  run_of(measurements, "count_threads").summary->probe.dropped = 1;
  expect_untestable(measurements, 1, "events are missing");
}

TEST(ClaimOne, is_open_where_no_thread_took_over_from_another_one) {
  auto measurements = agreeing_measurements();
  gil_of_count_threads(measurements).handoffs = 0;
  expect_untestable(measurements, 1, "no thread took the GIL over");
}

TEST(ClaimOne, is_open_where_the_program_failed_or_nothing_was_recorded) {
  auto measurements = agreeing_measurements();
  run_of(measurements, "count_threads").summary->processes.clear();
  expect_untestable(measurements, 1, "nothing was recorded");
  run_of(measurements, "count_threads").summary.reset();
  expect_untestable(measurements, 1, "nothing was recorded");
  measurements.programs.at(1).run = {std::nullopt, "ended with exit code 1: MemoryError"};
  expect_untestable(measurements, 1, "ended with exit code 1: MemoryError");
}

TEST(ClaimOne, is_contradicted_by_threads_that_ran_at_once_without_a_gil) {
  auto measurements = agreeing_measurements();
  measurements.has_gil = false;
  mode_of(measurements.counting, Mode::Threads).parallelism = 1.95;
  expect_contradicted(measurements, 1, "this Python has no GIL, and two threads of bytecode ran at once");
}

TEST(ClaimOne, is_open_without_a_gil_where_no_threads_ran_at_once_or_none_could) {
  auto measurements = agreeing_measurements();
  measurements.has_gil = false;
  expect_untestable(measurements, 1, "no GIL kept them from it");
  mode_of(measurements.counting, Mode::Threads).parallelism = 1.95;
  measurements.usable_cpus = 1;
  expect_untestable(measurements, 1, "this Python has no GIL");
  measurements.usable_cpus = 2;
  measurements.counting = {};
  expect_untestable(measurements, 1, "this Python has no GIL");
}

TEST(ClaimFour, is_contradicted_by_holds_of_five_milliseconds_that_follow_the_interval) {
  auto measurements = agreeing_measurements();
  expect_holds(measurements, 4, "the switch interval decides, not the processor: 2 times the interval made");
  measurements.forced_holds = {{holds_of(5 * kMillisecond, true, 5 * kMillisecond), ""},
                               {holds_of(kMillisecond, false, kMillisecond), ""}};
  expect_contradicted(measurements, 4, "0.2 times the interval made the holds 0.2 times as long");
}

TEST(ClaimFour, is_contradicted_whether_or_not_the_holds_follow_the_interval) {
  auto measurements = agreeing_measurements();
  measurements.forced_holds = {{holds_of(5 * kMillisecond, true, 5 * kMillisecond), ""},
                               {holds_of(kMillisecond, false, 4 * kMillisecond), ""}};
  expect_contradicted(measurements, 4, "did not follow the switch interval");
}

TEST(ClaimFour, holds_up_to_two_milliseconds) {
  auto measurements = agreeing_measurements();
  measurements.forced_holds.pop_back();  // the other interval was not run: interrupted
  for (const auto hold : {std::chrono::microseconds(50), std::chrono::microseconds(2000)}) {
    measurements.forced_holds.front().value->holds.assign(20, hold);
    expect_holds(measurements, 4, "a thread that is asked for the GIL kept it");
  }
  measurements.forced_holds.front().value->holds.assign(20, std::chrono::microseconds(2001));
  expect_contradicted(measurements, 4, "a thread that is asked for the GIL kept it");
}

TEST(ClaimFour, is_decided_by_the_median_and_not_by_the_longest) {
  auto measurements = agreeing_measurements();
  measurements.forced_holds.front().value->holds.assign(9, std::chrono::seconds(1));
  measurements.forced_holds.front().value->holds.insert(measurements.forced_holds.front().value->holds.end(),
                                                        11, kMillisecond);
  EXPECT_EQ(claim_of(measurements, 4).verdict, ClaimVerdict::Holds);
}

TEST(ClaimFour, is_open_after_fewer_than_ten_forced_holds) {
  for (const std::size_t which : {0U, 1U}) {
    auto measurements = agreeing_measurements();
    measurements.forced_holds.at(which).value->holds.resize(9);
    expect_untestable(measurements, 4, "too few holds ended in a forced release: more --iterations");
    measurements.forced_holds.at(which).value->holds.clear();
    expect_untestable(measurements, 4, "too few holds");
  }
}

TEST(ClaimFour, is_open_where_a_run_failed_or_there_is_no_gil) {
  auto measurements = agreeing_measurements();
  measurements.forced_holds.at(1) = {std::nullopt, "ran longer than 60 s (--timeout)"};
  expect_untestable(measurements, 4, "ran longer than 60 s (--timeout)");
  measurements.forced_holds = {{holds_of(kMillisecond, false, kMillisecond), ""}};
  expect_untestable(measurements, 4, "this Python's own switch interval");
  measurements.has_gil = false;
  expect_untestable(measurements, 4, "this Python has no GIL");
}

ProcessCount processes_of(std::string method, bool is_default, Strings roles) {
  return {.method = std::move(method), .is_default = is_default, .roles = std::move(roles)};
}

const Strings kThree{"program", "worker", "worker"};
const Strings kFive{"program", "worker", "worker", "fork server", "resource tracker"};

TEST(ClaimSix, is_decided_by_the_default_start_method_and_no_other) {
  auto measurements = agreeing_measurements();
  measurements.process_counts.value = {processes_of("fork", true, kThree),
                                       processes_of("forkserver", false, kFive)};
  expect_holds(measurements, 6, "by fork, this Python's own start method, there are 3");
  measurements.process_counts.value = {processes_of("fork", false, kThree),
                                       processes_of("forkserver", true, kFive)};
  expect_contradicted(measurements, 6, "by forkserver, this Python's own start method, there are 5");
}

TEST(ClaimSix, is_contradicted_by_fewer_processes_too) {
  auto measurements = agreeing_measurements();
  measurements.process_counts.value = {processes_of("fork", true, {"program", "worker"})};
  expect_contradicted(measurements, 6, "there are 2");
}

TEST(ClaimSix, names_the_helpers_and_says_nothing_of_helpers_where_there_are_none) {
  auto measurements = agreeing_measurements();
  measurements.process_counts.value = {processes_of("fork", true, kThree),
                                       processes_of("forkserver", false, kFive)};
  expect_holds(measurements, 6, "forkserver adds a fork server and a resource tracker");
  EXPECT_TRUE(figure_of(claim_of(measurements, 6), "forkserver_processes"));
  measurements.process_counts.value->pop_back();
  EXPECT_THAT(claim_of(measurements, 6).reason, Not(HasSubstr("adds")));
}

TEST(ClaimSix, is_open_where_the_default_method_was_not_counted) {
  auto measurements = agreeing_measurements();
  measurements.process_counts.value = {{.method = "fork", .is_default = true, .reason = "no more processes"},
                                       processes_of("spawn", false, kThree)};
  expect_untestable(measurements, 6, "no more processes");
  measurements.process_counts.value->erase(measurements.process_counts.value->begin());
  expect_untestable(measurements, 6, "no start method");
  measurements.process_counts = {std::nullopt, "ended with exit code 2"};
  expect_untestable(measurements, 6, "ended with exit code 2");
}

TEST(ClaimSeven, is_contradicted_by_queues_between_threads_that_take_as_long_at_some_size) {
  auto measurements = agreeing_measurements();
  expect_holds(measurements, 7, "at every size");
  for (auto& row : *measurements.exchange.value) {
    if (row.way == "queue.Queue" && row.bytes == 1) row.latency = std::chrono::microseconds(40);
  }
  expect_contradicted(measurements, 7, "at some size");
}

TEST(ClaimSeven, is_contradicted_by_reversed_costs) {
  auto measurements = agreeing_measurements();
  for (auto& row : *measurements.exchange.value) {
    if (row.way == "multiprocessing.Queue") row.latency = Nanoseconds(1);
  }
  expect_contradicted(measurements, 7, "at some size");
}

TEST(ClaimSeven, has_the_least_and_the_greatest_size_that_went_both_ways) {
  auto measurements = agreeing_measurements();
  const auto bytes = [&](const char* name) {
    const auto figure = figure_of(claim_of(measurements, 7), name);
    return figure ? std::get<std::uint64_t>(figure->value) : 0;
  };
  EXPECT_EQ(bytes("least_message_bytes"), 1U);
  EXPECT_EQ(bytes("greatest_message_bytes"), 1U << 26U);
  measurements.exchange.value->erase(measurements.exchange.value->begin() + 1);
  EXPECT_EQ(bytes("least_message_bytes"), 1U);
  EXPECT_EQ(bytes("greatest_message_bytes"), 0U);
}

TEST(ClaimSeven, is_open_where_no_size_went_both_ways) {
  auto measurements = agreeing_measurements();
  for (auto& row : *measurements.exchange.value) {
    if (row.way == "queue.Queue") row.latency.reset();
  }
  expect_untestable(measurements, 7, "no message went both between processes and between threads");
  measurements.exchange = {std::nullopt, "ran longer than 600 s (--timeout)"};
  expect_untestable(measurements, 7, "ran longer than 600 s (--timeout)");
}

TEST(ClaimEight, is_contradicted_by_lines_that_do_not_alternate) {
  auto measurements = agreeing_measurements();
  expect_holds(measurements, 8, "the lines alternate, and one thread held the GIL");
  std::swap(run_of(measurements, "interleave_asyncio").lines.at(0),
            run_of(measurements, "interleave_asyncio").lines.at(1));
  expect_contradicted(measurements, 8, "did not take turns at every line");
}

TEST(ClaimEight, is_contradicted_by_a_second_thread) {
  auto measurements = agreeing_measurements();
  run_of(measurements, "interleave_asyncio")
      .summary->processes.front()
      .threads.push_back(thread_of(2, "Thread-1", 5));
  expect_contradicted(measurements, 8, "more than one thread held the GIL");
}

TEST(ClaimEight, is_open_where_too_little_was_printed_or_nothing_recorded) {
  auto measurements = agreeing_measurements();
  auto& run = run_of(measurements, "interleave_asyncio");
  run.summary->processes.clear();
  expect_untestable(measurements, 8, "nothing was recorded");
  run.lines.resize(1);
  expect_untestable(measurements, 8, "printed too little");
  run.lines.clear();
  expect_untestable(measurements, 8, "printed too little");
  measurements.programs.at(2).run = {std::nullopt, "was ended by signal 11"};
  expect_untestable(measurements, 8, "was ended by signal 11");
}

// The lines alone can contradict it, and cannot confirm it.
TEST(ClaimEight, is_open_without_a_gil_unless_the_lines_contradict_it) {
  auto measurements = agreeing_measurements();
  auto& run = run_of(measurements, "interleave_asyncio");
  measurements.has_gil = false;
  run.summary.reset();
  expect_untestable(measurements, 8, "this Python has no GIL");
  run.lines = {"Task 1 - Iteration 0", "Task 1 - Iteration 1"};
  expect_contradicted(measurements, 8, "did not take turns");
}

TEST(ClaimEleven, is_contradicted_by_a_pypy_with_a_gil) {
  auto measurements = agreeing_measurements();
  measurements.flavours.value = {flavour("PyPy", false), flavour("Jython", false)};
  expect_holds(measurements, 11, "without one, by measurement: PyPy, Jython");
  measurements.flavours.value = {flavour("PyPy", true), flavour("Jython", false)};
  expect_contradicted(measurements, 11,
                      "with a GIL, by measurement: PyPy; without one, by measurement: Jython");
}

TEST(ClaimEleven, is_no_matter_of_interpreters_that_the_article_does_not_name) {
  auto measurements = agreeing_measurements();
  measurements.flavours.value = {flavour("CPython", true), flavour("Jython", false)};
  expect_holds(measurements, 11, "without one, by measurement: Jython");
  EXPECT_TRUE(figure_of(claim_of(measurements, 11), "cpython_threads_by_sequential"));
  measurements.flavours.value = {flavour("CPython, free-threaded", false)};
  expect_untestable(measurements, 11, "none of");
  EXPECT_TRUE(figure_of(claim_of(measurements, 11), "cpython_free_threaded_threads_by_sequential"));
}

TEST(ClaimEleven, is_open_where_each_is_missing_or_cannot_be_told) {
  auto measurements = agreeing_measurements();
  auto unknown = flavour("PyPy", true);
  unknown.has_gil.reset();
  unknown.reason = "a busy machine";
  measurements.flavours.value = {unknown, missing_flavour("Jython"), missing_flavour("IronPython")};
  expect_untestable(measurements, 11,
                    "not known: PyPy (a busy machine), Jython (`make flavours` installs it)");
  measurements.flavours = {std::nullopt, "was ended by signal 9"};
  expect_untestable(measurements, 11, "was ended by signal 9");
}

TEST(ClaimEleven, says_which_are_not_known_beside_its_verdict) {
  auto measurements = agreeing_measurements();
  measurements.flavours.value = {flavour("PyPy", true), missing_flavour("Jython")};
  expect_contradicted(measurements, 11, "with a GIL, by measurement: PyPy; not known: Jython (`make");
}

TEST(ClaimThirteen, is_contradicted_by_a_program_without_a_main_thread) {
  auto measurements = agreeing_measurements();
  expect_holds(measurements, 13, "MainThread held its GIL");
  auto& threads = run_of(measurements, "add_sub_sequential").summary->processes.front().threads;
  threads.front().name = "Thread-1";
  expect_contradicted(measurements, 13, "no MainThread");
  threads.clear();
  expect_contradicted(measurements, 13, "no MainThread");
}

TEST(ClaimThirteen, is_open_where_the_program_failed_or_nothing_was_recorded) {
  auto measurements = agreeing_measurements();
  run_of(measurements, "add_sub_sequential").summary.reset();
  expect_untestable(measurements, 13, "nothing was recorded");
  measurements.programs.front().run = {std::nullopt, "ended with exit code 1"};
  expect_untestable(measurements, 13, "ended with exit code 1");
  measurements.has_gil = false;
  expect_untestable(measurements, 13, "this Python has no GIL");
}

}  // namespace
}  // namespace gilscope
