#include "analysis/blame.h"

#include <gtest/gtest.h>

#include "analysis/event_lists.h"
#include "analysis/gil_machine.h"
#include "analysis/reference.h"

namespace gilscope {
namespace {

using test::acquire;
using test::kGil;
using test::release;
using test::request;
using test::timeout;

constexpr StackId kLoop{1};
constexpr StackId kRead{2};

struct Noted {
  // NOLINTNEXTLINE(google-explicit-constructor): most events of a list are noted nowhere
  Noted(const Event& event_of_list, std::optional<StackId> where = {})
      : event(event_of_list), stands(where) {}

  Event event;
  std::optional<StackId> stands;
};

Spans spans_of(const std::vector<Noted>& events, std::uint64_t end) {
  Blame blame;
  for (const auto& [event, stands] : events) blame.apply(event, stands);
  return blame.spans(end);
}

SpanKey key(unsigned thread, std::optional<StackId> from, std::optional<StackId> to) {
  return {.gil = kGil, .thread = ThreadId{thread}, .from = from, .to = to};
}
constexpr SpanKey kNobodys{.gil = kGil, .thread = {}, .from = {}, .to = {}};

using Waits = std::map<ThreadId, std::uint64_t>;

TEST(Blame, a_hold_for_which_nobody_waited_is_in_no_span) {
  EXPECT_TRUE(spans_of({acquire(10, 1), release(20, 1), acquire(30, 1)}, 40).empty());
}

TEST(Blame, a_wait_is_of_the_hold_up_to_the_release_and_then_nobodys) {
  const auto spans = spans_of({acquire(10, 1),
                               request(15, 2),
                               timeout(20, 2),
                               {release(40, 1), kLoop},
                               acquire(43, 2),
                               release(50, 2)},
                              50);
  ASSERT_EQ(spans.size(), 2U);
  const auto& span = spans.at(key(1, {}, kLoop));
  EXPECT_EQ(span.holds, 1U);
  EXPECT_EQ(span.hold_ticks, 30U);
  EXPECT_EQ(span.max_hold_ticks, 30U);
  EXPECT_EQ(span.forced, 1U);
  EXPECT_EQ(span.waits, (Waits{{ThreadId{2}, 25}}));
  EXPECT_EQ(spans.at(kNobodys).holds, 0U);
  EXPECT_EQ(spans.at(kNobodys).waits, (Waits{{ThreadId{2}, 3}}));
}

// It may never give the GIL up, and then nobody else says where it stands.
TEST(Blame, a_hold_that_has_not_ended_stands_where_a_waiter_saw_it) {
  std::vector<Noted> events{{acquire(10, 1), kRead}, request(15, 2), {timeout(20, 2), kLoop}, timeout(25, 2)};
  EXPECT_EQ(spans_of(events, 30).at(key(1, kRead, kLoop)).waits, (Waits{{ThreadId{2}, 15}}));
  events.insert(events.end(), {release(40, 1), acquire(40, 2), request(45, 1), timeout(50, 1)});
  const auto spans = spans_of(events, 60);
  EXPECT_EQ(spans.at(key(1, kRead, {})).holds, 1U) << "where it ended nobody saw";
  EXPECT_EQ(spans.at(key(2, {}, {})).waits, (Waits{{ThreadId{1}, 15}}))
      << "what was seen was of another hold";
}

// The switch interval is 10: who waits for 30 during one hold waits for more than Python code.
TEST(Blame, a_hold_is_late_that_somebody_waited_for_three_switch_intervals_for) {
  const auto late_after = [](std::uint64_t end) {
    const auto spans = spans_of({acquire(0, 1),
                                 request(5, 2),
                                 timeout(15, 2),
                                 timeout(25, 2),
                                 {release(end, 1), kLoop},
                                 acquire(end, 2),
                                 release(end + 1, 2)},
                                end + 1);
    const auto& span = spans.at(key(1, {}, kLoop));
    EXPECT_EQ(span.late_wait_ticks, span.late_holds * (end - 5));
    return span.late_holds;
  };
  EXPECT_EQ(late_after(34), 0U);
  EXPECT_EQ(late_after(35), 1U);
}

TEST(Blame, a_hold_that_goes_on_is_late_and_not_forced) {
  const auto spans = spans_of({acquire(0, 1), request(5, 2), timeout(15, 2)}, 35);
  EXPECT_EQ(spans.at(key(1, {}, {})).late_holds, 1U);
  EXPECT_EQ(spans.at(key(1, {}, {})).forced, 0U);
}

TEST(Blame, without_a_timeout_no_switch_interval_is_known_and_no_hold_is_late) {
  Blame blame;
  for (const auto& event : {acquire(0, 1), request(5, 2), release(500, 1), acquire(500, 2)})
    blame.apply(event, {});
  EXPECT_TRUE(blame.switch_intervals().empty());
  EXPECT_EQ(blame.spans(500).at(key(1, {}, {})).late_holds, 0U);
}

TEST(Blame, the_first_timeout_of_a_wait_shows_the_switch_interval) {
  Blame blame;
  blame.apply(acquire(0, 1), {});
  auto wait = [&, at = std::uint64_t{0}](std::uint64_t interval) mutable {
    blame.apply(request(at, 2), {});
    blame.apply(timeout(at + interval, 2), {});
    blame.apply(timeout(at + 2 * interval, 2), {});  // a later one does not
    at += 2 * interval;
    blame.apply(release(at, 1), {});
    blame.apply(acquire(at, 2), {});
    blame.apply(release(at, 2), {});
    blame.apply(acquire(at, 1), {});
    return blame.switch_intervals().at(kGil);
  };
  EXPECT_EQ(wait(80), 80U);
  EXPECT_EQ(wait(16), 16U) << "a thread is not woken early";
  EXPECT_EQ(wait(80), 24U) << "it may be woken late; or the interval is another one now";
  for (int i = 0; i < 50; ++i) wait(80);
  EXPECT_GT(wait(80), 70U);
}

TEST(Blame, a_hold_begins_where_the_thread_stood_when_it_got_the_gil) {
  const auto spans = spans_of({acquire(10, 1),
                               request(15, 2),
                               {release(40, 1), kLoop},
                               {acquire(40, 2), kRead},
                               request(41, 1),
                               {release(50, 2), kRead}},
                              50);
  EXPECT_EQ(spans.at(key(2, kRead, kRead)).waits, (Waits{{ThreadId{1}, 9}}));
}

TEST(Blame, without_a_wait_it_begins_where_the_thread_had_given_the_gil_up) {
  // The second thread never gets it: its wait goes on over two holds of the first.
  const auto spans = spans_of(
      {acquire(10, 1), request(15, 2), {release(40, 1), kLoop}, acquire(45, 1), {release(60, 1), kRead}}, 60);
  EXPECT_EQ(spans.at(key(1, {}, kLoop)).waits, (Waits{{ThreadId{2}, 25}}));
  EXPECT_EQ(spans.at(key(1, kLoop, kRead)).waits, (Waits{{ThreadId{2}, 15}}));
  EXPECT_EQ(spans.at(kNobodys).waits, (Waits{{ThreadId{2}, 5}}));
}

TEST(Blame, what_a_thread_did_before_a_release_that_was_not_noted_is_no_begin) {
  const auto spans = spans_of({acquire(10, 1),
                               request(15, 2),
                               {release(40, 1), kLoop},
                               acquire(41, 2),
                               release(42, 2),
                               acquire(50, 1),
                               release(60, 1),
                               acquire(70, 1),
                               request(75, 2),
                               {release(80, 1), kRead}},
                              80);
  EXPECT_EQ(spans.at(key(1, {}, kRead)).waits, (Waits{{ThreadId{2}, 5}}));
}

TEST(Blame, every_thread_that_waited_is_named_with_its_own_wait) {
  const auto spans = spans_of({acquire(10, 1), request(12, 2), request(20, 3), {release(30, 1), kLoop}}, 30);
  EXPECT_EQ(spans.at(key(1, {}, kLoop)).waits, (Waits{{ThreadId{2}, 18}, {ThreadId{3}, 10}}));
}

TEST(Blame, what_has_not_ended_counts_up_to_now) {
  const auto spans = spans_of({acquire(10, 1), request(12, 2), timeout(20, 2)}, 112);
  const auto& span = spans.at(key(1, {}, {}));
  EXPECT_EQ(span.hold_ticks, 102U);
  EXPECT_EQ(span.forced, 0U);
  EXPECT_EQ(span.waits, (Waits{{ThreadId{2}, 100}}));
}

TEST(Blame, a_hold_from_before_the_events_is_nobodys_that_is_known) {
  const auto spans = spans_of({request(12, 2), {release(30, 1), kLoop}, acquire(30, 2)}, 40);
  ASSERT_EQ(spans.size(), 1U);
  EXPECT_EQ(spans.at(kNobodys).waits, (Waits{{ThreadId{2}, 18}}));
}

TEST(Blame, the_longest_waits_of_a_thread_are_kept_with_where_it_stood_then) {
  Blame blame;
  std::uint64_t now = 0;
  const auto wait = [&](std::uint64_t ticks, std::optional<StackId> stands) {
    blame.apply(acquire(now, 1), {});
    blame.apply(request(now + 1, 2), {});
    blame.apply(release(now + 1 + ticks, 1), {});
    blame.apply(acquire(now + 1 + ticks, 2), stands);
    blame.apply(release(now + 2 + ticks, 2), {});
    now += ticks + 3;
  };
  wait(10, kLoop);
  wait(500, {});  // nobody knows where it stood
  for (const std::uint64_t ticks : {40U, 30U, 20U}) wait(ticks, kRead);
  wait(50, kLoop);
  const auto& waits = blame.long_waits();
  ASSERT_EQ(waits.size(), 1U);
  EXPECT_EQ(waits.at({kGil, ThreadId{2}}),
            (std::vector<LongWait>{{50, kLoop}, {40, kRead}, {30, kRead}, {20, kRead}}));
}

TEST(Blame, events_of_a_gil_that_the_machine_has_no_place_for_are_passed_over) {
  EXPECT_TRUE(spans_of({acquire(10, 1, 1U << 17U), request(12, 2, 1U << 17U)}, 20).empty());
}

std::map<GilId, std::map<ThreadId, std::uint64_t>> waits_by_thread(const Spans& spans) {
  std::map<GilId, std::map<ThreadId, std::uint64_t>> waits;
  for (const auto& [key, span] : spans) {
    for (const auto& [thread, wait] : span.waits) waits[key.gil][thread] += wait;
  }
  return waits;
}

// To the tick, thread by thread: what was caused is what was waited.
TEST(BlameProperties, the_caused_waits_of_any_legal_list_sum_to_the_waits) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const auto events = test::simulate(seed, {.threads = 2 + static_cast<unsigned>(seed % 9),
                                              .gils = 1 + static_cast<unsigned>(seed % 3),
                                              .events = 600});
    const auto end = events.back().ticks + seed * 1000;
    std::mt19937_64 random(seed);
    Blame blame;
    for (const auto& event : events) {
      const auto stands = static_cast<StackId>(random() % 5);
      blame.apply(event, random() % 2 == 0 ? std::optional(stands) : std::nullopt);
    }
    const auto spans = blame.spans(end);
    auto caused = waits_by_thread(spans);
    for (const auto& [row, figures] : test::compute_reference(events, end).rows) {
      const auto& [gil, thread] = row;
      std::uint64_t waited = 0;
      for (const auto wait : figures.waits) waited += wait;
      EXPECT_EQ(caused[gil][thread], waited);
    }
    for (const auto& [span, figures] : spans) {
      EXPECT_FALSE(span.thread && figures.waits.contains(*span.thread)) << "its own hold made it wait";
    }
  }
}

TEST(Blame, an_event_tells_the_hold_that_it_ended_if_somebody_waited_for_it) {
  Blame blame;
  EXPECT_FALSE(blame.apply(acquire(10, 1), {}));
  EXPECT_FALSE(blame.apply(release(20, 1), {}));
  EXPECT_FALSE(blame.apply(acquire(30, 1), {}));
  EXPECT_FALSE(blame.apply(request(40, 2), {}));
  EXPECT_FALSE(blame.apply(timeout(50, 2), {}));
  ASSERT_EQ(blame.open_holds(55).size(), 1U);
  EXPECT_EQ(blame.open_holds(55).front().waits, (Waits{{ThreadId{2}, 15}}));
  EXPECT_FALSE(blame.open_holds(55).front().is_forced);
  const auto hold = blame.apply(release(60, 1), kLoop);
  ASSERT_TRUE(hold);
  EXPECT_EQ(hold->span, key(1, {}, kLoop));
  EXPECT_EQ(std::pair(hold->begin, hold->end), std::pair(std::uint64_t{30}, std::uint64_t{60}));
  EXPECT_TRUE(hold->is_forced);
  EXPECT_EQ(hold->waits, (Waits{{ThreadId{2}, 20}}));
  EXPECT_TRUE(blame.open_holds(70).empty());
}

// The definition, hold by hold: of every wait of another thread, its overlap with the hold.
TEST(BlameProperties, a_hold_causes_its_overlap_with_every_wait) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const auto events = test::simulate(seed, {.threads = 6, .gils = 2, .events = 300});
    GilMachine machine({.rows = 64, .gils = 8});
    std::vector<Interval> holds;
    std::vector<Interval> waits;
    Blame blame;
    const auto keep = [&](const Interval& interval) {
      (interval.kind == IntervalKind::Hold ? holds : waits).push_back(interval);
    };
    for (const auto& event : events) {
      const auto interval = machine.ending(event);
      machine.apply(event);
      // Each hold is a span of its own: it ends at a place that no other one does.
      const bool is_seen = event.kind == EventKind::Timeout;
      blame.apply(event, is_seen ? std::nullopt : std::optional(static_cast<StackId>(holds.size())));
      if (interval) keep(*interval);
    }
    const auto end = events.back().ticks;
    for (const auto& interval : machine.open_intervals(end)) keep(interval);
    for (const auto& [span, figures] : blame.spans(end)) {
      if (!span.thread || !span.to) continue;
      const auto& hold = holds.at(static_cast<std::size_t>(*span.to));
      EXPECT_EQ(hold.thread, *span.thread);
      EXPECT_EQ(figures.hold_ticks, hold.end - hold.begin);
      EXPECT_EQ(figures.forced, hold.is_forced ? 1U : 0U);
      std::map<ThreadId, std::uint64_t> overlaps;
      for (const auto& wait : waits) {
        const auto begin = std::max(wait.begin, hold.begin);
        const auto until = std::min(wait.end, hold.end);
        if (wait.gil == hold.gil && begin < until) overlaps[wait.thread] += until - begin;
      }
      for (const auto& [thread, overlap] : overlaps) EXPECT_EQ(figures.waits.at(thread), overlap);
      for (const auto& [thread, wait] : figures.waits) EXPECT_EQ(overlaps[thread], wait);
    }
  }
}

TEST(BlameProperties, no_list_whatever_causes_more_than_there_is_time) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    std::mt19937_64 random(seed);
    Blame blame;
    std::uint64_t latest = 0;
    for (int i = 0; i < 3000; ++i) {
      const Event event{.ticks = random() % 1'000'000,
                        .gil = GilId{static_cast<unsigned>(random() % 4)},
                        .thread = ThreadId{static_cast<unsigned>(random() % 20)},
                        .kind = static_cast<EventKind>(random() % 4)};
      latest = std::max(latest, event.ticks);
      blame.apply(event, {});
    }
    for (const auto& [gil, threads] : waits_by_thread(blame.spans(latest))) {
      for (const auto& [thread, wait] : threads) EXPECT_LE(wait, latest);
    }
  }
}

}  // namespace
}  // namespace gilscope
