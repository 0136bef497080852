#include "analysis/truth_check.h"

#include <algorithm>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "analysis/event_lists.h"

namespace gilscope {
namespace {

using test::acquire;
using test::release;
using test::request;
using test::simulate;
using test::timeout;

const TruthFinding* find(const TruthReport& report, Fault fault) {
  const auto found = std::ranges::find(report.findings, fault, &TruthFinding::fault);
  return found == report.findings.end() ? nullptr : &*found;
}

TEST(TruthCheck, holds_of_legal_lists) {
  EXPECT_TRUE(check_truth({}).holds());
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto events = simulate(seed, {.threads = 1 + static_cast<unsigned>(seed % 12)});
    const auto report = check_truth(events);
    EXPECT_TRUE(report.holds()) << seed;
    EXPECT_EQ(report.events, events.size());
  }
}

TEST(TruthCheck, names_the_first_position_and_the_count_of_a_fault) {
  const std::vector<Event> events = {acquire(1, 1), acquire(2, 2), release(3, 2), acquire(4, 2),
                                     acquire(5, 1)};
  const auto report = check_truth(events);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].fault, Fault::AcquireWhileHeld);
  EXPECT_EQ(report.findings[0].count, 2U);
  EXPECT_EQ(report.findings[0].position, 1U);
  EXPECT_EQ(report.findings[0].first.thread, ThreadId{2});
  EXPECT_EQ(condition_of(report.findings[0].fault), Condition::HoldsNeverOverlap);
}

TEST(TruthCheck, finds_each_fault) {
  struct Case {
    Fault fault;
    std::vector<Event> events;
  };
  const std::vector<Case> cases = {
      {Fault::AcquireWhileHeld, {acquire(1, 1), acquire(2, 2)}},
      {Fault::AcquireTwice, {acquire(1, 1), acquire(2, 1)}},
      {Fault::ReleaseWithoutHold, {acquire(1, 1), release(2, 1), release(3, 1)}},
      {Fault::ReleaseByOther, {acquire(1, 1), release(2, 2)}},
      {Fault::RequestWhileHolding, {acquire(1, 1), request(2, 1)}},
      {Fault::RequestTwice, {acquire(1, 1), request(2, 2), request(3, 2)}},
      {Fault::RequestWhileFree, {acquire(1, 1), release(2, 1), request(3, 2)}},
      {Fault::TimeoutOutsideWait, {acquire(1, 2), release(2, 2), acquire(3, 1), timeout(4, 2)}},
      {Fault::GilTimeWentBack, {acquire(1, 1), release(1, 1), acquire(5, 1), release(6, 1), acquire(4, 2)}},
      {Fault::ThreadTimeWentBack, {acquire(5, 1, 0), release(6, 1, 0), acquire(5, 1, 1)}},
  };
  for (const auto& [fault, events] : cases) {
    const auto report = check_truth(events);
    ASSERT_EQ(report.findings.size(), 1U) << describe(fault);
    EXPECT_EQ(report.findings[0].fault, fault) << describe(fault);
    EXPECT_EQ(report.findings[0].position, events.size() - 1) << describe(fault);
    EXPECT_EQ(report.findings[0].count, 1U) << describe(fault);
  }
}

TEST(TruthCheck, finds_events_outside_the_recording_and_holds_beyond_the_wall_time) {
  TruthCheck check(100, 200);
  for (const auto& event : {acquire(90, 1), release(150, 1), acquire(150, 1), release(210, 1)})
    check.add(event);
  const auto report = check.report();
  ASSERT_NE(find(report, Fault::OutsideRecording), nullptr);
  EXPECT_EQ(find(report, Fault::OutsideRecording)->count, 2U);
  EXPECT_EQ(find(report, Fault::OutsideRecording)->position, 0U);
  ASSERT_NE(find(report, Fault::HoldsExceedWall), nullptr);
  EXPECT_EQ(find(report, Fault::HoldsExceedWall)->first.gil, GilId{0});
}

TEST(TruthCheck, knows_who_held_the_gil_at_the_begin) {
  TruthCheck check(100, 200);
  check.begin(GilId{0}, ThreadId{1}, 100);
  for (const auto& event : {request(110, 2), release(120, 1), acquire(121, 2)}) check.add(event);
  EXPECT_TRUE(check.report().holds());
}

TEST(TruthCheck, says_what_it_could_not_check) {
  TruthCheck check(0, 100, {.rows = 4, .gils = 1});
  check.add(acquire(1, 1, 1));
  EXPECT_FALSE(check.report().holds());
  EXPECT_EQ(check.report().unchecked_events, 1U);
}

// Each mutation below breaks one condition for certain, wherever in the list it is made.
TEST(TruthCheck, catches_mutated_lists) {
  using At = std::vector<Event>::iterator;
  using Mutation = std::function<void(std::vector<Event>&, At)>;
  const Mutation repeat = [](auto& events, At at) { events.insert(at, *at); };
  const Mutation drop = [](auto& events, At at) { events.erase(at); };
  const std::vector<std::pair<EventKind, Mutation>> mutations = {
      {EventKind::Acquire, repeat},
      {EventKind::Release, repeat},
      {EventKind::Request, repeat},
      {EventKind::Acquire, drop},
      {EventKind::Release, drop},
      {EventKind::Release, [](auto&, At at) { at->thread = ThreadId{999}; }},
      {EventKind::Release, [](auto&, At at) { at->kind = EventKind::Request; }},
      {EventKind::Acquire, [](auto&, At at) { at->ticks = 1; }},
  };
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    std::mt19937_64 random(seed);
    const auto legal = simulate(seed, {.threads = 5, .gils = 2, .events = 500});
    for (std::size_t kind = 0; kind < mutations.size(); ++kind) {
      const auto target = mutations[kind].first;
      const auto& mutate = mutations[kind].second;
      // Away from both ends: what a GIL's first and last events lack may lie outside the list.
      auto events = legal;
      const auto from = events.begin() + static_cast<std::ptrdiff_t>(100 + random() % 200);
      mutate(events,
             std::find_if(from, events.end(), [&](const Event& event) { return event.kind == target; }));
      EXPECT_FALSE(check_truth(events).holds()) << "seed " << seed << " mutation " << kind;
    }
  }
}

}  // namespace
}  // namespace gilscope
