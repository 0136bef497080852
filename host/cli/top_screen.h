// The screen of `gilscope top`, on a terminal: by the curses of the host's Python.
#pragma once

#include <optional>

#include "cli/live_watch.h"
#include "run/python_host.h"

namespace gilscope::cli {

struct ScreenEnd {
  bool was_shown = false;  // else this Python has no curses, or curses does not know the terminal
  std::optional<int> signal;
};

// Until whoever looks has seen enough, nobody records any more, or a signal came. Throws Error.
ScreenEnd show_screen(PythonHost& host, LiveWatch& live);

}  // namespace gilscope::cli
