// How far long work has come, on one line of standard error; nothing where that is no terminal.
#pragma once

#include <cstddef>
#include <string>

#include "support/time.h"

namespace gilscope::cli {

class Progress {
 public:
  Progress(std::size_t steps, bool quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  Progress(Progress&&) = delete;
  Progress& operator=(Progress&&) = delete;
  ~Progress() { hide(); }

  void show(const std::string& text);
  void hide() const;  // clears the line, for other words
  void step(std::size_t count = 1) noexcept { done_ += count; }

 private:
  std::size_t steps_;
  std::size_t done_ = 0;
  bool visible_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace gilscope::cli
