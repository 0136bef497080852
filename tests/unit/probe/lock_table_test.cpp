#include "probe/lock_table.h"

#include <algorithm>
#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace gilscope {
namespace {

LockWords words_of(std::string_view function, std::uint32_t line = 7, WaitFor wait_for = WaitFor::Turn) {
  return {.file = "/srv/app.py", .line = line, .function = function, .within = "", .wait_for = wait_for};
}

LockWait wait_of(std::uint64_t ticks, std::uint32_t thread = 4001) {
  return {.thread = thread, .ender = 4002, .begin = 100 + ticks, .ticks = ticks};
}

class LockTableTest : public testing::Test {
 protected:
  std::unique_ptr<LockTable> table_ = std::make_unique<LockTable>();
};

TEST_F(LockTableTest, knows_a_place_again_and_tells_apart_what_differs_in_anything) {
  const auto first = table_->find_or_add(words_of("work"));
  EXPECT_EQ(table_->find_or_add(words_of("work")), first);
  EXPECT_NE(table_->find_or_add(words_of("work", 8)), first);
  EXPECT_NE(table_->find_or_add(words_of("work", 7, WaitFor::Work)), first);
  auto within = words_of("work");
  within.within = "Handler.acquire";
  EXPECT_NE(table_->find_or_add(within), first);
  auto of_dict = words_of("work");
  of_dict.lock_kind = LockKind::Object;
  of_dict.lock_type = "dict";
  auto of_list = of_dict;
  of_list.lock_type = "list";
  EXPECT_NE(table_->find_or_add(of_dict), table_->find_or_add(of_list));
}

TEST_F(LockTableTest, sums_what_began_and_ended_at_the_same_two_places) {
  const auto place = table_->find_or_add(words_of("work"));
  const auto end = table_->find_or_add(words_of("give", 9));
  table_->add(wait_of(30), place, end);
  auto by_peer = wait_of(50, 4003);
  by_peer.is_by_peer = true;
  table_->add(by_peer, place, end);
  table_->add(wait_of(40), place, end);
  table_->add(wait_of(5), place, LockTable::kNoPlace);
  const LockRow& row = table_->rows[0];
  EXPECT_EQ(row.count, 3U);
  EXPECT_EQ(row.ticks, 120U);
  EXPECT_EQ(row.by_peers, 50U);
  EXPECT_EQ(row.longest, 50U);
  EXPECT_EQ(row.longest_begin, 150U);
  EXPECT_EQ(row.longest_thread, 4003U);
  EXPECT_EQ(row.longest_ender, 4002U);
  EXPECT_EQ(row.ended_at_plus_one, end + 1);
  EXPECT_EQ(table_->rows[1].count, 1U);
  EXPECT_EQ(table_->rows[1].ended_at_plus_one, 0U) << "nobody knows";
  EXPECT_EQ(table_->others, 0U);
}

TEST_F(LockTableTest, sums_what_each_thread_waited_for_a_turn_and_for_work) {
  const auto turn = table_->find_or_add(words_of("work"));
  const auto work = table_->find_or_add(words_of("wait", 8, WaitFor::Work));
  auto giving = words_of("put", 9);
  giving.gives_work = true;
  const auto gives_work = table_->find_or_add(giving);
  EXPECT_EQ(table_->find(4001), nullptr);
  table_->begin(4001, {.since = 100, .lock = 0x1000, .place = turn, .identity = 77});
  ASSERT_NE(table_->find(4001), nullptr);
  EXPECT_EQ(table_->find(4001)->since, 100U);
  EXPECT_EQ(table_->find(4001)->lock, 0x1000U);
  EXPECT_EQ(table_->find(4001)->place, turn);
  table_->add(wait_of(30), turn, LockTable::kNoPlace);
  table_->add(wait_of(5), turn, gives_work);
  table_->add(wait_of(7), work, LockTable::kNoPlace);
  table_->add(wait_of(1000), LockTable::kNoPlace, LockTable::kNoPlace);
  EXPECT_EQ(table_->find(4001)->since, 0U) << "it is over";
  EXPECT_EQ(table_->find(4001)->turn_ticks, 30U);
  EXPECT_EQ(table_->find(4001)->work_ticks, 12U) << "as who ends it says";
  auto giving_turn = words_of("release", 10);
  giving_turn.gives_turn = true;
  const auto gives_turn = table_->find_or_add(giving_turn);
  table_->add(wait_of(11), work, gives_turn);
  EXPECT_EQ(table_->find(4001)->turn_ticks, 41U);
  const auto& rows = table_->rows;
  const auto* const row = std::ranges::find(rows, gives_turn + 1, &LockRow::ended_at_plus_one);
  ASSERT_NE(row, rows.end());
  EXPECT_EQ(row->by_peers, 11U) << "who gave it back had it";
}

TEST_F(LockTableTest, sums_for_how_long_each_thread_stood_in_a_stopped_world_wherever_that_was) {
  const auto place = table_->find_or_add(words_of("work"));
  auto stood = wait_of(30);
  stood.is_for_world = true;
  table_->add(stood, place, LockTable::kNoPlace);
  table_->add(stood, LockTable::kNoPlace, LockTable::kNoPlace);
  EXPECT_EQ(table_->find(4001)->world_ticks, 60U);
  EXPECT_EQ(table_->find(4001)->turn_ticks, 0U);
}

TEST_F(LockTableTest, knows_what_a_thread_has_that_waits_for_long_until_it_waits_again) {
  table_->look(4001, 90, {.owner = 7});
  EXPECT_EQ(table_->find(4001), nullptr) << "it does not wait";
  table_->begin(4001, {.since = 100, .lock = 0x1000, .place = 0, .identity = 77});
  table_->look(4001, 200, {.locks = {0x2000, 0x3000}, .owner = 88});
  const LockThread& waits = *table_->find(4001);
  EXPECT_EQ(waits.identity, 77U);
  EXPECT_EQ(waits.looked, 200U);
  EXPECT_EQ(waits.owner, 88U);
  EXPECT_EQ(waits.held[1], 0x3000U);
  table_->begin(4001, {.since = 300, .lock = 0x1000});
  EXPECT_EQ(waits.looked, 0U);
}

TEST_F(LockTableTest, has_room_again_for_threads_once_others_have_ended) {
  const auto place = table_->find_or_add(words_of("work"));
  constexpr std::uint32_t kThreads = LockTable::kThreads;
  for (std::uint32_t thread = 1; thread <= 3 * kThreads; ++thread) {
    table_->add(wait_of(thread, thread), place, LockTable::kNoPlace);
    ASSERT_NE(table_->find(thread), nullptr) << thread;
    EXPECT_EQ(table_->find(thread)->turn_ticks, thread);
    if (thread > kThreads / 2) table_->forget(thread - kThreads / 2);
  }
  for (std::uint32_t thread = 10'001; thread <= 10'000 + kThreads; ++thread)
    table_->begin(thread, {.since = 1, .lock = 0x1000, .place = place});
  EXPECT_EQ(table_->find(10'000 + kThreads), nullptr) << "full";
  EXPECT_EQ(table_->rows[0].count, std::uint64_t{3} * kThreads);
}

TEST_F(LockTableTest, keeps_the_end_of_a_long_path_and_the_begin_of_a_long_name) {
  const std::string path = "/" + std::string(300, 'x') + "/app.py";
  const std::string name(300, 'f');
  const auto place = table_->find_or_add({.file = path, .line = 1, .function = name, .within = name});
  const LockPlace& kept = table_->places.at(place);
  EXPECT_TRUE(std::string_view(kept.file.data()).ends_with("/app.py"));
  EXPECT_TRUE(std::string_view(kept.file.data()).starts_with("…"));
  EXPECT_EQ(std::string_view(kept.function.data()).size(), kept.function.size() - 1);
}

TEST_F(LockTableTest, counts_what_finds_no_place_or_no_row) {
  for (std::uint32_t line = 1; line <= LockTable::kPlaces; ++line)
    ASSERT_NE(table_->find_or_add(words_of("work", line)), LockTable::kNoPlace);
  EXPECT_EQ(table_->find_or_add(words_of("work", 1000)), LockTable::kNoPlace);
  table_->add(wait_of(10), LockTable::kNoPlace, LockTable::kNoPlace);
  EXPECT_EQ(table_->others, 1U);
  for (std::size_t end = 0; end < LockTable::kPlaces; ++end) table_->add(wait_of(1), 0, end);
  for (std::size_t end = 0; end < LockTable::kPlaces; ++end) table_->add(wait_of(1), 1, end);
  EXPECT_EQ(table_->others, 1 + 2 * LockTable::kPlaces - LockTable::kRows);
  EXPECT_EQ(table_->others_ticks, 10 + 2 * LockTable::kPlaces - LockTable::kRows);
}

TEST_F(LockTableTest, takes_in_another_one_whose_places_have_other_numbers) {
  const auto part = std::make_unique<LockTable>();
  part->add(wait_of(70, 4009), part->find_or_add(words_of("give")), part->find_or_add(words_of("work")));
  part->add(wait_of(3), part->find_or_add(words_of("give")), LockTable::kNoPlace);
  part->others = 2;
  const auto work = table_->find_or_add(words_of("work"));
  const auto give = table_->find_or_add(words_of("give"));
  table_->add(wait_of(50), give, work);
  table_->add(*part);
  EXPECT_EQ(table_->rows[0].count, 2U);
  EXPECT_EQ(table_->rows[0].ticks, 120U);
  EXPECT_EQ(table_->rows[0].longest_thread, 4009U);
  EXPECT_EQ(table_->rows[1].count, 1U);
  EXPECT_EQ(table_->rows[1].place, give);
  EXPECT_EQ(table_->others, 2U);
}

TEST_F(LockTableTest, sums_the_pauses_that_were_asked_for_at_one_place) {
  const auto place = table_->find_or_add(words_of("tidy"));
  const auto stop = [](std::uint64_t length, bool is_first, std::string_view call) {
    return WorldStop{
        .step =
            {.is_first = is_first, .ticks = 10, .until_stood = 2, .lost = 8, .begin = 7, .length = length},
        .thread = 4005,
        .why = 0,
        .call = call};
  };
  table_->add(stop(10, true, "gc.collect"), place);
  table_->add(stop(20, false, "gc.collect"), place);
  table_->add(stop(10, true, "sys.settrace"), place);
  const StopRow& row = table_->stops[0];
  EXPECT_EQ(row.count, 1U);
  EXPECT_EQ(row.ticks, 20U);
  EXPECT_EQ(row.until_stood, 4U);
  EXPECT_EQ(row.lost, 16U);
  EXPECT_EQ(row.longest, 20U);
  EXPECT_EQ(row.longest_thread, 4005U);
  EXPECT_EQ(row.place_plus_one, place + 1);
  EXPECT_STREQ(row.call.data(), "gc.collect");
  EXPECT_STREQ(table_->stops[1].call.data(), "sys.settrace");
}

TEST_F(LockTableTest, takes_in_the_pauses_of_another_one_and_counts_what_finds_no_row) {
  const auto part = std::make_unique<LockTable>();
  const WorldStop stop{.step = {.is_first = true, .ticks = 5, .lost = 3, .begin = 9, .length = 5},
                       .thread = 4005};
  part->add(stop, part->find_or_add(words_of("other")));
  part->add(stop, part->find_or_add(words_of("tidy")));
  part->add(stop, LockTable::kNoPlace);
  const auto tidy = table_->find_or_add(words_of("tidy"));
  table_->add(stop, tidy);
  table_->add(*part);
  EXPECT_EQ(table_->stops[0].count, 2U);
  EXPECT_EQ(table_->stops[0].ticks, 10U);
  EXPECT_EQ(table_->stops[1].count, 1U);
  EXPECT_EQ(table_->stops[2].place_plus_one, 0U) << "nobody knows";
  for (std::uint32_t line = 1; line <= LockTable::kStops; ++line)
    table_->add(stop, table_->find_or_add(words_of("far", line)));
  EXPECT_EQ(table_->further_stops, 3U);
  EXPECT_EQ(table_->further_stop_ticks, 15U);
}

}  // namespace
}  // namespace gilscope
