// The screen of `gilscope top`: what a run did within the last seconds. What is on it follows from the
// figures and from what whoever looks has chosen; how it gets onto a terminal, cli/top_screen.cpp knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/run_summary.h"

namespace gilscope {

struct TopFigures {
  std::vector<std::string> command;  // gilscope's whole command line
  Nanoseconds age{};                 // since the recording began
  Nanoseconds length{};              // of the window
  RunSummary window;
  RunSummary all;  // since the begin
};

enum class ThreadOrder : std::uint8_t { Busy, Waiting, Running, Name };

struct TopView {
  ThreadOrder order = ThreadOrder::Busy;
  std::optional<std::int64_t> process;  // its id; empty: the one that the verdict is about
  std::string thread;                   // as its row is called; "": none is picked
  bool is_paused = false;
  bool shows_help = false;
  bool is_over = false;  // whoever looks has seen enough
};

// `key` as top_screen.py calls it: "q", " ", "up", …; others change nothing.
void press(std::string_view key, const TopFigures& figures, TopView& view);

enum class LineStyle : std::uint8_t { Plain, Title, Finding, Picked };

struct ScreenLine {
  std::string text;
  LineStyle style = LineStyle::Plain;
};

// As many lines at most, of so many columns.
[[nodiscard]] std::vector<ScreenLine> format_screen(const TopFigures& figures, const TopView& view,
                                                    std::size_t columns, std::size_t lines);

// The same in a few lines, for what is no screen.
[[nodiscard]] std::string format_window(const TopFigures& figures);

}  // namespace gilscope
