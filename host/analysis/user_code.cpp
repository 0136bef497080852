#include "analysis/user_code.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace gilscope {
namespace {

bool is_at(const CodePlace& place, std::string_view file, std::string_view function) {
  return place.file.ends_with(file) && place.function == function;
}

}  // namespace

bool is_library(const CodePlace& place) { return is_library_file(place.file); }

const CodePlace& place_to_look_at(const CodePlace& place, const std::vector<CodePlace>& stack) {
  // NOLINTNEXTLINE(bugprone-return-const-ref-from-parameter): of places that are kept, as user_code.h says
  if (!is_library(place)) return place;
  const auto caller = std::ranges::find_if_not(stack, is_library);
  return caller == stack.end() ? place : *caller;
}

// With uvloop only asyncio.run() is in Python.
bool is_in_event_loop(const std::vector<CodePlace>& stack) {
  return std::ranges::any_of(stack, [](const CodePlace& place) {
    return is_at(place, "/asyncio/base_events.py", "BaseEventLoop._run_once") ||
           is_at(place, "/asyncio/runners.py", "Runner.run");
  });
}

std::optional<CodePlace> task_of(const std::vector<CodePlace>& stack) {
  const auto handle = std::ranges::find_if(
      stack, [](const CodePlace& place) { return is_at(place, "/asyncio/events.py", "Handle._run"); });
  if (handle == stack.end() || handle == stack.begin()) return std::nullopt;
  return *std::prev(handle);
}

bool is_handing_over(const std::vector<CodePlace>& stack) {
  constexpr std::array<std::string_view, 3> kFiles{"/concurrent/futures/thread.py",
                                                   "/concurrent/futures/_base.py", "/queue.py"};
  for (const auto& place : stack) {
    if (!is_library(place) || is_at(place, kFiles[0], "_WorkItem.run")) return false;  // a task
    if (std::ranges::any_of(kFiles, [&](std::string_view file) { return place.file.ends_with(file); })) {
      return true;
    }
  }
  return false;
}

}  // namespace gilscope
