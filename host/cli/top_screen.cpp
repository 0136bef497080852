#include <Python.h>

#include "cli/top_screen.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "report/top_text.h"
#include "run/child.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

namespace py = pybind11;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

using Frame = std::vector<std::pair<py::str, int>>;

class TopScreen {
 public:
  explicit TopScreen(LiveWatch& live) : watch_(live) {}

  std::optional<Frame> draw(std::size_t columns, std::size_t lines) {
    if (!view_.is_paused && steady_clock::now() >= watch_.due()) watch_.look();
    if (view_.is_over || watch_.is_over() || InterruptGuard::signal()) return std::nullopt;
    Frame frame;
    for (const auto& line : format_screen(watch_.figures(), view_, columns, lines)) {
      // Names come from the program, and may be any bytes.
      frame.emplace_back(py::reinterpret_steal<py::str>(PyUnicode_DecodeUTF8(
                             line.text.data(), static_cast<Py_ssize_t>(line.text.size()), "replace")),
                         static_cast<int>(line.style));
    }
    return frame;
  }
  void press(const std::string& key) { gilscope::press(key, watch_.figures(), view_); }
  // A second at most: the terminal may have another size by then, or a signal have come.
  [[nodiscard]] int wait_ms() const {
    const auto rest = std::chrono::ceil<milliseconds>(watch_.due() - steady_clock::now());
    return view_.is_paused ? 1000 : static_cast<int>(std::clamp<milliseconds::rep>(rest.count(), 1, 1000));
  }

 private:
  LiveWatch& watch_;
  TopView view_;
};

bool show(LiveWatch& live) {
  const auto module = py::module_::import("_gilscope_top_screen");
  if (!module.attr("is_possible")().cast<bool>()) return false;
  TopScreen screen(live);
  module.attr("show")(
      py::cpp_function([&](std::size_t columns, std::size_t lines) { return screen.draw(columns, lines); }),
      py::cpp_function([&](const std::string& key) { screen.press(key); }),
      py::cpp_function([&] { return screen.wait_ms(); }));
  return true;
}

}  // namespace

ScreenEnd show_screen(PythonHost& host, LiveWatch& live) {
  ScreenEnd end;
  host.with_python([&] {
    const InterruptGuard guard;  // Python has put its own handler there
    try {
      end.was_shown = show(live);
    } catch (const py::error_already_set& error) {
      if (error.matches(PyExc_ImportError)) return;  // this Python has no curses
      end.signal = InterruptGuard::signal();
      if (end.signal) {  // as SIGHUP: the terminal is gone
        end.was_shown = true;
        return;
      }
      throw Error(std::string("the screen failed: ") + error.what(), "gilscope top --plain");
    }
    end.signal = InterruptGuard::signal();
  });
  return end;
}

}  // namespace gilscope::cli
