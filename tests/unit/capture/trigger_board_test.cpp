// The board on which processes say what took long, and who sees it in events.
#include "capture/trigger_board.h"

#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "capture/capture_fixture.h"
#include "capture/trigger_watch.h"

namespace gilscope::test {
namespace {

Trigger trigger_of(std::uint64_t begin) {
  return {.kind = TriggerKind::Wait, .pid = 12, .thread = ThreadId{34}, .begin = begin, .end = begin + 10};
}

class TriggerBoardTest : public ::testing::Test {
 protected:
  std::unique_ptr<TriggerBoard> board_ = std::make_unique<TriggerBoard>();
};

TEST_F(TriggerBoardTest, gives_each_trigger_once) {
  std::uint64_t seen = 0;
  EXPECT_TRUE(board_->read_after(seen).empty());
  board_->post(trigger_of(1));
  board_->post(trigger_of(2));
  EXPECT_EQ(board_->read_after(seen), (std::vector{trigger_of(1), trigger_of(2)}));
  EXPECT_TRUE(board_->read_after(seen).empty());
  board_->post(trigger_of(3));
  EXPECT_EQ(board_->read_after(seen), (std::vector{trigger_of(3)}));
}

TEST_F(TriggerBoardTest, gives_the_latest_of_more_than_it_has_places_for) {
  for (std::uint64_t i = 1; i <= 3 * TriggerBoard::kPlaces; ++i) board_->post(trigger_of(i));
  std::uint64_t seen = 0;
  const auto triggers = board_->read_after(seen);
  ASSERT_EQ(triggers.size(), TriggerBoard::kPlaces);
  EXPECT_EQ(triggers.front(), trigger_of(2 * TriggerBoard::kPlaces + 1));
  EXPECT_EQ(triggers.back(), trigger_of(3 * TriggerBoard::kPlaces));
  EXPECT_EQ(seen, 3 * TriggerBoard::kPlaces);
}

TEST_F(TriggerBoardTest, gives_no_trigger_that_is_part_of_two) {
  std::atomic<bool> is_over{false};
  std::vector<std::thread> writers;
  for (unsigned i = 0; i < 2; ++i) {
    writers.emplace_back([&, i] {
      for (std::uint64_t begin = i; !is_over; begin += 2) board_->post(trigger_of(begin));
    });
  }
  std::uint64_t seen = 0;
  std::uint64_t torn = 0;
  while (seen < 20'000) {
    for (const auto& trigger : board_->read_after(seen))
      torn += trigger == trigger_of(trigger.begin) ? 0U : 1U;
  }
  is_over = true;
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(torn, 0U);
}

// In ticks of a nanosecond.
class TriggerWatchTest : public TriggerBoardTest {
 protected:
  void begin() { watch_.begin(board_.get(), ProbeClock(ClockKind::Monotonic), ClockPoint{}); }
  // Kinds and lengths of what was posted since.
  std::vector<std::pair<TriggerKind, std::uint64_t>> posted() {
    std::vector<std::pair<TriggerKind, std::uint64_t>> list;
    for (const auto& trigger : board_->read_after(seen_))
      list.emplace_back(trigger.kind, trigger.end - trigger.begin);
    return list;
  }

  TriggerWatch watch_;
  std::uint64_t seen_ = 0;
};

TEST_F(TriggerWatchTest, looks_at_nothing_where_nothing_is_wanted) {
  begin();
  EXPECT_FALSE(watch_.is_on());
}

TEST_F(TriggerWatchTest, posts_a_hold_of_that_length_for_which_somebody_waits) {
  board_->set_limit(TriggerKind::Hold, Nanoseconds(1000));
  begin();
  ASSERT_TRUE(watch_.is_on());
  watch_.see(make_event(10'000, EventKind::Acquire), false);
  watch_.see(make_event(10'999, EventKind::Release), true);
  EXPECT_TRUE(posted().empty());
  watch_.see(make_event(20'000, EventKind::Acquire), false);
  watch_.see(make_event(21'000, EventKind::Release), true);
  EXPECT_EQ(posted(), (std::vector{std::pair(TriggerKind::Hold, std::uint64_t{1000})}));
  watch_.see(make_event(30'000, EventKind::Acquire), false);
  watch_.see(make_event(90'000, EventKind::Release), false);  // nobody waits
  EXPECT_TRUE(posted().empty());
}

TEST_F(TriggerWatchTest, posts_a_wait_from_its_request_on) {
  board_->set_limit(TriggerKind::Wait, Nanoseconds(1000));
  begin();
  watch_.see(make_event(10'000, EventKind::Request), false);
  watch_.see(make_event(10'900, EventKind::Timeout), false);
  watch_.see(make_event(11'200, EventKind::Acquire), true);
  EXPECT_EQ(posted(), (std::vector{std::pair(TriggerKind::Wait, std::uint64_t{1200})}));
  watch_.see(make_event(50'000, EventKind::Release), true);  // no hold is wanted
  EXPECT_TRUE(posted().empty());
}

TEST_F(TriggerWatchTest, posts_what_others_have_measured) {
  board_->set_limit(TriggerKind::Loop, Nanoseconds(1000));
  begin();
  watch_.see(TriggerKind::Loop, ThreadId{7}, 5000, 5999);
  watch_.see(TriggerKind::Lock, ThreadId{7}, 5000, 9000);
  EXPECT_TRUE(posted().empty());
  watch_.see(TriggerKind::Loop, ThreadId{7}, 5000, 6500);
  EXPECT_EQ(posted(), (std::vector{std::pair(TriggerKind::Loop, std::uint64_t{1500})}));
}

}  // namespace
}  // namespace gilscope::test
