// The screen of `gilscope top`, and what keys do to it.
#include "report/top_text.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden.h"
#include "report/summary_records.h"
#include "report/text.h"

namespace gilscope {
namespace {

using test::busy_records;
using test::kMillisecondTicks;
using test::recorded;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

TopFigures top_figures() {
  auto run = recorded(busy_records());
  run.running = {4711};
  return {.command = {"gilscope", "run", "app.py"},
          .age = std::chrono::seconds(72),
          .length = std::chrono::milliseconds(100),
          .window = summarize_run(run),
          .all = summarize_run(run)};
}

// A letter for the style before each line.
std::string as_text(const std::vector<ScreenLine>& lines) {
  constexpr std::string_view kStyles = " TFP";
  std::string text;
  for (const auto& line : lines) {
    text += kStyles.at(static_cast<std::size_t>(line.style));
    text += '|' + line.text + '\n';
  }
  return text;
}

std::string screen_of(const TopFigures& figures, const TopView& view) {
  return as_text(format_screen(figures, view, 100, 60));
}

TEST(TopScreen, looks_as_it_did) { test::expect_golden("top-screen.txt", screen_of(top_figures(), {})); }

TEST(TopScreen, of_a_picked_thread_says_whom_it_made_wait_and_who_made_it_wait) {
  const auto figures = top_figures();
  TopView view;
  press("down", figures, view);
  press(" ", figures, view);
  test::expect_golden("top-screen-picked.txt", screen_of(figures, view));
  press("esc", figures, view);
  press(" ", figures, view);
  EXPECT_EQ(screen_of(figures, view), screen_of(figures, {}));
}

TEST(TopScreen, never_has_more_lines_or_columns_than_the_terminal) {
  const auto figures = top_figures();
  for (std::size_t columns = 20; columns < 130; columns += 7) {
    for (std::size_t lines = 2; lines < 70; lines += 3) {
      for (const bool shows_help : {false, true}) {
        const auto screen = format_screen(figures, {.shows_help = shows_help}, columns, lines);
        EXPECT_EQ(screen.size(), lines);
        for (const auto& line : screen) EXPECT_LE(count_columns(line.text), columns);
        EXPECT_THAT(screen.back().text, HasSubstr("q quit"));
      }
    }
  }
}

TEST(TopScreen, shows_another_process_at_tab_and_the_judged_one_again_at_backspace) {
  const auto figures = top_figures();
  ASSERT_GE(figures.window.processes.size(), 2U);
  TopView view;
  press("tab", figures, view);
  EXPECT_EQ(view.process, figures.window.processes[1].pid);
  EXPECT_THAT(screen_of(figures, view),
              ContainsRegex("\nP\\|" + std::to_string(figures.window.processes[1].pid)));
  for (int i = 0; i < 3; ++i) press("tab", figures, view);  // the fork server is none of them
  EXPECT_EQ(view.process, figures.window.processes[0].pid);
  press("backspace", figures, view);
  EXPECT_EQ(view.process, std::nullopt);
}

TEST(TopScreen, sorts_threads_four_ways_in_turns) {
  const auto figures = top_figures();
  TopView view;
  press("s", figures, view);
  EXPECT_THAT(screen_of(figures, view), HasSubstr("who waits most first"));
  press("s", figures, view);
  EXPECT_THAT(screen_of(figures, view), HasSubstr("who runs Python most first"));
  press("s", figures, view);
  EXPECT_THAT(screen_of(figures, view), HasSubstr("by name"));
  press("s", figures, view);
  EXPECT_EQ(view.order, ThreadOrder::Busy);
}

TEST(TopScreen, is_over_at_q_and_what_is_no_key_of_its_own_changes_nothing) {
  const auto figures = top_figures();
  TopView view;
  press("x", figures, view);
  press("", figures, view);
  EXPECT_EQ(screen_of(figures, view), screen_of(figures, {}));
  EXPECT_FALSE(view.is_over);
  press("q", figures, view);
  EXPECT_TRUE(view.is_over);
}

TEST(TopScreen, of_a_run_without_a_process_says_that_nothing_was_recorded) {
  TopFigures figures{.command = {"gilscope", "run", "app.py"}};
  figures.window.verdict.kind = RunVerdict::Kind::NothingRecorded;
  TopView view;
  for (const auto* key : {"down", "up", "tab", "backspace", "s"}) press(key, figures, view);
  EXPECT_THAT(screen_of(figures, view), HasSubstr("nothing was recorded of the GIL"));
}

TEST(TopScreen, lets_no_name_steer_the_terminal) {
  auto run = recorded(busy_records());
  run.processes.front().threads.front().name = "evil\x1b[2J";
  TopFigures figures = top_figures();
  figures.command = {"gilscope", "run", "\x1b]0;x.py"};
  figures.window = figures.all = summarize_run(run);
  TopView view;
  press("down", figures, view);
  EXPECT_THAT(screen_of(figures, view), Not(HasSubstr("\x1b")));
}

TEST(TopLines, are_the_verdict_and_the_findings_of_the_window) {
  test::expect_golden("top-lines.txt", format_window(top_figures()));
}

}  // namespace
}  // namespace gilscope
