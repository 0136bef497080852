// What a run recorded between two looks at it.
#include "analysis/run_window.h"

#include <gtest/gtest.h>

#include "analysis/event_lists.h"
#include "analysis/gil_machine.h"
#include "analysis/process_records.h"
#include "analysis/reference.h"

namespace gilscope {
namespace {

using test::kMillisecondTicks;
using test::make_process;
using test::simulate;

RecordedRun window_run(std::vector<ProcessRecord> processes) { return {.processes = std::move(processes)}; }

std::uint64_t window_wait(const Spans& spans) {
  std::uint64_t sum = 0;
  for (const auto& [key, span] : spans) {
    for (const auto& [thread, ticks] : span.waits) sum += ticks;
  }
  return sum;
}

// What a machine and the blame of a list of events tell at an instant, where all stand at one line a thread.
class Looks {
 public:
  ProcessRecord look_after(const std::vector<Event>& events, std::size_t count, std::uint64_t now) {
    for (; done_ < count; ++done_) {
      const Event& event = events[done_];
      machine_.apply(event);
      blame_.apply(event, stack_of(event));
    }
    return {.pid = 7,
            .wall = Nanoseconds(now),
            .figures = machine_.snapshot(now),
            .blame = BlameRecord{.spans = blame_.spans(now), .stacks = stacks_}};
  }

 private:
  std::optional<StackId> stack_of(const Event& event) {
    if (event.ticks % 3 == 0) return std::nullopt;
    const auto line = static_cast<std::uint32_t>(event.ticks % 5);
    return stacks_.add({stacks_.add(CodePlace{"app.py", "f", line + 1})});
  }

  std::size_t done_ = 0;
  GilMachine machine_{{.rows = 64, .gils = 8}};
  Blame blame_;
  CodeStacks stacks_;
};

struct WindowTimes {
  std::uint64_t held = 0;
  std::uint64_t waited = 0;
};

// Of each thread and GIL within a window, the plain way.
std::map<std::pair<GilId, ThreadId>, WindowTimes> times_between(const std::vector<Event>& events,
                                                                std::uint64_t begin, std::uint64_t end) {
  std::map<std::pair<GilId, ThreadId>, WindowTimes> times;
  std::map<std::pair<GilId, ThreadId>, std::uint64_t> held;
  std::map<std::pair<GilId, ThreadId>, std::uint64_t> waiting;
  const auto within = [&](std::uint64_t from, std::uint64_t to) {
    const auto first = std::max(from, begin);
    const auto last = std::min(to, end);
    return last > first ? last - first : 0;
  };
  for (const Event& event : events) {
    const std::pair key(event.gil, event.thread);
    if (event.kind == EventKind::Request) waiting[key] = event.ticks;
    if (event.kind == EventKind::Acquire) {
      if (waiting.contains(key)) times[key].waited += within(waiting[key], event.ticks);
      waiting.erase(key);
      held[key] = event.ticks;
    }
    if (event.kind == EventKind::Release) {
      times[key].held += within(held[key], event.ticks);
      held.erase(key);
    }
  }
  for (const auto& [key, from] : held) times[key].held += within(from, end);
  for (const auto& [key, from] : waiting) times[key].waited += within(from, end);
  return times;
}

TEST(RunWindow, has_of_random_lists_what_a_plain_count_within_it_has) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const auto events = simulate(seed, {.threads = 6, .gils = 2, .events = 400});
    Looks looks;
    const auto middle = 50 + (seed * 37) % 300;
    const auto begin = events[middle - 1].ticks;
    const auto end = events.back().ticks + seed;
    const auto before = looks.look_after(events, middle, begin);
    const auto window =
        window_of(window_run({before}), window_run({looks.look_after(events, events.size(), end)}));
    ASSERT_EQ(window.processes.size(), 1U);
    const auto& figures = window.processes.front().figures;
    const auto truth = times_between(events, begin, end);
    std::uint64_t waited = 0;
    for (const auto& row : figures.threads) {
      const auto found = truth.find(std::pair(row.gil, *row.thread));
      const WindowTimes none;
      const WindowTimes& times = found == truth.end() ? none : found->second;
      EXPECT_EQ(row.hold_ticks, times.held);
      EXPECT_EQ(row.wait_ticks, times.waited);
      EXPECT_EQ(row.holds, row.forced + row.voluntary + row.cut + (row.open == OpenInterval::Hold ? 1 : 0));
      EXPECT_GE(row.holds, row.hold_ticks != 0 ? 1U : 0U);
      waited += row.wait_ticks;
    }
    EXPECT_EQ(window_wait(window.processes.front().blame->spans), waited);
    EXPECT_EQ(window.processes.front().wall, Nanoseconds(end - begin));
  }
}

TEST(RunWindow, of_threads_that_were_folded_meanwhile_is_what_they_did_since) {
  auto before = make_process(7, {{.thread = 11, .holds = 3, .hold_ticks = 300, .waits = 1, .wait_ticks = 10},
                                 {.thread = 12, .holds = 2, .hold_ticks = 50}});
  before.threads = {{.id = ThreadId{11}, .name = "Thread-1 (serve)", .cpu = Nanoseconds(200)},
                    {.id = ThreadId{12}, .name = "Thread-2 (serve)", .cpu = Nanoseconds(40)}};
  const std::uint64_t family = kFirstFamily + 1;
  auto after =
      make_process(7, {{.thread = family, .holds = 9, .hold_ticks = 1000, .waits = 4, .wait_ticks = 60}});
  after.figures.threads.front().folded = 3;
  after.threads = {{.id = ThreadId{kFirstFamily + 1}, .name = "Thread-N (serve)", .cpu = Nanoseconds(700)}};
  const auto window = window_of(window_run({before}), window_run({after}));
  const auto& row = window.processes.front().figures.threads.front();
  EXPECT_EQ(row.holds, 4U);
  EXPECT_EQ(row.hold_ticks, 650U);
  EXPECT_EQ(row.waits, 3U);
  EXPECT_EQ(row.wait_ticks, 50U);
  EXPECT_EQ(window.processes.front().threads.front().cpu, Nanoseconds(460));
}

TEST(RunWindow, knows_a_line_by_what_it_is_called_and_not_by_its_number) {
  const auto record = [](bool is_later) {
    auto process = make_process(7, {{.holds = 1}});
    process.blame.emplace();
    auto& [spans, long_waits, stacks, intervals] = *process.blame;
    if (is_later) stacks.add({stacks.add(CodePlace{"new.py", "g", 1})});
    const auto stack = stacks.add({stacks.add(CodePlace{"app.py", "f", 7})});
    spans[{.thread = ThreadId{1}, .from = stack, .to = stack}] = {
        .holds = is_later ? 5U : 2U,
        .hold_ticks = is_later ? 500U : 200U,
        .max_hold_ticks = 150,
        .waits = {{ThreadId{2}, is_later ? 90U : 40U}}};
    return process;
  };
  const auto window = window_of(window_run({record(false)}), window_run({record(true)}));
  const auto& spans = window.processes.front().blame->spans;
  ASSERT_EQ(spans.size(), 1U);
  const auto& span = spans.begin()->second;
  EXPECT_EQ(span.holds, 3U);
  EXPECT_EQ(span.hold_ticks, 300U);
  EXPECT_EQ(span.max_hold_ticks, 100U) << "the longest came before; these were of 100 on average";
  EXPECT_EQ(span.waits.at(ThreadId{2}), 50U);
}

TEST(RunWindow, of_what_is_kept_by_place_has_what_came_since) {
  const CodePlace place{"app.py", "f", 7};
  auto before = make_process(7, {});
  before.steps = {
      {.thread = ThreadId{1}, .place = place, .count = 2, .ticks = 200, .longest = 150, .longest_begin = 30}};
  before.lock_waits = {{.place = place, .threads = 2, .count = 3, .ticks = 30, .longest = 12}};
  before.stops = {{.place = place, .call = "gc.collect", .count = 1, .ticks = 5, .lost = 9, .longest = 5}};
  auto after = before;
  after.steps.front().count = 4;
  after.steps.front().ticks = 300;
  after.lock_waits.front().count = 4;
  after.lock_waits.front().ticks = 70;
  after.lock_waits.front().longest = 40;
  after.lock_waits.front().longest_begin = 99;
  const auto window = window_of(window_run({before}), window_run({after})).processes.front();
  ASSERT_EQ(window.steps.size(), 1U);
  EXPECT_EQ(window.steps.front().count, 2U);
  EXPECT_EQ(window.steps.front().longest, 50U);
  EXPECT_EQ(window.steps.front().longest_begin, 0U) << "nobody knows";
  ASSERT_EQ(window.lock_waits.size(), 1U);
  EXPECT_EQ(window.lock_waits.front().ticks, 40U);
  EXPECT_EQ(window.lock_waits.front().longest, 40U);
  EXPECT_EQ(window.lock_waits.front().longest_begin, 99U);
  EXPECT_EQ(window.lock_waits.front().threads, 1U);
  EXPECT_TRUE(window.stops.empty());
}

TEST(RunWindow, has_new_processes_whole_and_leaves_out_those_that_had_ended) {
  auto first = make_process(7, {{.holds = 1, .hold_ticks = 10}});
  auto ended = make_process(8, {{.holds = 1, .hold_ticks = 10}});
  ended.role = ProcessRole::Fork;
  auto fresh = make_process(9, {{.holds = 5, .hold_ticks = 70}});
  const auto window = window_of(window_run({first, ended}), window_run({first, ended, fresh}));
  ASSERT_EQ(window.processes.size(), 2U);
  EXPECT_EQ(window.processes[0].pid, 7) << "the first one stays, though it has ended as well";
  EXPECT_EQ(window.processes[1].pid, 9);
  EXPECT_EQ(window.processes[1].figures.threads.front().hold_ticks, 70U);
}

TEST(RunWindow, of_processes_that_became_one_has_what_they_did_since) {
  auto first = make_process(7, {});
  auto worker = make_process(8, {{.holds = 2, .hold_ticks = 20}});
  worker.role = ProcessRole::Fork;
  worker.name = "worker-1";
  worker.cpu = Nanoseconds(5);
  worker.threads = {{.id = ThreadId{1}, .name = "MainThread"}};
  auto sum = make_process(1'000'000'000, {{.thread = kFirstFamily, .holds = 6, .hold_ticks = 90}});
  sum.role = ProcessRole::Fork;
  sum.name = "worker-N";
  sum.folded = 2;
  sum.cpu = Nanoseconds(20);
  sum.wall *= 2;
  sum.threads = {{.id = ThreadId{kFirstFamily}, .name = "MainThread"}};
  const auto window = window_of(window_run({first, worker}), window_run({first, sum}));
  ASSERT_EQ(window.processes.size(), 2U);
  EXPECT_EQ(window.processes[1].figures.threads.front().hold_ticks, 70U);
  EXPECT_EQ(window.processes[1].cpu, Nanoseconds(15));
  EXPECT_EQ(window.processes[1].wall, Nanoseconds(100 * kMillisecondTicks));
}

}  // namespace
}  // namespace gilscope
