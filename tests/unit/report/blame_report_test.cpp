// Who made others wait, ranked and in words.
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/process_records.h"
#include "report/blame_text.h"
#include "report/summary_report.h"

namespace gilscope {
namespace {

using test::kMillisecondTicks;
using testing::HasSubstr;
using testing::Not;

// Spans of a process, given one by one.
class BlameReport : public testing::Test {
 protected:
  StackId stand(const std::vector<CodePlace>& places) {
    std::vector<PlaceId> ids;
    for (const auto& place : places) ids.push_back(blame_.stacks.add(place));
    return blame_.stacks.add(ids);
  }

  // One hold of 10 ms, for which the other thread waited as long.
  SpanFigures& add(unsigned thread, std::optional<StackId> from, std::optional<StackId> to,
                   std::uint64_t waited = 10 * kMillisecondTicks, unsigned waiter = 9) {
    auto& span = blame_.spans[{.gil = GilId{0}, .thread = ThreadId{thread}, .from = from, .to = to}];
    span.holds += 1;
    span.hold_ticks += 10 * kMillisecondTicks;
    span.max_hold_ticks = 10 * kMillisecondTicks;
    span.waits[ThreadId{waiter}] += waited;
    return span;
  }

  [[nodiscard]] std::vector<BlameRow> rows() const { return rank_blame(blame_, TickLength{1}); }

  // In lines as long as you like.
  [[nodiscard]] std::string text() const {
    ProcessSummary process;
    for (unsigned id = 1; id <= 4; ++id) {
      process.threads.push_back({.figures = {.id = ThreadId{id}}, .name = "worker-" + std::to_string(id)});
    }
    process.blame = rows();
    return format_blame(process, {.columns = 500});
  }

  BlameRecord blame_;
  const CodePlace main_{"/srv/app.py", "main", 12};
  const CodePlace parse_{"/srv/app.py", "parse", 41};
  const CodePlace match_{"/usr/lib/python3.13/re/__init__.py", "match", 167};
};

TEST_F(BlameReport, stacks_that_end_on_one_line_are_one_row) {
  const auto short_way = stand({parse_});
  const auto long_way = stand({parse_, main_});
  add(1, short_way, short_way, 10);
  add(1, long_way, long_way, 30);
  add(1, short_way, long_way, 5, 8);
  const auto row = rows().at(0);
  EXPECT_EQ(rows().size(), 1U);
  EXPECT_EQ(row.holds, 3U);
  EXPECT_EQ(row.caused_wait_ns, Nanoseconds(45));
  EXPECT_EQ(row.hold_ns, Nanoseconds(30 * kMillisecondTicks));
  EXPECT_EQ(row.max_hold_ns, Nanoseconds(10 * kMillisecondTicks));
  EXPECT_EQ(row.stack, (std::vector<CodePlace>{parse_, main_}));
  EXPECT_EQ(row.stack_wait_ns, Nanoseconds(35));
  ASSERT_EQ(row.waiters.size(), 2U);
  EXPECT_EQ(row.waiters[1].wait_ns, Nanoseconds(40));
}

TEST_F(BlameReport, who_caused_most_comes_first_and_nobody_last) {
  add(1, {}, stand({main_}), 10);
  add(2, {}, stand({parse_}), 30);
  blame_.spans[{.gil = GilId{0}}].waits[ThreadId{1}] = 1000;
  const auto ranking = rows();
  EXPECT_EQ(ranking.at(0).thread, ThreadId{2});
  EXPECT_EQ(ranking.at(1).thread, ThreadId{1});
  EXPECT_EQ(ranking.at(2).thread, std::nullopt);
  EXPECT_EQ(ranking.at(2).caused_wait_ns, Nanoseconds(1000));
}

TEST_F(BlameReport, says_both_ends_the_threads_and_the_waiting) {
  const auto there = stand({parse_});
  add(1, there, there);
  add(2, there, there, 20 * kMillisecondTicks, 3);
  EXPECT_THAT(text(),
              HasSubstr("app.py:41 parse → app.py:41: held 20.0 ms in 2 holds, 10.0 ms each, by worker-1 "
                        "and worker-2; caused 30.0 ms of waiting in worker-3 and thread 9\n"));
}

TEST_F(BlameReport, names_the_function_again_only_where_it_is_another) {
  add(1, stand({main_}), stand({parse_}));
  EXPECT_THAT(text(), HasSubstr("app.py:12 main → app.py:41 parse: held 10.0 ms in 1 hold by worker-1;"));
}

TEST_F(BlameReport, an_end_that_is_not_known_is_left_open) {
  add(1, {}, stand({parse_}));
  add(1, stand({main_}), {});
  EXPECT_THAT(text(), HasSubstr("  … → app.py:41 parse: held"));
  EXPECT_THAT(text(), HasSubstr("  app.py:12 main → …: held"));
  blame_ = {};
  add(1, {}, {});
  EXPECT_THAT(text(), HasSubstr("  lines not known: held"));
}

TEST_F(BlameReport, of_a_library_it_says_who_called) {
  const auto there = stand({match_, parse_, main_});
  add(1, there, there);
  EXPECT_THAT(text(), HasSubstr("__init__.py:167 match → __init__.py:167, called at app.py:41 parse: held"));
  const auto elsewhere = stand({match_, main_});
  add(1, there, elsewhere, 40 * kMillisecondTicks);
  EXPECT_THAT(text(), HasSubstr("__init__.py:167, mostly called at app.py:12 main: held"));
}

TEST_F(BlameReport, what_steers_a_terminal_is_no_file_name) {
  add(1, {}, stand({{"/srv/\x1b[31m.py", "\x1b]0;x\a", 1}}));
  EXPECT_THAT(text(), HasSubstr("?[31m.py:1 ?]0;x?"));
  EXPECT_THAT(text(), Not(HasSubstr("\x1b")));
}

TEST_F(BlameReport, shows_the_first_few_that_say_something) {
  for (std::uint32_t line = 1; line <= 9; ++line) {
    add(1, {}, stand({{"app.py", "f", line}}), line * kMillisecondTicks);
  }
  EXPECT_THAT(text(), HasSubstr("app.py:5 f: held"));
  EXPECT_THAT(text(), Not(HasSubstr("app.py:4 f")));
  EXPECT_THAT(text(), HasSubstr("(4 spans more, that caused less: --json has them)"));
  blame_ = {};
  add(1, {}, stand({parse_}), 1000 * kMillisecondTicks);
  add(1, {}, stand({main_}), kMillisecondTicks);
  EXPECT_THAT(text(), HasSubstr("(1 span more"));
}

TEST_F(BlameReport, says_how_long_nobody_held_it_where_that_matters) {
  add(1, {}, stand({parse_}));
  blame_.spans[{.gil = GilId{0}}].waits[ThreadId{2}] = 2 * kMillisecondTicks;
  EXPECT_THAT(text(), HasSubstr("Who made others wait, 12.0 ms in all:\n"));
  EXPECT_THAT(text(), HasSubstr("2.00 ms went by while nobody held it"));
  blame_.spans[{.gil = GilId{0}}].waits[ThreadId{2}] = 1000;
  EXPECT_THAT(text(), Not(HasSubstr("nobody")));
}

TEST_F(BlameReport, says_nothing_where_nobody_waited_or_nothing_was_recorded) {
  EXPECT_EQ(text(), "");
  EXPECT_EQ(format_blame({}, {}), "");
}

}  // namespace
}  // namespace gilscope
