#include "analysis/user_code.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace gilscope {
namespace {

bool is_at(const CodePlace& place, std::string_view file, std::string_view function) {
  return place.file.ends_with(file) && place.function == function;
}

// Of no file: what a decorator made (dataclasses), a template, or what was typed.
bool is_generated(const CodePlace& place) { return place.file.starts_with('<') && !is_library(place); }

}  // namespace

bool is_library(const CodePlace& place) { return is_library_file(place.file); }

// NOLINTBEGIN(bugprone-return-const-ref-from-parameter): of places that are kept, as user_code.h says
const CodePlace& place_to_look_at(const CodePlace& place, const std::vector<CodePlace>& stack) {
  if (!is_library(place) && !is_generated(place)) return place;
  const auto user = std::ranges::find_if(
      stack, [](const CodePlace& caller) { return !is_library(caller) && !is_generated(caller); });
  if (user != stack.end()) return *user;
  if (is_generated(place)) return place;
  const auto generated = std::ranges::find_if(stack, is_generated);
  return generated == stack.end() ? place : *generated;
}
// NOLINTEND(bugprone-return-const-ref-from-parameter)

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
